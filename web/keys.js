// Which key drives where. By its place on the keyboard, whatever is printed on it.

const KEYS = {
  ArrowUp: "move_forward", ArrowDown: "move_backward", ArrowLeft: "turn_left", ArrowRight: "turn_right",
  KeyW: "move_forward", KeyS: "move_backward", KeyA: "turn_left", KeyD: "turn_right",
};

/** The direction that a key event asks for, or undefined when the key is meant for something else. */
export function directionOf({ code, ctrlKey, altKey, metaKey, isComposing, target }) {
  const direction = KEYS[code];
  if (!direction || ctrlKey || altKey || metaKey || isComposing) return undefined;
  if (isText(target) || target?.closest?.("dialog")) return undefined;
  // Sliders and lists have a use of their own for arrows.
  if (code.startsWith("Arrow") && target?.closest?.("input, [data-arrows]")) return undefined;
  return direction;
}

/** Whether typing goes there. */
export function isText(element) {
  return element?.isContentEditable === true || element?.matches?.("textarea, select, input:not([type=range])") === true;
}
