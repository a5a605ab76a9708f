// What happened, newest first.

import { $ } from "./dom.js";
import { clockTime } from "./format.js";
import { t } from "./language.js";

/** `text` is the bridge's, or comes from `key` and changes with the language. */
export function addEvent({ severity, text, key, at = Date.now() }) {
  const item = document.createElement("li");
  item.dataset.severity = severity;
  const time = document.createElement("time");
  time.textContent = clockTime(at);
  const grade = document.createElement("strong");
  grade.dataset.i18n = `severity_${severity}`;
  grade.textContent = t(grade.dataset.i18n);
  const what = document.createElement("span");
  if (key) what.dataset.i18n = key;
  what.textContent = key ? t(key) : text;
  item.append(time, grade, what);
  const list = $("events").querySelector("ol");
  list.prepend(item);
  while (list.children.length > MOST) list.lastChild.remove();
  // The list itself is silent: in a busy hall it would never end.
  if (severity !== "info") $("heard").textContent = what.textContent;
}

export function forgetEvents() {
  $("events").querySelector("ol").replaceChildren();
  $("heard").textContent = "";
}

const MOST = 100;
