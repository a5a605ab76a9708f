// Who drives, and the buttons that change it; docking; the settings of the LiDAR.

import { $, put, show } from "./dom.js";
import { age } from "./format.js";
import { t } from "./language.js";
import { problem } from "./problem.js";
import { setUpQuestion } from "./question.js";
import { STALE_STATUS, driver, isMine, isViewer, robot, since } from "./robot.js";

/** What became of the operator's last wish. */
export function answer(text, bad) {
  put($("answer"), text);
  $("answer").classList.toggle("refused", bad);
}

/** Sends a request, and says what became of it. */
export async function ask(request, meanwhile) {
  answer(meanwhile, false);
  try {
    const { success, message } = await request;
    answer(message, !success);
  } catch (error) {
    answer(problem(error), true);
  }
}

export function setUpControl(client) {
  $("take").addEventListener("click", () => ask(client.control("acquire"), t("asked_take")));
  $("give").addEventListener("click", () => ask(client.control("release"), t("asked_give")));
  setUpQuestion($("takeover-question"), $("takeover"), $("takeover-keep"), $("takeover-go"), () => {
    ask(client.control("take_over"), t("asked_takeover"));
  });
  for (const command of ["dock", "undock"]) {
    $(command).addEventListener("click", () => {
      // As for driving: who presses wants control, also after a driver's link was lost. A refusal comes with the docking's.
      client.control("acquire").catch(() => {});
      ask(client.robot(command, undefined, { timeout: DOCKING }), t(`asked_${command}`));
    });
  }
  for (const command of ["start_scan", "stop_scan"]) {
    $(command.replace("_", "-")).addEventListener("click", () => ask(client.lidar(command), t(`asked_${command}`)));
  }
  for (const name of ["frequency", "range"]) {
    const form = $(`set-${name}`);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const value = form.elements.value.valueAsNumber;
      if (!Number.isFinite(value)) return;
      form.elements.value.blur(); // the keys drive again
      ask(client.lidar(`set_${name}`, { [name]: value }), t(`asked_set_${name}`));
    });
  }
}

/** `usable`: the link is there and fresh. */
export function refreshControl(usable) {
  const control = usable ? driver() : null;
  const mine = isMine(control);
  const old = !(since(robot.status) <= STALE_STATUS);
  put($("driver"), !robot.welcome ? "" : old || !usable ? t("driver_unknown") : whoDrives(control));
  $("driver").dataset.who = control ? (mine ? "you" : "other") : "nobody";
  if (isViewer()) return;

  show("take", !mine);
  show("give", Boolean(mine));
  const other = control !== null && !mine;
  const mayTakeOver = robot.welcome?.role === "administrator" && !mine;
  if (!mayTakeOver) $("takeover-question").close();
  // A question that is open stays, though who drives may let go for a moment.
  show("takeover", mayTakeOver && (other || $("takeover-question").open));
  $("take").disabled = !usable || other;

  const { state, elapsed } = robot.status?.data.docking ?? {};
  const docks = isDocking();
  show("docking", docks);
  const took = Number.isFinite(elapsed) ? ` ${age(elapsed * 1000 + since(robot.status))}` : "";
  if (docks) put($("docking-text"), `${t(`docking_${state}`)}${took}`);
  for (const id of ["give", "takeover", "start-scan", "stop-scan", "set-frequency-go", "set-range-go"]) $(id).disabled = !usable;
  for (const id of ["dock", "undock"]) $(id).disabled = blocked(usable);
}

/** Whether no motion can be asked for: those that come now would be refused. */
export function blocked(usable) {
  if (!usable) return true;
  const control = driver();
  if (control && !isMine(control)) return true;
  if (!(since(robot.status) <= STALE_STATUS)) return false; // then the bridge has to say
  return robot.status.data.emergency_stop?.active === true || isDocking();
}

const isDocking = () => ["docking", "undocking"].includes(robot.status?.data.docking?.state);

function whoDrives(control) {
  if (!control) return t("driver_nobody");
  return isMine(control) ? t("driver_you") : t("driver_other", { name: control.holder });
}

const DOCKING = 150_000; // ms
