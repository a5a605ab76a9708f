// The gamepad: its dead zone, and the button that must be held.

import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./fakes.mjs";

const { Stick, lean } = await load("gamepad.js");

const pad = (x, y, { held = [], mapping = "standard", connected = true } = {}) => ({
  connected,
  mapping,
  axes: [x, y, 0, 0],
  buttons: Array.from({ length: 17 }, (_, n) => ({ pressed: held.includes(n) })),
});
const HELD = { held: [4] };
const AHEAD = { linear: 1, angular: 0 };

test("near its middle a stick asks for nothing, and from there on without a jerk", () => {
  for (const [x, y] of [[0, 0], [0.1, 0.1], [-0.15, 0], [0, 0.15], [NaN, 0], [undefined, undefined]]) {
    assert.equal(lean(x, y), null, `${x}, ${y}`);
  }
  const little = lean(0, -0.16);
  assert.ok(little.linear > 0 && little.linear < 0.02, String(little.linear));
});

test("up is forward, left is counter-clockwise, and nothing is more than all", () => {
  assert.deepEqual(lean(0, -1), AHEAD);
  assert.deepEqual(lean(0, 1), { linear: -1, angular: 0 });
  assert.deepEqual(lean(-1, 0), { linear: 0, angular: 1 });
  assert.deepEqual(lean(1, 0), { linear: 0, angular: -1 });
  const corner = lean(1, -1);
  assert.ok(Math.abs(Math.hypot(corner.linear, corner.angular) - 1) < 1e-9);
});

test("it drives while a shoulder button is held, and only then", () => {
  for (const button of [4, 5]) {
    const stick = new Stick();
    assert.equal(stick.read(pad(0, -1)), null);
    assert.deepEqual(stick.read(pad(0, -1, { held: [button] })), AHEAD);
    assert.equal(stick.read(pad(0, 0, { held: [button] })), null);
    assert.deepEqual(stick.read(pad(0, -1, { held: [button] })), AHEAD);
    assert.equal(stick.read(pad(0, -1)), null);
  }
  const stick = new Stick();
  stick.read(pad(0, -1));
  assert.equal(stick.read(pad(0, -1, { held: [0, 1, 6, 7] })), null, "other buttons");
});

test("a button that was held before anybody looked must be pressed anew", () => {
  const stick = new Stick();
  assert.equal(stick.read(pad(0, -1, HELD)), null);
  stick.read(pad(0, -1));
  assert.deepEqual(stick.read(pad(0, -1, HELD)), AHEAD);
});

test("after something else ended the drive, the button must be pressed anew", () => {
  const stick = new Stick();
  stick.read(pad(0, 0));
  stick.read(pad(0, -1, HELD));
  stick.disarm();
  assert.equal(stick.read(pad(0, -1, HELD)), null);
  assert.equal(stick.read(pad(0, -1, HELD)), null);
  stick.read(pad(0, -1));
  assert.deepEqual(stick.read(pad(0, -1, HELD)), AHEAD);
});

test("a pad that is unplugged, or has other buttons there, drives nothing", () => {
  for (const other of [null, undefined, pad(0, -1, { ...HELD, connected: false }), pad(0, -1, { ...HELD, mapping: "" })]) {
    const stick = new Stick();
    stick.read(pad(0, 0));
    assert.equal(stick.read(other), null);
    assert.deepEqual(stick.read(pad(0, -1, HELD)), AHEAD, "when it is back, a press that is seen");
  }
});
