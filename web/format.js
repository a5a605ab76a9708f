// Numbers and times as people of the page's language write them.

import { language, t } from "./language.js";

const formats = new Map();

/** Made once for each language: making one is slow. */
function format(digits) {
  const key = `${language()} ${digits}`;
  if (!formats.has(key)) {
    formats.set(key, new Intl.NumberFormat(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false }));
  }
  return formats.get(key);
}

export function number(value, digits, unit = "", none = "–") {
  return Number.isFinite(value) ? `${format(digits).format(value)}${unit && "\u00a0"}${unit}` : none;
}

/** Of milliseconds. */
export function age(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return number(Math.max(0, seconds), 1, "s");
  if (seconds < 120) return number(Math.floor(seconds), 0, "s");
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? number(minutes, 0, t("unit_minutes")) : number(Math.floor(minutes / 60), 0, t("unit_hours"));
}

export const ago = (milliseconds) => (Number.isFinite(milliseconds) ? t("ago", { age: age(milliseconds) }) : "");

/** Minutes and seconds that are left. */
export function countdown(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** The time of day, behind its date where that is not today's. */
export function clockTime(stamp, now = new Date()) {
  const at = new Date(stamp);
  const time = at.toLocaleTimeString(language(), { hourCycle: "h23" });
  return at.toDateString() === now.toDateString() ? time : `${at.toLocaleDateString(language(), { month: "short", day: "numeric" })}, ${time}`;
}
