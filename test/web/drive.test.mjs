// The dead man's switch of the page: how what is held is mixed, what is sent meanwhile, and what ends it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeClock, fakeWebSocket, load } from "./fakes.mjs";

const { Oht50Client } = await load("oht50-client.js");
const { Drive, mix } = await load("drive.js");

function setUp() {
  const clock = new FakeClock();
  const WebSocket = fakeWebSocket();
  const client = new Oht50Client("ws://robot/ws", { WebSocket, clock, random: () => 0 });
  const told = [];
  const speeds = { linear: 0.3, angular: 0.5 };
  const drive = new Drive(client, () => speeds, (state) => told.push(state), clock);
  client.connect("t");
  const [socket] = WebSocket.made;
  socket.open();
  /** Holds for a number of repetitions, each answered well. */
  const held = async (repetitions) => {
    for (let i = 0; i < repetitions; i += 1) {
      socket.answer(-1, {});
      await clock.advance(250);
    }
  };
  /** The velocities that were asked for, linear and angular. */
  const velocities = () => socket.sent.filter(({ command }) => command === "drive").map(({ parameters }) => [parameters.linear, parameters.angular]);
  const acquired = () => socket.sent.filter(({ type }) => type === "control").length;
  return { clock, client, socket, drive, held, told, speeds, velocities, acquired };
}

for (const [directions, stick, linear, angular] of [
  [[], null, 0, 0],
  [["move_forward"], null, 1, 0],
  [["move_backward"], null, -1, 0],
  [["turn_left"], null, 0, 1],
  [["turn_right"], null, 0, -1],
  [["move_forward", "turn_left"], null, 1, 1],
  [["move_backward", "turn_right"], null, -1, -1],
  [["move_forward", "move_forward"], null, 1, 0], // two keys for one direction
  [["move_forward", "move_backward"], null, 0, 0],
  [["move_forward", "move_backward", "turn_left"], null, 0, 1],
  [[], { linear: 0.5, angular: -0.25 }, 0.5, -0.25],
  [["move_forward"], { linear: 0.5, angular: 0.1 }, 1, 0.1],
]) {
  test(`${directions.join(" and ") || "nothing"}${stick ? ` with a stick at ${Object.values(stick)}` : ""} is ${linear} and ${angular}`, () => {
    assert.deepEqual(mix(directions, stick), { linear, angular });
  });
}

test("what is held is repeated four times a second, and stopped when it is let go", async () => {
  const { clock, socket, drive, held, velocities, acquired } = setUp();
  drive.press("a", "move_forward");
  assert.deepEqual([socket.sent[0].type, socket.sent[0].action], ["control", "acquire"]);
  await held(3);
  drive.letGo("a");
  assert.deepEqual(socket.commands, ["drive", "drive", "drive", "drive", "stop"]);
  assert.deepEqual(velocities(), Array(4).fill([0.3, 0]));
  await clock.advance(2000);
  assert.equal(socket.commands.length, 5);
  assert.equal(acquired(), 1);
  assert.equal(drive.active, false);
});

test("two together drive a curve at once, and what is left of them goes on", async () => {
  const { socket, drive, held, told, velocities, acquired } = setUp();
  drive.press("w", "move_forward");
  await held(1);
  drive.press("a", "turn_left");
  assert.deepEqual(told.at(-1).directions, ["move_forward", "turn_left"]);
  drive.letGo("w");
  drive.letGo("a");
  assert.deepEqual(velocities(), [[0.3, 0], [0.3, 0], [0.3, 0.5], [0, 0.5]]);
  assert.equal(socket.commands.at(-1), "stop");
  assert.equal(acquired(), 1);
});

test("a direction that is held twice goes on until it is let go twice", async () => {
  const { socket, drive, held } = setUp();
  drive.press("w", "move_forward");
  drive.press("arrow", "move_forward");
  await held(1);
  drive.letGo("w");
  assert.equal(drive.active, true);
  drive.letGo("arrow");
  assert.equal(socket.commands.at(-1), "stop");
});

test("opposites end it: only a new press goes on", async () => {
  const { clock, socket, drive, held } = setUp();
  drive.press("w", "move_forward");
  await held(1);
  drive.press("s", "move_backward");
  drive.letGo("s");
  await clock.advance(1000);
  assert.deepEqual(socket.commands, ["drive", "drive", "stop"]);
});

test("a speed that is changed meanwhile holds from the next repetition", async () => {
  const { drive, held, speeds, velocities } = setUp();
  drive.press("w", "move_forward");
  speeds.linear = 0.1;
  await held(1);
  assert.deepEqual(velocities(), [[0.3, 0], [0.1, 0]]);
});

test("a tap shorter than the way to the bridge is stopped too", () => {
  const { socket, drive } = setUp();
  drive.press("a", "turn_left");
  drive.letGo("a");
  assert.deepEqual(socket.commands, ["drive", "stop"]);
});

test("a stick drives in shares of both speeds, follows what is notable, and stops in its middle", async () => {
  const { clock, socket, drive, velocities } = setUp();
  drive.lean(null);
  assert.deepEqual(socket.commands, []);
  drive.lean({ linear: 0.5, angular: 0 });
  socket.answer(-1, {});
  await clock.advance(50);
  drive.lean({ linear: 1, angular: 0 }); // too soon
  await clock.advance(50);
  drive.lean({ linear: 1, angular: 0 });
  socket.answer(-1, {});
  await clock.advance(100);
  drive.lean({ linear: 1, angular: 0.02 }); // a hand that trembles
  drive.lean(null);
  assert.deepEqual(velocities(), [[0.15, 0], [0.3, 0]]);
  assert.equal(socket.commands.at(-1), "stop");
  await clock.advance(2000);
  assert.equal(socket.commands.length, 3);
});

test("a refusal ends it and stops nobody else's motion", async () => {
  const { clock, socket, drive, told } = setUp();
  drive.press("w", "move_forward");
  socket.answer(-1, { success: false, message: "anna drives", code: "not_in_control" });
  await clock.advance(2000);
  drive.letGo("w");
  assert.deepEqual(socket.commands, ["drive"]);
  assert.deepEqual(told.at(-1), { text: "anna drives", bad: true, directions: [], forced: true });
});

test("a refusal of a later repetition stops what was accepted before", async () => {
  const { clock, socket, drive, held } = setUp();
  drive.press("w", "move_forward");
  await held(1);
  socket.answer(-1, { success: false, message: "No fresh scan", code: "scan_stale" });
  await clock.advance(2000);
  assert.deepEqual(socket.commands, ["drive", "drive", "stop"]);
});

test("a refusal lets go of every key: those still down do nothing, a new press is on its own", async () => {
  const { socket, drive, held, velocities } = setUp();
  drive.press("w", "move_forward");
  drive.press("a", "turn_left");
  await held(1);
  socket.answer(-1, { success: false, message: "blocked", code: "zone_blocked" });
  await held(0);
  await new Promise(setImmediate);
  drive.letGo("a");
  drive.press("s", "move_backward");
  assert.deepEqual(velocities().at(-1), [-0.3, 0]);
});

test("that a newer velocity took its place is no refusal; that the newest was aborted is one", async () => {
  const { clock, socket, drive, told } = setUp();
  drive.press("w", "move_forward");
  drive.press("a", "turn_left");
  const aborted = { success: false, message: "Replaced", code: "aborted" };
  socket.answer(0, aborted);
  await clock.advance(10);
  assert.equal(drive.active, true);
  socket.answer(1, aborted);
  await clock.advance(10);
  assert.equal(drive.active, false);
  assert.equal(told.findLast(({ text }) => text).text, "Replaced");
});

test("no answer and a silent link end it", async () => {
  const { clock, socket, drive, told } = setUp();
  drive.press("w", "move_forward");
  await clock.advance(5000);
  assert.equal(socket.commands.at(-1), "stop");
  assert.ok(socket.commands.length <= 6, socket.commands.join());
  assert.deepEqual(told.at(-1).directions, []);
});

test("a page that hung longer than the bridge waits does not begin anew", async () => {
  const { clock, client, socket, drive, held, told } = setUp();
  drive.press("w", "move_forward");
  await held(1);
  socket.answer(-1, {});
  await clock.advance(0);
  // The clock goes on and no timer runs, as in a page that is frozen; then what had come is read first.
  const { now } = clock;
  clock.now = () => now() + 1500;
  socket.say({ type: "pong" });
  assert.ok(client.silence < 100);
  await clock.advance(250);
  assert.deepEqual([drive.active, socket.commands.at(-1)], [false, "stop"]);
  assert.match(told.findLast(({ text }) => text).text, /hung/);
});

test("a lost link ends it, and after the reconnect nothing moves", async () => {
  const { clock, client, socket, drive, held, told } = setUp();
  drive.press("w", "move_forward");
  await held(1);
  socket.end(1006);
  assert.deepEqual(told.at(-1).directions, []);
  await clock.advance(1000);
  const again = socket.constructor.made.at(-1);
  again.open();
  await clock.advance(900);
  assert.equal(client.link.state, "connected");
  drive.letGo("w");
  assert.deepEqual(again.sent.filter(({ type }) => type === "robot_control" || type === "control"), []);
});

test("without a link nothing is sent, and no stop is waited for", async () => {
  const { clock, client, socket, drive, told } = setUp();
  client.close();
  drive.press("w", "move_forward");
  await clock.advance(1000);
  assert.deepEqual([socket.commands, drive.active], [[], false]);
  assert.equal(told.at(-1).bad, true);
});

test("somebody else's stop ends it, one's own of a moment ago does not", async () => {
  const aborted = { type: "event", event: "motion_aborted", message: "stopped", data: { command: "drive", reason: "stopped" } };
  const latched = { type: "event", event: "emergency_stop_engaged", message: "Pressed by anna", data: {} };
  for (const event of [aborted, latched]) {
    const { socket, drive, held, told } = setUp();
    drive.press("w", "move_forward");
    await held(2);
    socket.say(event);
    assert.deepEqual([socket.commands.at(-1), told.at(-1).directions, told.at(-1).forced], ["stop", [], true], event.event);
  }
  const { socket, drive, held, told } = setUp();
  drive.press("w", "move_forward");
  await held(1);
  drive.letGo("w");
  assert.equal(drive.stoppedJustNow, true);
  drive.press("w", "move_forward");
  socket.say(aborted);
  assert.deepEqual(told.at(-1).directions, ["move_forward"]);
});

test("the end of another motion than one's own ends nothing", async () => {
  const { socket, drive, held } = setUp();
  drive.press("w", "move_forward");
  await held(1);
  socket.say({ type: "event", event: "motion_aborted", message: "released", data: { command: "turn_left", reason: "released" } });
  assert.equal(drive.active, true);
});

test("an emergency stop of one's own lets go without another word, and counts as forced", async () => {
  const { clock, socket, drive, held, told } = setUp();
  drive.press("w", "move_forward");
  await held(1);
  drive.cancel();
  assert.equal(told.at(-1).forced, true);
  await clock.advance(2000);
  assert.deepEqual(socket.commands, ["drive", "drive"]);
});

test("who was taken over says nothing more: a stop would stop the robot for whoever drives now", async () => {
  const takenOver = { type: "event", event: "motion_aborted", message: "anna took control", data: { command: "drive", reason: "taken_over" } };
  const refusal = { success: false, message: "anna is in control", code: "not_in_control" };
  for (const end of [(socket) => socket.say(takenOver), (socket) => socket.answer(-1, refusal)]) {
    const { clock, socket, drive, held, told } = setUp();
    drive.press("w", "move_forward");
    await held(2);
    socket.answer(0, {}); // the robot moved, by our doing
    end(socket);
    await clock.advance(2000);
    drive.letGo("w");
    assert.equal(drive.active, false);
    assert.ok(!socket.commands.includes("stop"), String(socket.commands));
    assert.equal(told.at(-1).forced, true);
  }
});
