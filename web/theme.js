// Light or dark: as the system has it, until the operator chooses.

import { recall, remember } from "./remember.js";

const SYSTEM = "(prefers-color-scheme: dark)";

/** `sheet` is the link to the dark colours; `changed(dark)` is called now and after every change. */
export function setUpTheme(button, sheet, changed) {
  const system = matchMedia(SYSTEM);
  let chosen = recall("theme");
  const isDark = () => (chosen ? chosen === "dark" : system.matches);
  const apply = () => {
    sheet.media = chosen ? (isDark() ? "all" : "not all") : SYSTEM;
    button.setAttribute("aria-pressed", String(isDark()));
    changed(isDark());
  };
  button.addEventListener("click", () => {
    chosen = isDark() ? "light" : "dark";
    remember("theme", chosen);
    apply();
  });
  system.addEventListener("change", apply);
  sheet.addEventListener("load", apply);
  apply();
}
