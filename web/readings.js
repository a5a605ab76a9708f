// The robot's readings, each with its age, and the last minute of some.

import { $, field, fieldAge, now, put } from "./dom.js";
import { ago, number } from "./format.js";
import { named, t } from "./language.js";
import { coloursOf } from "./map.js";
import { STALE, STALE_SLOW, robot, since } from "./robot.js";
import { Series, plot } from "./series.js";

/** What is plotted: the range that is shown at any rate, and the room that is left beyond what was. */
const PLOTS = {
  speed: { limits: [0, 0.2], margin: 0 },
  battery_level: { limits: [0, 100], margin: 0 },
  temperature: { limits: [undefined, undefined], margin: 2 },
};
let colours = {};

export function recolourPlots() {
  colours = coloursOf($("telemetry"));
}

export function forgetReadings() {
  for (const each of Object.values(PLOTS)) each.series?.clear();
}

export function takeTelemetry({ data, stamp }) {
  robot.telemetry = { data, at: now() };
  // Old odometry may come in a new message: its age counts from the first message that brought it.
  if (stamp !== robot.odometry.stamp) robot.odometry = { stamp, at: robot.telemetry.at };
  for (const [name, each] of Object.entries(PLOTS)) (each.series ??= new Series()).add(data[name], robot.telemetry.at);
  renderReadings();
}

export function renderReadings() {
  const data = robot.telemetry?.data;
  if (!data) return;
  const { position, yaw } = data;
  field("status", named("status", data.status));
  field("speed", number(data.speed, 2, "m/s"));
  const heading = Number.isFinite(yaw) ? `, ${number((yaw * 180) / Math.PI, 0)}°` : "";
  field("position", position ? `${number(position.x, 2)}; ${number(position.y, 2, "m")}${heading}` : "–");
  field("battery_level", number(data.battery_level, 0, "%"));
  field("temperature", number(data.temperature, 1, "°C"));
  $("telemetry").dataset.status = data.status;
}

export function refreshReadings() {
  const old = since(robot.telemetry);
  const odom = robot.telemetry ? since(robot.odometry) : NaN;
  fieldAge("status", ago(old), old > STALE);
  for (const name of ["speed", "position"]) fieldAge(name, ago(odom), odom > STALE);
  // These come seldom; their own age is in the status.
  const source = (name) => (robot.status?.data.sources?.[name] ?? NaN) * 1000 + since(robot.status);
  for (const [name, topic] of [["battery_level", "battery_state"], ["temperature", "temperature"]]) {
    fieldAge(name, ago(Math.max(old, source(topic) || 0)), old > STALE || source(topic) > STALE_SLOW);
  }
  const time = now();
  for (const [name, { series, limits, margin }] of Object.entries(PLOTS)) {
    const canvas = document.querySelector(`[data-field="${name}"] canvas`);
    if (series) plot(canvas, series, time, limits, margin, colours);
  }
  put($("plot-hint"), robot.telemetry ? t("plot_hint") : "");
}
