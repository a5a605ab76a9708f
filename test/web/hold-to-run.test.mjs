// The dead man's switch of the page: what is sent while a button is held, and what ends it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeClock, fakeWebSocket, load } from "./fakes.mjs";

const { Oht50Client } = await load("oht50-client.js");
const { HoldToRun } = await load("hold-to-run.js");

function setUp() {
  const clock = new FakeClock();
  const WebSocket = fakeWebSocket();
  const client = new Oht50Client("ws://robot/ws", { WebSocket, clock, random: () => 0 });
  const told = [];
  const hold = new HoldToRun(client, (state) => told.push(state), clock);
  client.connect("t");
  const [socket] = WebSocket.made;
  socket.open();
  /** Holds for a number of repetitions, each answered well. */
  const held = async (repetitions) => {
    for (let i = 0; i < repetitions; i += 1) {
      socket.answer(-1, {});
      await clock.advance(300);
    }
  };
  return { clock, client, socket, hold, held, told };
}

const speed = () => 0.3;

test("a held motion is repeated every 300 ms without a duration, and stopped on release", async () => {
  const { clock, socket, hold, held } = setUp();
  hold.press("move_forward", speed);
  await held(3);
  hold.release();
  assert.deepEqual(socket.commands, ["move_forward", "move_forward", "move_forward", "move_forward", "stop"]);
  assert.deepEqual([socket.sent[0].type, socket.sent[0].action], ["control", "acquire"]);
  assert.deepEqual(socket.sent[1].parameters, { speed: 0.3 });
  await clock.advance(2000);
  assert.equal(socket.commands.at(-1), "stop");
  assert.equal(socket.commands.length, 5);
});

test("a tap shorter than the way to the bridge is stopped too", () => {
  const { socket, hold } = setUp();
  hold.press("turn_left", speed);
  hold.release();
  assert.deepEqual(socket.commands, ["turn_left", "stop"]);
});

test("a refusal ends the hold and stops nobody else's motion", async () => {
  const { clock, socket, hold, told } = setUp();
  hold.press("move_forward", speed);
  socket.answer(-1, { success: false, message: "anna drives", code: "not_in_control" });
  await clock.advance(2000);
  hold.release();
  assert.deepEqual(socket.commands, ["move_forward"]);
  assert.deepEqual(told.at(-1), { text: "anna drives", bad: true, command: null });
});

test("a refusal of a later repetition stops what was accepted before", async () => {
  const { clock, socket, hold, held } = setUp();
  hold.press("move_forward", speed);
  await held(1);
  socket.answer(-1, { success: false, message: "No fresh scan", code: "scan_stale" });
  await clock.advance(2000);
  assert.deepEqual(socket.commands, ["move_forward", "move_forward", "stop"]);
});

test("another direction replaces the first, and one stop ends both", async () => {
  const { socket, hold, held } = setUp();
  hold.press("move_forward", speed);
  await held(1);
  hold.press("turn_right", speed);
  hold.release();
  assert.deepEqual(socket.commands, ["move_forward", "move_forward", "turn_right", "stop"]);
});

test("no answer and a silent link end the hold", async () => {
  const { clock, socket, hold, told } = setUp();
  hold.press("move_forward", speed);
  await clock.advance(5000);
  assert.equal(socket.commands.at(-1), "stop");
  assert.ok(socket.commands.length <= 5, socket.commands.join());
  assert.equal(told.at(-1).command, null);
});

test("a lost link ends the hold, and after the reconnect nothing moves", async () => {
  const { clock, client, socket, hold, held, told } = setUp();
  hold.press("move_forward", speed);
  await held(1);
  socket.end(1006);
  assert.equal(told.at(-1).command, null);
  await clock.advance(1000);
  const again = socket.constructor.made.at(-1);
  again.open();
  await clock.advance(900);
  assert.equal(client.link.state, "connected");
  assert.deepEqual(again.commands, []);
});

test("somebody else's stop ends the hold, one's own of a moment ago does not", async () => {
  const aborted = { type: "event", event: "motion_aborted", message: "stopped", data: { command: "move_forward", reason: "stopped" } };
  const latched = { type: "event", event: "emergency_stop_engaged", message: "Pressed by anna", data: {} };
  for (const event of [aborted, latched]) {
    const { socket, hold, held, told } = setUp();
    hold.press("move_forward", speed);
    await held(2);
    socket.say(event);
    assert.deepEqual([socket.commands.at(-1), told.at(-1).command], ["stop", null], event.event);
  }
  const { socket, hold, held, told } = setUp();
  hold.press("move_forward", speed);
  await held(1);
  hold.release();
  hold.press("move_forward", speed);
  socket.say(aborted);
  assert.equal(told.at(-1).command, "move_forward");
});

test("an emergency stop of one's own lets go without another word", async () => {
  const { clock, socket, hold, held } = setUp();
  hold.press("move_forward", speed);
  await held(1);
  hold.cancel();
  await clock.advance(2000);
  assert.deepEqual(socket.commands, ["move_forward", "move_forward"]);
});
