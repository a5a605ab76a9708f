// The client against bridges that are broken, overloaded or hostile: nothing throws into the page, nothing is rejected unheard,
// and the link's state stays true. Deterministic; a failure names its seed.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { afterEach, beforeEach, mock, test } from "node:test";

import * as fakes from "./fakes.mjs";
import { lidarFrame } from "./client-frame.mjs";

const { FakeClock, fakeWebSocket, load, settled } = fakes;
const { Oht50Client } = await load("oht50-client.js");
const connected = () => fakes.connected(Oht50Client);

const folder = new URL("../golden/server/", import.meta.url);
const GOLDEN = await Promise.all((await readdir(folder)).sort().map((file) => readFile(new URL(file, folder), "utf8")));

const escaped = [];
const escape = (error) => escaped.push(error);

beforeEach(() => {
  escaped.length = 0;
  process.on("uncaughtException", escape).on("unhandledRejection", escape);
  mock.method(console, "error", escape);
});

afterEach(async () => {
  await settled();
  await settled();
  process.off("uncaughtException", escape).off("unhandledRejection", escape);
  mock.restoreAll();
  assert.deepEqual(escaped, []);
});

/** Mulberry32. */
function dice(seed) {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (most) => Math.floor(random() * most);
  const one = (list) => list[below(list.length)];
  return { random, below, one };
}

const ODD = [
  null, true, false, 0, -1, 1e308, 0.1, "", "telemetry", "__proto__", [], {}, [[]], [null], [[1]], [["a", "b"]], { toString: 1, valueOf: 1 },
  { then: 1 }, { length: -1 }, { toJSON: 1 }, "\ud800", "9".repeat(400), { constructor: { prototype: { polluted: true } } },
];

/** A message of the bridge in which something is wrong. */
function mutated(message, { below, one, random }) {
  const holders = [];
  const walk = (value) => {
    if (typeof value !== "object" || value === null) return;
    holders.push(value);
    Object.values(value).forEach(walk);
  };
  walk(message);
  for (let changes = 1 + below(3); changes > 0; changes -= 1) {
    const holder = one(holders);
    const key = one(Object.keys(holder));
    if (key === undefined) continue;
    if (random() < 0.3 && key !== "type") delete holder[key];
    else if (key !== "type" || random() < 0.2) holder[key] = one(ODD);
  }
  return JSON.stringify(message).replace("{", () => (random() < 0.1 ? '{"__proto__":{"polluted":true},' : "{"));
}

function nested({ below, one }) {
  const depth = one([10, 200, 20_000]) + below(10);
  return one([
    () => "[".repeat(depth),
    () => '{"type":'.repeat(depth),
    () => `{"type":"telemetry_update","seq":1,"data":{"a":${"[".repeat(depth)}${"]".repeat(depth)}}}`,
    () => `{"type":"error","code":"internal","request_id":"1","message":${"[".repeat(depth)}${"]".repeat(depth)}}`,
    () => `{"type":${'{"type":'.repeat(depth)}1${"}".repeat(depth + 1)}`,
  ])();
}

function bytes(random) {
  const { below, one } = random;
  const ranges = Array.from({ length: below(20) }, () => below(65_536));
  const obstacles = Array.from({ length: below(4) }, () => ({ number: below(2 ** 32), x: one([1, NaN, Infinity, -3e38]), kind: below(256) }));
  const frame = new Uint8Array(lidarFrame({
    seq: one([0n, 1n, 2n ** 53n, 2n ** 64n - 1n]), ranges, obstacles, version: one([1, 1, 1, 0, 2, 255]), docking: one([0, 1, 1, 2, 255]),
    beams: one([ranges.length, below(65_536)]), count: one([obstacles.length, below(256)]), zones: below(2 ** 32),
    stamp: one([-1n, 0n, -(2n ** 63n), 2n ** 63n - 1n]), timestamp: one([0n, -1n, 2n ** 63n - 1n, 1_738_060_200_123_456n]),
  }));
  for (let flips = below(4); flips > 0; flips -= 1) frame[below(frame.length)] ^= 1 << below(8);
  const cut = one([frame, frame, frame.slice(0, below(frame.length)), frame.map(() => below(256))]);
  return one([() => cut.buffer, () => cut, () => Buffer.from(cut)])();
}

function garbage(random) {
  const { below, one } = random;
  const golden = one(GOLDEN);
  return one([
    () => golden.slice(0, below(golden.length)),
    () => mutated(JSON.parse(golden), random),
    () => mutated(JSON.parse(golden), random),
    () => mutated(JSON.parse(golden), random),
    () => golden.replaceAll(/\d/g, () => one(["1", "9", "e", "-"])),
    () => bytes(random),
    () => bytes(random),
    () => nested(random),
    () => JSON.stringify({ type: one(["pong", "authenticated", "error", "robot_control_response"]), request_id: one(ODD.concat(["1", "2", "3"])), message: one(ODD), code: one(ODD) }),
    () => String.fromCharCode(...Array.from({ length: below(50) }, () => below(65_536))),
    () => one([undefined, null, 7, {}, new Blob(["{}"]), new ArrayBuffer(0), Symbol("data")]),
  ])();
}

/** What a person and a page do meanwhile. */
function act(client, { one }) {
  one([
    () => client.robot("move_forward", { speed: 0.2 }),
    () => client.drive(0.1, 0.1),
    () => client.stop(),
    () => client.authenticate("other"),
    () => client.subscribe("lidar", { encoding: "binary" }),
    () => client.subscribe("telemetry"),
    () => client.unsubscribe("lidar"),
    () => client.request({ type: "ping" }, { timeout: 100 }),
    () => [client.stream("lidar"), client.stream("telemetry"), client.tokenExpiresAt, client.roundTrip, client.silence],
  ])();
}

test("thousands of broken messages do no harm, and the next good one is told", async () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const { clock, client, socket, made } = connected();
    const random = dice(seed);
    let good = 0;
    client.on("telemetry_update", ({ data }) => (good += Number(data.good === true)));
    client.on("lidar_update", ({ data }) => data.scan_data.points.length);
    client.on("lidar_update", async () => {});
    client.on("error", ({ code, message }) => code.length + message.length);
    client.on("event", ({ event }) => event.length);
    for (const stream of ["telemetry", "lidar", "robot_status"]) client.subscribe(stream);
    for (let message = 1; message <= 500; message += 1) {
      const data = garbage(random);
      assert.doesNotThrow(() => socket().hear(data), `seed ${seed}, message ${message}`);
      if (random.random() < 0.2) act(client, random);
      if (random.random() < 0.1) await clock.advance(random.below(100));
    }
    socket().update("telemetry", 1, { data: { good: true } });
    assert.equal(good, 1, `seed ${seed}`);
    assert.deepEqual([client.link, made.length], [{ state: "connected" }, 1], `seed ${seed}`);
    for (const name of ["telemetry", "lidar", "robot_status"]) {
      const { age, rate, received } = client.stream(name);
      assert.ok(age >= 0 && rate <= 100 && received >= 0, `seed ${seed}: ${name}`);
    }
    for (const { seq } of socket().sent.filter(({ type }) => type === "ack")) assert.ok(Number.isSafeInteger(seq) && seq >= 0);
    client.close();
    await clock.advance(10_000);
    assert.equal(clock.waiting, 0, "nothing is left behind");
  }
  assert.equal({}.polluted, undefined);
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
});

test("callbacks that read as the protocol says never meet what would break them", async () => {
  const { client, socket } = connected();
  const random = dice(99);
  client.on("robot_control_response", ({ success, message }) => assert.ok(typeof success === "boolean" && message.length >= 0));
  client.on("error", ({ code, message }) => assert.ok(code.length >= 0 && message.length >= 0));
  client.on("lidar_update", ({ data }) => data.scan_data.points.map((point) => point));
  for (let message = 0; message < 2000; message += 1) socket().hear(garbage(random));
  await settled();
});

test("answers to nobody, twice, and to the wrong ones change nothing", async () => {
  const { clock, client, socket } = connected();
  const said = { type: "robot_control_response", command: "stop", success: true, message: "Stopped" };
  for (const request_id of ["77", 1, null, "__proto__", "constructor", { toString: 1 }, ["1"]]) socket().say({ ...said, request_id });
  const first = client.stop();
  const { request_id } = socket().sent.at(-1);
  for (let again = 0; again < 3; again += 1) socket().say({ ...said, request_id });
  socket().say({ type: "error", code: "internal", message: "too late", request_id });
  assert.equal((await first).message, "Stopped");
  const second = client.stop({ timeout: 500 });
  socket().say({ ...said, request_id });
  await clock.advance(500);
  await assert.rejects(second, { code: "timeout" });
});

test("nobody needs to look at an answer", async () => {
  const { clock, client, socket } = connected();
  const all = () => {
    client.robot("dock");
    client.drive(0.1, 0);
    client.drive(NaN, 0);
    client.stop();
    client.emergencyStop();
    client.control("acquire");
    client.lidar("start_scan");
    client.authenticate("other");
    client.request({ type: "ping", number: 1n });
  };
  all();
  socket().say({ type: "error", code: "internal", message: "no", request_id: "1" });
  socket().end(1006);
  all();
  await clock.advance(1000);
  socket().open();
  all();
  await clock.advance(10_000);
  client.close();
  all();
});

/** Sockets that open after 5 ms, answer pings, and end as they are told. */
function flapping(clock, { life, code, welcome = true }) {
  return class extends fakeWebSocket() {
    constructor(url) {
      super(url);
      clock.setTimeout(() => {
        if (this.readyState !== 0) return;
        this.readyState = 1;
        if (welcome) this.open();
        clock.setTimeout(() => this.end(code), life);
      }, 5);
    }

    send(text) {
      super.send(text);
      this.pong();
    }
  };
}

test("a flapping bridge is not stormed: connections over ten minutes", async () => {
  const rows = [
    [{ life: 0, code: 1006 }, 6, "ended"],
    [{ life: 0, code: 1001 }, 6, "ended"],
    [{ life: 0, code: 4000 }, 6, "ended"],
    [{ life: 0, code: 4011 }, 6, "ended"],
    [{ life: 0, code: undefined }, 6, "ended"],
    [{ life: 0, code: "4001" }, 6, "ended"],
    [{ life: 9_000, code: 4009 }, 6, "ended"],
    [{ life: 0, code: 1006, welcome: false }, 6, "ended"],
    [{ life: 1e9, code: 1006, welcome: false }, 6, "ended"],
    [{ life: 0, code: 4001 }, 1, "ended"],
    [{ life: 0, code: 4029 }, 1, "ended"],
    // One that lasts begins the attempts anew: once in eleven seconds and not more.
    [{ life: 10_000, code: 1006 }, 55, null],
  ];
  for (const [manner, most, state] of rows) {
    const clock = new FakeClock();
    const WebSocket = flapping(clock, manner);
    const client = new Oht50Client("ws://robot/ws", { WebSocket, clock, random: () => 0 });
    const told = [];
    client.on("link", ({ state }) => told.push(state));
    client.subscribe("telemetry");
    client.connect("t");
    await clock.advance(600_000);
    const name = JSON.stringify(manner);
    if (state === null) assert.ok(WebSocket.made.length <= most && WebSocket.made.length >= most - 2, `${name}: ${WebSocket.made.length}`);
    else assert.deepEqual([WebSocket.made.length, client.link.state], [most, state], name);
    assert.equal(told.at(-1), client.link.state, name);
    assert.ok(WebSocket.made.filter(({ readyState }) => readyState < 2).length <= 1, `${name}: one socket at a time`);
    assert.ok(WebSocket.made.every(({ commands }) => commands.length === 0), name);
  }
});

test("a page that asks for another attempt at each end makes no storm with jitter either", async () => {
  const clock = new FakeClock();
  const WebSocket = flapping(clock, { life: 0, code: 1006 });
  const { random } = dice(3);
  const client = new Oht50Client("ws://robot/ws", { WebSocket, clock, random });
  client.on("link", ({ state }) => state === "ended" && client.reconnect());
  client.connect("t");
  await clock.advance(600_000);
  // At the highest jitter six connections take 0.7 times 31 s.
  assert.ok(WebSocket.made.length <= 6 * 600 / (0.7 * 31) + 6, String(WebSocket.made.length));
});

test("garbage counts as a sign of life but not as data, and silence ends the link", async () => {
  const { clock, client, socket, made } = connected();
  for (let second = 0; second < 30; second += 1) {
    socket().hear("?");
    await clock.advance(1000);
  }
  assert.equal(client.link.state, "connected");
  assert.equal(client.stream("telemetry").age, Infinity, "though there are no data");
  await clock.advance(600_000);
  assert.deepEqual([client.link.state, made.length], ["ended", 6]);
});

test("a welcome again and again neither subscribes nor connects again", () => {
  const { client, socket } = connected();
  client.subscribe("lidar");
  let links = 0;
  client.on("link", () => (links += 1));
  for (let again = 0; again < 100; again += 1) socket().open();
  assert.deepEqual([socket().sent.length, links, client.link.state], [1, 0, "connected"]);
});

test("a flood leaves nothing in memory but the newest", async () => {
  const { clock, client, socket } = connected();
  client.subscribe("telemetry", { max_in_flight: null });
  client.on("telemetry_update", () => new Promise(() => {}));
  for (let seq = 0; seq < 20_000; seq += 1) socket().update("telemetry", seq);
  assert.deepEqual(client.stream("telemetry"), { age: 0, rate: 100, seq: 19_999, received: 20_000 });
  assert.equal(clock.waiting, 2, "the watch, and the answer to the subscription");
});
