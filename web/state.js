// Safety and control as the bridge has them, and how well the link does.

import { $, field, put, show } from "./dom.js";
import { ago, age, clockTime, number } from "./format.js";
import { named, t } from "./language.js";
import { STALE_STATUS, isMine, isViewer, robot, since } from "./robot.js";

export function renderStatus() {
  const data = robot.status?.data;
  if (!data) return;
  const { control, emergency_stop: latch, safety, lidar, docking } = data;
  field("control", control ? `${control.holder}${isMine(control) ? ` (${t("you")})` : ""}` : t("nobody"));
  field("emergency", latch?.active ? t("latch_active", { cause: cause(latch) }) : latch ? t("latch_inactive") : "–");
  const why = safety ? [named("decision", safety.decision), safety.reason && named("reason", safety.reason)].filter(Boolean).join(": ") : "";
  field("safety", safety?.zone ? `${why} (${safety.zone})` : why);
  field("lidar", [named("lidar", lidar?.state), number(lidar?.frequency, 0, "Hz", ""), shown(lidar?.range)].filter(Boolean).join(", "));
  for (const name of ["frequency", "range"]) $(`lidar-${name}`).placeholder = number(lidar?.[name], 1, "", "");
  field("docking", named("dock", docking?.state));
  $("status").dataset.decision = safety?.decision;
  const at = latch?.since ? `, ${clockTime(latch.since)}` : "";
  put($("latched-text"), latch?.active ? `${cause(latch)}${at}` : "");
  show("latched", latch?.active === true);
  show("reset", !isViewer());
  if (!latch?.active) $("confirm").close();
}

export function refreshStatus() {
  const told = since(robot.status);
  put($("status").querySelector("h2 .age"), ago(told));
  $("status").classList.toggle("stale", told > STALE_STATUS);
}

/** The pill in the header, and what the link brings. */
export function refreshLink(client, silent) {
  const { state, attempt } = client.link;
  $("link").dataset.state = silent ? "silent" : state;
  put($("link"), silent ? t("link_silent") : t(`link_${state}`, { attempt, of: 5 }));
  const trip = client.roundTrip;
  put($("trip"), silent ? t("silent_for", { age: age(client.silence) }) : Number.isFinite(trip) ? number(trip, 0, "ms") : "");

  const lidar = client.stream?.("lidar");
  quality("round_trip", trip, number(trip, 0, "ms"), [150, 400]);
  quality("frame_age", lidar?.age, Number.isFinite(lidar?.age) ? (lidar.age < 1000 ? number(lidar.age, 0, "ms") : age(lidar.age)) : "–", [250, 1000]);
  quality("frame_rate", lidar?.received ? 0 : NaN, lidar?.received ? number(lidar.rate, 1, "Hz") : "–", [1, 1]);
}

/** Where a value is `fair` or `poor`, it says so in words too. */
function quality(name, value, text, [fair, poor]) {
  const grade = !(value > fair) ? "good" : value > poor ? "poor" : "fair";
  field(name, grade === "good" ? text : `${text} · ${t(`quality_${grade}`)}`);
  document.querySelector(`[data-field="${name}"]`).dataset.grade = grade;
}

const shown = (range) => (Number.isFinite(range) ? t("range_shown", { range: number(range, 1, "m") }) : "");
const cause = ({ reason, by, source }) => reason || [by, source && named("source", source)].filter(Boolean).join(", ") || t("no_reason");
