// Streams of the client: how they are asked for, acknowledged, and how old they are.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as fakes from "./fakes.mjs";
import { lidarFrame } from "./client-frame.mjs";

const { load, settled } = fakes;
const { Oht50Client } = await load("oht50-client.js");
const connected = () => fakes.connected(Oht50Client);
const subscriptions = ({ sent }) =>
  sent.filter(({ type }) => type.endsWith("subscribe")).map(({ request_id, ...message }) => message);

test("options are asked for, with two in flight unless told otherwise", () => {
  const { client, socket } = connected();
  const given = { rate_hz: 5, max_points: 360, encoding: "binary" };
  client.subscribe("telemetry");
  client.subscribe("lidar", given);
  client.subscribe("robot_status", { max_in_flight: null, rate_hz: undefined });
  client.subscribe("robot_status", { max_in_flight: 16 });
  assert.deepEqual(subscriptions(socket()), [
    { type: "subscribe", subscription_type: "telemetry", options: { max_in_flight: 2 } },
    { type: "subscribe", subscription_type: "lidar", options: { rate_hz: 5, max_points: 360, encoding: "binary", max_in_flight: 2 } },
    { type: "subscribe", subscription_type: "robot_status" },
    { type: "subscribe", subscription_type: "robot_status", options: { max_in_flight: 16 } },
  ]);
  assert.deepEqual(given, { rate_hz: 5, max_points: 360, encoding: "binary" }, "what was handed over stays as it is");
});

test("after a reconnect the newest options are asked for again, and nothing else", async () => {
  const { clock, client, socket } = connected();
  const given = { rate_hz: 5, encoding: "binary" };
  client.subscribe("lidar", given);
  given.rate_hz = 50; // too late
  client.subscribe("telemetry", { rate_hz: 1 });
  client.subscribe("telemetry", { rate_hz: 2 });
  client.drive(0.2, 0);
  client.authenticate("new");
  socket().update("telemetry", 1);
  socket().end(1006);
  await clock.advance(1000);
  socket().open();
  await clock.advance(900);
  assert.deepEqual(socket().sent.map(({ request_id, ...message }) => message), [
    { type: "subscribe", subscription_type: "lidar", options: { rate_hz: 5, encoding: "binary", max_in_flight: 2 } },
    { type: "subscribe", subscription_type: "telemetry", options: { rate_hz: 2, max_in_flight: 2 } },
  ]);
});

test("each update is acknowledged once, after all callbacks", () => {
  const { client, socket } = connected();
  for (const stream of ["telemetry", "lidar", "robot_status"]) client.subscribe(stream);
  const order = [];
  const note = () => order.push(socket().acks.length);
  client.on("telemetry_update", note).on("telemetry_update", note);
  socket().update("telemetry", 7);
  socket().update("robot_status", 0);
  socket().update("lidar", 41);
  assert.deepEqual(order, [0, 0]);
  assert.deepEqual(socket().acks, [["telemetry", 7], ["robot_status", 0], ["lidar", 41]], "also those that nobody wants");
  const ack = socket().sent.find(({ type }) => type === "ack");
  assert.deepEqual(ack, { type: "ack", subscription_type: "telemetry", seq: 7 });
});

test("what a callback promises is waited for", async () => {
  const { clock, client, socket } = connected();
  client.subscribe("lidar");
  const drawn = [];
  client.on("lidar_update", () => new Promise((resolve) => drawn.push(resolve)));
  client.on("lidar_update", async () => {});
  socket().update("lidar", 1);
  socket().update("lidar", 2);
  await clock.advance(500);
  assert.deepEqual(socket().acks, []);
  drawn[1]();
  await settled();
  assert.deepEqual(socket().acks, [["lidar", 2]]);
  drawn[0]();
  await settled();
  assert.equal(clock.waiting, 2, "the watch, and the answer to the subscription");
  assert.deepEqual(socket().acks, [["lidar", 2], ["lidar", 1]]);
  await clock.advance(5000);
  assert.equal(socket().acks.length, 2, "and not once more when the time is over");
});

test("a callback that takes long holds an acknowledgement for a second", async () => {
  const { clock, client, socket } = connected();
  client.subscribe("lidar");
  let draw;
  client.on("lidar_update", () => new Promise((resolve) => (draw = resolve)));
  socket().update("lidar", 1);
  await clock.advance(999);
  assert.deepEqual(socket().acks, []);
  await clock.advance(1);
  assert.deepEqual(socket().acks, [["lidar", 1]]);
  draw();
  await settled();
  assert.equal(socket().acks.length, 1, "and not once more when it ends after all");
});

test("a callback that fails is told to the console, and the update acknowledged", async (t) => {
  t.mock.method(console, "error", () => {});
  const { client, socket } = connected();
  client.subscribe("lidar");
  client.on("lidar_update", () => { throw new Error("mine"); });
  client.on("lidar_update", async () => { throw new Error("mine too"); });
  client.on("lidar_update", () => ({ then() { throw new Error("and mine"); } }));
  socket().update("lidar", 1);
  await settled();
  assert.deepEqual(socket().acks, [["lidar", 1]]);
  assert.equal(console.error.mock.callCount(), 3);
});

test("an acknowledgement goes over the connection that its update came on, or nowhere", async () => {
  const { clock, client, socket, made } = connected();
  client.subscribe("lidar");
  client.on("lidar_update", () => new Promise(() => {}));
  socket().update("lidar", 1);
  socket().end(1006);
  client.reconnect();
  socket().open();
  await clock.advance(2000);
  assert.deepEqual(made.map(({ acks }) => acks), [[], []]);

  socket().update("lidar", 2);
  socket().readyState = 2; // closing
  await clock.advance(2000);
  assert.deepEqual(socket().acks, []);
});

test("what is not a stream of ours, or without numbers, is not acknowledged", () => {
  const { client, socket } = connected();
  client.subscribe("telemetry", { max_in_flight: null });
  client.subscribe("lidar");
  client.unsubscribe("lidar");
  client.subscribe("robot_status");
  socket().update("telemetry", 1);
  socket().update("lidar", 2);
  for (const seq of [undefined, null, -1, 1.5, "3", 2 ** 60, {}]) socket().update("robot_status", seq);
  assert.deepEqual(socket().acks, []);
});

test("what cannot be read is acknowledged where its number can be", () => {
  const { client, socket } = connected();
  const told = [];
  for (const type of ["lidar_update", "telemetry_update"]) client.on(type, (message) => told.push(message));
  client.subscribe("lidar", { encoding: "binary" });
  client.subscribe("telemetry");
  socket().say({ type: "telemetry_update", data: null, seq: 4 });
  socket().say({ type: "lidar_update", data: { scan_data: 1 }, seq: 5 });
  socket().hear(lidarFrame({ seq: 6, version: 2 }));
  socket().hear(lidarFrame({ seq: 7 }).slice(0, 40));
  socket().hear(lidarFrame({ seq: 8 }).slice(0, 15));
  assert.deepEqual(told, []);
  assert.deepEqual(socket().acks, [["telemetry", 4], ["lidar", 5], ["lidar", 6], ["lidar", 7]]);
});

test("an update in a binary frame comes as one in JSON, with the zones of the welcome", () => {
  const { client, socket } = fakes.setUp(Oht50Client);
  const told = [];
  client.on("lidar_update", (message) => told.push(message));
  client.subscribe("lidar", { encoding: "binary" });
  client.connect("t");
  assert.equal(socket().binaryType, "arraybuffer");
  socket().readyState = 1;
  const boundary = [[1, 1], [-1, 1], [0, -1]];
  const zone = (id) => ({ id, type: "critical", boundary });
  socket().say({ type: "connection_established", safety_zones: { driving: [zone("near"), zone("far")], docking: [zone("dock")] } });
  socket().hear(lidarFrame({ seq: 1, ranges: [1000, 0], zones: 0b10 }));
  socket().hear(lidarFrame({ seq: 2, docking: 1, zones: 0b1 }));
  const zones = told.map(({ data }) => data.safety_zones.map(({ id, violated }) => [id, violated]));
  assert.deepEqual(zones, [[["near", false], ["far", true]], [["dock", true]]]);
  assert.deepEqual(told[0].data.safety_zones[0], { ...zone("near"), violated: false });
  assert.deepEqual(told[0].data.scan_data.points, [[1, 0]]);
  assert.deepEqual([told[0].type, told[0].seq], ["lidar_update", 1]);
  assert.deepEqual(socket().acks, [["lidar", 1], ["lidar", 2]]);
  assert.equal(client.stream("lidar").seq, 2);
});

const at = (milliseconds) => new Date(Date.UTC(2025, 0, 28) + milliseconds).toISOString();

test("the age of a stream counts from the measurement, and half the round trip", async () => {
  const { clock, client, socket } = connected();
  assert.deepEqual(client.stream("lidar"), { age: Infinity, rate: 0, seq: null, received: 0 });
  socket().update("lidar", 1, { timestamp: at(50), stamp: at(20) });
  assert.equal(client.stream("lidar").age, 30);
  client.subscribe("lidar");
  await clock.advance(80);
  socket().say({ type: "subscription_confirmed", request_id: socket().sent.at(-1).request_id });
  socket().update("lidar", 2, { timestamp: at(150), stamp: at(120) });
  assert.deepEqual(client.stream("lidar"), { age: 30 + 40, rate: 1, seq: 2, received: 2 });
  await clock.advance(25);
  assert.equal(client.stream("lidar").age, 95);
  assert.equal(client.stream("telemetry").age, Infinity);
});

test("an age is never negative, and without a stamp of the robot's clock it counts from when it was sent", () => {
  const { client, socket } = connected();
  const rows = [
    { timestamp: at(0), stamp: at(500) },
    { timestamp: at(0), stamp: null },
    { timestamp: at(0) },
    { stamp: at(0) },
    { timestamp: at(0), stamp: "1970-01-01T00:00:12.000000Z" }, // of a simulation
    { timestamp: { toString: 1 }, stamp: {} },
    { timestamp: "yesterday", stamp: "today" },
  ];
  for (const row of rows) {
    socket().update("lidar", 1, row);
    assert.equal(client.stream("lidar").age, 0, JSON.stringify(row));
  }
});

test("old data in a new message are old", () => {
  const { client, socket } = connected();
  socket().update("telemetry", 1, { timestamp: at(60_000), stamp: at(0) });
  assert.equal(client.stream("telemetry").age, 60_000);
});

test("when a stream stops its age grows and its rate falls, also over a lost link", async () => {
  const { clock, client, socket } = connected();
  for (let seq = 1; seq <= 50; seq += 1) {
    socket().update("telemetry", seq, { timestamp: at(0), stamp: at(0) });
    await clock.advance(100);
  }
  assert.deepEqual(client.stream("telemetry"), { age: 100, rate: 9.5, seq: 50, received: 50 });
  await clock.advance(900);
  assert.deepEqual(client.stream("telemetry"), { age: 1000, rate: 5, seq: 50, received: 50 });
  socket().end(1006);
  await clock.advance(1000);
  socket().open();
  assert.deepEqual(client.stream("telemetry"), { age: 2000, rate: 0, seq: 50, received: 50 });
  client.close();
  await clock.advance(60_000);
  assert.equal(client.stream("telemetry").age, 62_000);
});

test("callbacks see the age of what they were called with", () => {
  const { client, socket } = connected();
  let seen = null;
  client.on("telemetry_update", ({ seq }) => (seen = [seq, client.stream("telemetry").seq]));
  socket().update("telemetry", 3);
  assert.deepEqual(seen, [3, 3]);
});
