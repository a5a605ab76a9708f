// The client of the page against a socket and a clock of our own. Run by: node --test test/web/

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

import * as fakes from "./fakes.mjs";

const { FakeClock, fakeWebSocket, load, settled } = fakes;

const { Oht50Client, RequestError, TERMINAL } = await load("oht50-client.js");

const setUp = (options) => fakes.setUp(Oht50Client, options);
const connected = (options) => fakes.connected(Oht50Client, options);

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

test("a page whose timers come once a minute keeps a link that answers, and gives up one that does not", async () => {
  const clock = new FakeClock();
  const WebSocket = fakeWebSocket();
  const hidden = { now: clock.now, clearTimeout: clock.clearTimeout, setTimeout: (act, delay) => clock.setTimeout(act, Math.max(delay, 60_000)) };
  const client = new Oht50Client("ws://robot/ws", { WebSocket, clock: hidden });
  client.connect("t");
  const [socket] = WebSocket.made;
  socket.open();
  for (let minute = 0; minute < 10; minute += 1) {
    await clock.advance(60_000);
    socket.pong();
  }
  assert.deepEqual([client.link.state, WebSocket.made.length], ["connected", 1]);
  await clock.advance(120_000);
  assert.equal(client.link.state, "waiting");
});

test("a handshake that never ends is given up", async () => {
  const { clock, client } = setUp();
  client.connect("t");
  await clock.advance(9_000);
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

test("a joystick, a stop and an emergency stop have words of their own", async () => {
  const { client, socket } = connected();
  client.drive(0.4, -0.3);
  client.drive(0.2);
  client.stop();
  client.emergencyStop();
  const said = socket().sent.map(({ request_id, ...message }) => message);
  assert.deepEqual(said, [
    { type: "robot_control", command: "drive", parameters: { linear: 0.4, angular: -0.3 } },
    { type: "robot_control", command: "drive", parameters: { linear: 0.2, angular: 0 } },
    { type: "robot_control", command: "stop" },
    { type: "robot_control", command: "emergency_stop" },
  ]);
  for (const wrong of [NaN, Infinity, "1", null]) await assert.rejects(client.drive(wrong, 0), { code: "invalid_parameter" });
  assert.equal(socket().sent.length, 4);
});

test("a new token extends the connection and is used for the next", async () => {
  const { clock, client, socket, made } = connected();
  assert.equal(client.tokenExpiresAt, null, "this bridge did not say");
  const asked = client.authenticate("new");
  const { token, request_id } = socket().sent.at(-1);
  assert.equal(token, "new");
  // A page that connects again at this news already uses it.
  client.on("authenticated", () => client.reconnect());
  socket().say({ type: "authenticated", role: "operator", token_expires_at: "2025-01-28T11:30:00.000000Z", request_id });
  assert.equal((await asked).role, "operator");
  assert.equal(made.length, 2);
  assert.equal(socket().url, "ws://robot/ws?token=new");
  socket().end(1006);
  await clock.advance(1000);
  assert.equal(socket().url, "ws://robot/ws?token=new");
});

test("a refused token leaves the old one in force", async () => {
  const { clock, client, socket } = connected();
  const asked = assert.rejects(client.authenticate("bad"), { code: "unauthorized" });
  socket().say({ type: "error", code: "unauthorized", message: "Invalid token", request_id: socket().sent.at(-1).request_id });
  await asked;
  const unanswered = assert.rejects(client.authenticate("lost"), { code: "link_lost" });
  socket().end(1006);
  await unanswered;
  await clock.advance(1000);
  assert.equal(socket().url, "ws://robot/ws?token=a.b%2Bc");
});

test("a token's answer that comes after another login changes nothing", async () => {
  const { client, socket } = connected();
  client.authenticate("new");
  const [old] = [socket()];
  const { request_id } = old.sent.at(-1);
  client.connect("other");
  old.say({ type: "authenticated", role: "operator", request_id });
  client.reconnect();
  assert.equal(socket().url, "ws://robot/ws?token=other");
});

test("the expiry of the token is told, and changes with it", () => {
  const { client, socket } = setUp();
  client.connect("t");
  assert.equal(client.tokenExpiresAt, null);
  socket().readyState = 1;
  socket().say({ type: "connection_established", token_expires_at: "2025-01-28T11:30:00.000000Z" });
  assert.equal(client.tokenExpiresAt.toISOString(), "2025-01-28T11:30:00.000Z");
  client.authenticate("u");
  socket().say({ type: "authenticated", token_expires_at: "2025-01-28T12:30:00.000000Z", request_id: socket().sent.at(-1).request_id });
  assert.equal(client.tokenExpiresAt.toISOString(), "2025-01-28T12:30:00.000Z");
  socket().say({ type: "connection_established", token_expires_at: { toString: 1 } });
  assert.equal(client.tokenExpiresAt, null);
  client.close();
  assert.equal(client.tokenExpiresAt, null);
});

test("the round trip is what the last answer took, and of this connection", async () => {
  const { clock, client, socket } = connected();
  const told = [];
  client.on("round_trip", (milliseconds) => told.push(milliseconds));
  assert.equal(client.roundTrip, null);
  client.subscribe("telemetry");
  await clock.advance(80);
  socket().say({ type: "subscription_confirmed", subscription_type: "telemetry", request_id: socket().sent.at(-1).request_id });
  assert.equal(client.roundTrip, 80);
  await clock.advance(1000);
  socket().pong();
  assert.equal(client.roundTrip, 80, "the ping of a second after the beginning");
  assert.deepEqual(told, [80, 80]);
  socket().end(1006);
  assert.equal(client.roundTrip, null);
});

test("off ends a callback, also in the middle of a message", () => {
  const { client, socket } = connected();
  const told = [];
  const second = () => told.push("second");
  const first = () => {
    told.push("first");
    client.off("pong", second);
  };
  assert.equal(client.on("pong", first).on("pong", second), client);
  socket().say({ type: "pong" });
  assert.equal(client.off("pong", first), client);
  socket().say({ type: "pong" });
  client.off("never", first);
  assert.deepEqual(told, ["first"]);
});

test("callbacks may close and connect, wherever they are called", async () => {
  const moments = [
    ["link", ({ state }) => state === "connecting"],
    ["link", ({ state }) => state === "connected"],
    ["link", ({ state }) => state === "waiting"],
    ["link", ({ state }) => state === "ended"],
    ["connection_established", () => true],
    ["round_trip", () => true],
    ["telemetry_update", () => true],
  ];
  for (const [type, when] of moments) {
    for (const act of ["close", "connect"]) {
      const { clock, client, socket, made } = setUp();
      let acted = false;
      client.on(type, (value) => {
        if (acted || !when(value)) return;
        acted = true;
        if (act === "close") client.close();
        else client.connect("second");
      });
      let last = null;
      client.on("link", (link) => (last = link));
      client.subscribe("telemetry");
      client.connect("first");
      const play = [
        () => socket()?.open(),
        () => socket()?.say({ type: "subscription_confirmed", request_id: socket().sent[0]?.request_id }),
        () => socket()?.update("telemetry", 1),
        () => socket()?.end(1006),
        () => clock.advance(1000),
        () => socket()?.end(4001),
      ];
      for (const step of play) if (!acted) await step();
      const name = `${act} at ${type} ${when}`;
      assert.ok(acted, name);
      await settled();
      assert.equal(last, client.link, `${name}: everybody knows the newest state`);
      const open = made.filter(({ readyState }) => readyState < 3);
      if (act === "close") {
        assert.deepEqual([client.link.state, open.length, clock.waiting], ["offline", 0, 0], name);
        client.reconnect();
        assert.equal(client.link.state, "offline", "the token is forgotten");
      } else {
        assert.deepEqual([client.link.state, open.map(({ url }) => url)], ["connecting", ["ws://robot/ws?token=second"]], name);
        socket().open();
        assert.equal(client.link.state, "connected", name);
        assert.deepEqual(socket().sent.map((message) => message.type), ["subscribe"], name);
      }
    }
  }
});

test("a constructor that throws is a lost link, and tells nobody the token", async () => {
  const clock = new FakeClock();
  class Throwing {
    constructor(url) {
      throw new Error(`cannot connect to ${url}`);
    }
  }
  const client = new Oht50Client("ws://robot/ws", { WebSocket: Throwing, clock, random: () => 0 });
  const told = [];
  client.on("link", (link) => told.push(link));
  client.connect("secret");
  await clock.advance(100_000);
  assert.equal(client.link.state, "ended");
  assert.ok(!JSON.stringify(told).includes("secret"));
  assert.throws(() => new Oht50Client("ws://robot/ws", { WebSocket: null }), TypeError);
});

test("a socket that throws when it sends or closes is a lost link", async () => {
  const { clock, client, socket, made } = connected();
  socket().send = () => { throw new Error("broken"); };
  socket().close = () => { throw new Error("broken"); };
  await assert.rejects(client.stop(), { code: "link_lost" });
  assert.equal(client.link.state, "waiting");
  await clock.advance(1000);
  assert.equal(made.length, 2);
  assert.deepEqual(socket().sent, []);
  client.subscribe("telemetry");
  client.subscribe("lidar");
  socket().send = () => { throw new Error("broken"); };
  socket().open();
  assert.equal(client.link.state, "waiting", "a connection on which nothing can be asked for is none");
});

test("what cannot be written as JSON is refused, and the link stays", async () => {
  const { clock, client, socket } = connected();
  const loop = {};
  loop.loop = loop;
  await assert.rejects(client.request({ type: "x", loop }), TypeError);
  await assert.rejects(client.request({ type: "x", number: 1n }), TypeError);
  assert.equal(client.link.state, "connected");
  assert.equal(clock.waiting, 1, "nothing waits for an answer");
  assert.deepEqual(socket().sent, []);
});

test("an answer of another kind does not answer", async () => {
  const { client, socket } = connected();
  const asked = client.emergencyStop();
  const { request_id } = socket().sent.at(-1);
  socket().say({ type: "pong", request_id });
  socket().say({ type: "lidar_control_response", command: "stop_scan", success: true, message: "", request_id });
  socket().say({ type: "robot_control_response", command: "emergency_stop", success: false, message: "busy", code: "busy", request_id });
  assert.equal((await asked).code, "busy");
});

test("an error without a close ends the link, one with a close has its code", async () => {
  const { clock, client, socket } = connected();
  socket().onerror({ type: "error" });
  await clock.advance(99);
  assert.equal(client.link.state, "connected");
  await clock.advance(1);
  assert.deepEqual(client.link, { state: "waiting", attempt: 1, delay: 1000 });
  const [old] = [socket()];
  await clock.advance(1000);
  old.onerror({ type: "error" });
  await clock.advance(500);
  assert.equal(client.link.state, "connecting", "a socket that was let go has no say");
  socket().onerror({ type: "error" });
  socket().end(4013);
  await clock.advance(10_000);
  assert.equal(client.link.code, 4013);
});

test("a message on which a callback ended the connection is told to nobody after that", async () => {
  const { client, socket } = setUp();
  client.on("link", ({ state }) => state === "connected" && client.close());
  let told = 0;
  client.on("connection_established", () => (told += 1));
  client.connect("t");
  socket().open();
  assert.deepEqual([told, client.link.state], [0, "offline"]);
});

test("an answer may be waited for as long as one likes", () => {
  const clock = new FakeClock();
  const delays = [];
  const WebSocket = fakeWebSocket();
  const noting = { ...clock, now: clock.now, setTimeout: (act, delay) => delays.push(delay) };
  const client = new Oht50Client("ws://robot/ws", { WebSocket, clock: noting });
  client.connect("t");
  WebSocket.made[0].open();
  client.robot("dock", undefined, { timeout: Infinity });
  assert.equal(delays.at(-1), 2 ** 31 - 1, "the most that timers can");
});
