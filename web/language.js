// The language that the page speaks. What the bridge says is shown as it comes.

import { recall, remember } from "./remember.js";
import { WORDS } from "./words.js";

const LANGUAGES = ["en", "vi"];
const listeners = [];
let current = choose(recall("language"), globalThis.navigator?.language);

/** The remembered one, else the browser's, else English. */
export function choose(...wishes) {
  return wishes.map((wish) => wish?.slice(0, 2).toLowerCase()).find((wish) => LANGUAGES.includes(wish)) ?? "en";
}

export const language = () => current;
export const otherLanguage = () => LANGUAGES.find((each) => each !== current);
export const isKnown = (key) => Object.hasOwn(WORDS, key);

/** The words for a key; `values` take the place of what stands in braces. */
export function t(key, values = {}) {
  const text = isKnown(key) ? WORDS[key][current] : key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The words for one of the bridge's names, such as a reason; a name that is not known yet is shown as it is. */
export function named(kind, name) {
  const key = `${kind}_${name}`;
  return isKnown(key) ? t(key) : String(name ?? "–").replaceAll("_", " ").toLowerCase();
}

export function setLanguage(wish) {
  current = choose(wish);
  for (const listener of listeners) listener();
}

export function onLanguage(listener) {
  listeners.push(listener);
}

/** Writes every text of the page that does not change by itself. */
export function translate(root = document) {
  for (const element of root.querySelectorAll("[data-i18n]")) element.textContent = t(element.dataset.i18n);
  for (const element of root.querySelectorAll("[data-i18n-label]")) element.setAttribute("aria-label", t(element.dataset.i18nLabel));
  for (const element of root.querySelectorAll("[data-i18n-title]")) element.title = t(element.dataset.i18nTitle);
}

/** The button says where it leads, in the language that is spoken there. */
export function setUpLanguage(button) {
  const apply = () => {
    document.documentElement.lang = current;
    const other = otherLanguage();
    button.lang = other;
    button.textContent = other.toUpperCase();
    button.setAttribute("aria-label", `${other.toUpperCase()}: ${NAMES[other]}`);
    button.title = NAMES[other];
    translate();
  };
  onLanguage(apply);
  button.addEventListener("click", () => {
    remember("language", otherLanguage());
    setLanguage(otherLanguage());
  });
  apply();
}

const NAMES = { en: "English", vi: "Tiếng Việt" };
