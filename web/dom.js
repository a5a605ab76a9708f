// The page's elements.

export const $ = (id) => document.getElementById(id);
export const now = () => performance.now();

/** Only what changes is written: a screen reader may read out every write. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(id, visible) {
  $(id).hidden = !visible;
}

/** A value of a list of facts. */
export function field(name, text) {
  put(document.querySelector(`[data-field="${name}"] dd`), String(text || "–"));
}

/** How old a value is; known values only. */
export function fieldAge(name, text, stale) {
  const box = document.querySelector(`[data-field="${name}"]`);
  const known = box.querySelector("dd").textContent !== "–";
  put(box.querySelector(".age"), known ? text : "");
  box.classList.toggle("stale", stale);
}
