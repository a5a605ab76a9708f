// The client of the page against a socket and a clock of our own. Run by: node --test test/web/

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

import { FakeClock, fakeWebSocket, load, settled } from "./fakes.mjs";

const { Oht50Client, RequestError, TERMINAL } = await load("oht50-client.js");

function setUp({ random = () => 0 } = {}) {
  const clock = new FakeClock();
  const WebSocket = fakeWebSocket();
  const client = new Oht50Client("ws://robot/ws", { WebSocket, clock, random });
  const socket = () => WebSocket.made.at(-1);
  return { clock, client, socket, made: WebSocket.made };
}

function connected(options) {
  const all = setUp(options);
  all.client.connect("a.b+c");
  all.socket().open();
  return all;
}

test("the token goes into the query, escaped", () => {
  const { socket, client } = connected();
  assert.equal(socket().url, "ws://robot/ws?token=a.b%2Bc");
  assert.deepEqual(client.link, { state: "connected" });
});

test("a lost link is tried again after 1, 2, 4, 8 and 16 s, and then a person is asked", async () => {
  const { clock, client, socket, made } = connected();
  for (const [attempt, delay] of [1000, 2000, 4000, 8000, 16_000].entries()) {
    socket().end(1006);
    assert.deepEqual(client.link, { state: "waiting", attempt: attempt + 1, delay });
    await clock.advance(delay - 1);
    assert.equal(made.length, attempt + 1);
    await clock.advance(1);
    assert.equal(made.length, attempt + 2);
    assert.equal(client.link.state, "connecting");
  }
  socket().end(1006);
  assert.equal(client.link.state, "ended");
  await clock.advance(100_000);
  assert.equal(made.length, 6);
  client.reconnect();
  assert.equal(made.length, 7);
  assert.equal(socket().url, "ws://robot/ws?token=a.b%2Bc");
});

test("jitter only shortens a delay, by less than a third", () => {
  const { client, socket } = connected({ random: () => 0.999 });
  socket().end(1001);
  assert.ok(client.link.delay > 666 && client.link.delay < 1000, String(client.link.delay));
});

test("a link that is accepted and lost at once does not count as a success", async () => {
  const { clock, client, socket } = connected();
  socket().end(4011);
  await clock.advance(1000);
  socket().open();
  socket().end(4011);
  assert.equal(client.link.delay, 2000);
});

test("a link that lasted begins the attempts anew", async () => {
  const { clock, client, socket } = connected();
  socket().end(1006);
  await clock.advance(1000);
  socket().open();
  for (let second = 0; second < 11; second += 1) {
    await clock.advance(1000);
    socket().pong();
  }
  socket().end(1006);
  assert.equal(client.link.delay, 1000);
});

test("terminal close codes end the attempts", async () => {
  for (const code of TERMINAL.keys()) {
    const { clock, client, socket, made } = connected();
    socket().end(code);
    assert.deepEqual(client.link, { state: "ended", code, text: TERMINAL.get(code) });
    await clock.advance(100_000);
    assert.equal(made.length, 1, String(code));
  }
  for (const code of [4001, 4010, 4013, 4029]) assert.ok(TERMINAL.has(code), String(code));
  for (const code of [1001, 1006, 4000, 4009, 4011]) assert.ok(!TERMINAL.has(code), String(code));
});

test("after a reconnect only subscriptions are sent, once each", async () => {
  const { clock, client, socket } = connected();
  client.subscribe("telemetry");
  client.subscribe("lidar");
  client.subscribe("robot_status");
  client.unsubscribe("lidar");
  client.robot("move_forward", { speed: 0.2 }).catch(() => {});
  socket().end(1006);
  client.robot("emergency_stop").catch(() => {});
  await clock.advance(1000);
  assert.deepEqual(socket().sent, []);
  socket().open();
  assert.deepEqual(socket().sent.map(({ type, subscription_type }) => [type, subscription_type]), [["subscribe", "telemetry"], ["subscribe", "robot_status"]]);
  await clock.advance(3000);
  assert.deepEqual(socket().commands, []);
});

test("what cannot be sent is refused at once and never sent", async () => {
  const { clock, client, socket } = setUp();
  await assert.rejects(client.robot("move_forward"), { code: "not_connected" });
  client.connect("t");
  await assert.rejects(client.robot("emergency_stop"), { code: "not_connected" });
  socket().open();
  await clock.advance(500);
  assert.deepEqual(socket().commands, []);
});

test("an answer belongs to the request with its id", async () => {
  const { client, socket } = connected();
  const first = client.robot("move_forward", { speed: 0.5 });
  const second = client.robot("stop");
  const ids = socket().sent.map(({ request_id }) => request_id);
  assert.equal(new Set(ids).size, 2);
  assert.deepEqual(socket().sent[0], { type: "robot_control", command: "move_forward", parameters: { speed: 0.5 }, request_id: ids[0] });
  socket().answer(1, { message: "Stopped" });
  socket().answer(0, { success: false, message: "anna drives", code: "not_in_control" });
  assert.equal((await second).message, "Stopped");
  const { success, code } = await first;
  assert.deepEqual([success, code], [false, "not_in_control"]);
});

test("an error, silence and a lost link reject with their code", async () => {
  const { clock, client, socket } = connected();
  const refused = assert.rejects(client.request({ type: "dance" }), (error) => error instanceof RequestError && error.code === "invalid_message");
  socket().say({ type: "error", message: "Invalid message type: dance", code: "invalid_message", request_id: socket().sent[0].request_id });
  await refused;
  const late = assert.rejects(client.robot("stop", undefined, { timeout: 800 }), { code: "timeout" });
  await clock.advance(800);
  await late;
  socket().answer(0, {}); // too late, and harmless
  const lost = assert.rejects(client.robot("stop"), { code: "link_lost" });
  socket().end(1006);
  await lost;
});

test("malformed frames are ignored and the next good one is told", async () => {
  const { client, socket } = connected();
  const told = [];
  for (const type of ["telemetry_update", "lidar_update", "event", "link"]) client.on(type, (message) => told.push(message));
  for (const data of [
    "", "null", "1", "[]", '"text"', "{", "{}", '{"type":7}', '{"type":"link","state":"connected"}', '{"type":"constructor"}',
    '{"type":"telemetry_update"}', '{"type":"telemetry_update","data":null}', '{"type":"telemetry_update","data":[]}',
    '{"type":"lidar_update","data":{}}', '{"type":"lidar_update","data":{"scan_data":{"points":null}}}', '{"type":"event"}',
    '{"type":"later_kind","data":{}}', new ArrayBuffer(4), undefined,
  ]) assert.doesNotThrow(() => socket().hear(data));
  assert.deepEqual(told, []);
  const good = { type: "telemetry_update", data: { speed: null } };
  socket().say(good);
  assert.deepEqual(told, [good]);
});

test("every golden message of the server is understood", async () => {
  const folder = new URL("../golden/server/", import.meta.url);
  const files = await readdir(folder);
  assert.ok(files.length > 0);
  for (const file of files) {
    const { client, socket } = connected();
    const message = JSON.parse(await readFile(new URL(file, folder), "utf8"));
    let told = null;
    client.on(message.type, (heard) => (told = heard));
    socket().say(message);
    assert.deepEqual(told, message, file);
  }
});

test("a callback that throws does not keep a message from the others", (t) => {
  t.mock.method(console, "error", () => {});
  const { client, socket } = connected();
  let told = 0;
  client.on("event", () => { throw new Error("mine"); }).on("event", () => (told += 1));
  socket().say({ type: "event", event: "notice", message: "hello" });
  assert.equal(told, 1);
  assert.equal(console.error.mock.callCount(), 1);
});

test("a silent link is given up, an answering one is kept", async () => {
  const { clock, client, socket } = connected();
  for (let second = 0; second < 20; second += 1) {
    await clock.advance(1000);
    socket().pong();
  }
  assert.equal(client.link.state, "connected");
  assert.equal(client.silence, 0);
  await clock.advance(5000);
  assert.equal(client.link.state, "connected");
  const old = socket();
  await clock.advance(1000);
  assert.equal(client.link.state, "waiting");
  assert.equal(old.readyState, 3);
  old.say({ type: "connection_established" });
  old.end(4001);
  assert.equal(client.link.state, "waiting", "a socket that was let go has no say");
});

test("a handshake that never ends is given up", async () => {
  const { clock, client } = setUp();
  client.connect("t");
  await clock.advance(10_000);
  assert.equal(client.link.state, "connecting");
  await clock.advance(1000);
  assert.equal(client.link.state, "waiting");
});

test("close ends everything and forgets the token", async () => {
  const { clock, client, socket, made } = connected();
  socket().end(1006);
  client.close();
  client.reconnect();
  await clock.advance(100_000);
  await settled();
  assert.equal(made.length, 1);
  assert.deepEqual(client.link, { state: "offline" });
});
