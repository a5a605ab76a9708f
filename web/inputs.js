// What the operator holds to drive: buttons, keys, a gamepad.

import { Stick } from "./gamepad.js";
import { directionOf, isText } from "./keys.js";

/**
 * `mayDrive()` is whether this page offers driving at all, `refused()` whether a press is turned away now (and says so).
 * Returns what makes the gamepad's shoulder button count anew only.
 */
export function setUpInputs(pad, drive, { mayDrive, refused, gamepads }) {
  const stick = new Stick();
  const press = (source, direction) => {
    if (mayDrive() && !refused()) drive.press(source, direction);
  };

  for (const button of pad.children) {
    const { command } = button.dataset;
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      button.focus({ preventScroll: true });
      button.setPointerCapture(event.pointerId);
      press(`pointer ${event.pointerId}`, command);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      button.addEventListener(end, ({ pointerId }) => drive.letGo(`pointer ${pointerId}`));
    }
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    button.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (!event.repeat) press(`button ${command}`, command);
    });
    for (const end of ["keyup", "blur"]) {
      button.addEventListener(end, ({ key }) => (end === "blur" || key === " " || key === "Enter") && drive.letGo(`button ${command}`));
    }
  }

  addEventListener("keydown", (event) => {
    // With these held, systems keep the end of a key press to themselves.
    if (["Meta", "Control", "Alt"].includes(event.key)) return drive.release();
    const direction = directionOf(event);
    if (!direction || !mayDrive()) return;
    event.preventDefault();
    if (!event.repeat) press(`key ${event.code}`, direction);
  });
  addEventListener("keyup", ({ code }) => drive.letGo(`key ${code}`));

  const leave = () => {
    drive.release();
    stick.disarm();
  };
  for (const end of ["blur", "pagehide"]) addEventListener(end, leave);
  document.addEventListener("visibilitychange", () => document.hidden && leave());
  document.addEventListener("focusin", ({ target }) => isText(target) && leave());

  const poll = () => {
    const found = [...navigator.getGamepads()].filter((each) => each?.connected && each.mapping === "standard");
    gamepads(found.length);
    const here = mayDrive() && document.hasFocus() && !isText(document.activeElement);
    if (!here) stick.disarm();
    const wanted = stick.read(found[0]);
    if (!wanted || drive.active || !refused()) return drive.lean(wanted);
    stick.disarm();
  };
  let timer = null;
  addEventListener("gamepadconnected", () => (timer ??= setInterval(poll, POLL)));
  return () => stick.disarm();
}

const POLL = 50; // ms
