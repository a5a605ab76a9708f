// The stops. They act when touched, not when let go, and never wait for a dialog.

import { ask } from "./control.js";
import { $ } from "./dom.js";
import { t } from "./language.js";
import { setUpQuestion } from "./question.js";
import { play } from "./sound.js";

/** `letGo()` ends what is held, without a stop of its own. */
export function setUpStops(client, letGo) {
  const urgent = (id, command, name) => {
    const send = async () => {
      letGo();
      say(t("stop_sending", { name: t(name) }), false);
      try {
        const { success, message } = await client.robot(command, undefined, { timeout: 1500 });
        say(success ? message : `${t(name)}: ${message}`, !success);
        play(success ? "stop" : "lost");
      } catch ({ code }) {
        say(t(code === "not_connected" ? "stop_not_sent" : "stop_not_confirmed", { name: t(name) }), true);
        play("lost");
      }
    };
    $(id).addEventListener("pointerdown", send);
    // Without a pointer: keyboard, screen reader, switch.
    $(id).addEventListener("click", (event) => event.detail === 0 && send());
  };
  urgent("stop", "stop", "stop");
  urgent("emergency", "emergency_stop", "emergency_stop");

  setUpQuestion($("confirm"), $("reset"), $("keep"), $("release"), () => {
    say("", false);
    ask(client.robot("reset_emergency_stop", { confirm: true }), t("asked_reset"));
  });
}

let forget;
export function say(text, bad) {
  clearTimeout(forget);
  $("said").textContent = text;
  $("said").classList.toggle("refused", bad);
  if (!bad) forget = setTimeout(() => ($("said").textContent = ""), 6000);
}
