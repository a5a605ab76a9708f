// Which keys drive, and which are meant for something else.

import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./fakes.mjs";

const { directionOf, isText } = await load("keys.js");

/** An element that matches these selectors, as far as the page asks. */
const element = (...selectors) => ({
  matches: (asked) => selectors.some((each) => asked.split(", ").includes(each)),
  closest: (asked) => (selectors.some((each) => asked.split(", ").includes(each)) ? {} : null),
});
const BODY = element("body");
const TEXT = element("input", "input:not([type=range])");
const SLIDER = element("input");

test("arrows and W A S D drive, by their place on the keyboard", () => {
  for (const [codes, direction] of [
    [["ArrowUp", "KeyW"], "move_forward"],
    [["ArrowDown", "KeyS"], "move_backward"],
    [["ArrowLeft", "KeyA"], "turn_left"],
    [["ArrowRight", "KeyD"], "turn_right"],
    [["KeyQ", "Space", "Enter", "Numpad8"], undefined],
  ]) {
    for (const code of codes) assert.equal(directionOf({ code, target: BODY }), direction, code);
  }
});

test("with Ctrl, Alt or Meta, and while a text is composed, they do not", () => {
  for (const held of ["ctrlKey", "altKey", "metaKey", "isComposing"]) {
    assert.equal(directionOf({ code: "KeyW", target: BODY, [held]: true }), undefined, held);
  }
});

test("in a field and in a question they do not; on a slider and a list only the letters do", () => {
  for (const target of [TEXT, element("dialog"), { ...BODY, isContentEditable: true }]) {
    for (const code of ["KeyW", "ArrowUp"]) assert.equal(directionOf({ code, target }), undefined);
  }
  for (const target of [SLIDER, element("[data-arrows]")]) {
    assert.equal(directionOf({ code: "ArrowUp", target }), undefined);
    assert.equal(directionOf({ code: "KeyW", target }), "move_forward");
  }
  assert.deepEqual([TEXT, SLIDER, BODY, null].map(isText), [true, false, false, false]);
});
