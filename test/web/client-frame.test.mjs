// The decoder of binary LiDAR frames, against frames that are written byte by byte.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { lidarFrame } from "./client-frame.mjs";
import { load } from "./fakes.mjs";

const { decodeLidarFrame } = await load("oht50-client.js");

test("a frame says what the JSON says", async () => {
  const golden = new URL("../golden/server/lidar_update_with_obstacles.json", import.meta.url);
  const json = JSON.parse(await readFile(golden, "utf8"));
  const { obstacles } = json.data;
  const microseconds = (text) => BigInt(Date.parse(text)) * 1000n + BigInt(text.slice(-4, -1));
  const frame = lidarFrame({
    seq: json.seq,
    stamp: microseconds(json.stamp),
    timestamp: microseconds(json.timestamp),
    quality: json.data.scan_data.quality,
    obstacles: obstacles.map(({ id, position, velocity, radius, confidence, type }) => ({
      number: Number(id.slice(4)), ...position, vx: velocity.x * 1000, vy: velocity.y * 1000, radius: radius * 1000,
      confidence: Math.round(confidence * 255), kind: type === "dynamic" ? 1 : 0,
    })),
  });
  const outlines = { driving: json.data.safety_zones.map(({ violated, ...zone }) => zone) };
  const decoded = decodeLidarFrame(frame, outlines);
  const rough = (message) => JSON.parse(JSON.stringify(message), (key, value) => (key === "confidence" ? Math.round(value * 100) : value));
  const { field_set, violated, ...shared } = decoded;
  assert.deepEqual([field_set, violated], ["driving", []]);
  assert.deepEqual(rough({ ...shared, data: { ...shared.data, scan_data: json.data.scan_data } }), rough(json));
  assert.deepEqual(shared.data.scan_data, { points: [], quality: json.data.scan_data.quality });
  assert.deepEqual(Object.keys(shared).sort(), Object.keys(json).sort());
});

test("beams become points in the base frame, to the millimetre, in the order of the sweep", () => {
  const points = (fields) => decodeLidarFrame(lidarFrame(fields)).data.scan_data.points;
  const turn = Math.PI / 2;
  assert.deepEqual(points({ ranges: [1000, 0, 2000, 65_535], step: turn }), [[1, 0], [-2, 0], [0, -65.535]]);
  assert.deepEqual(points({ ranges: [1000, 500], first: turn, step: -turn }), [[0, 1], [0.5, 0]]);
  // The LiDAR stands 0.5 m ahead and 0.2 m to the left, and looks to the left.
  assert.deepEqual(points({ ranges: [1000, 1000], step: turn, pose: [0.5, 0.2, turn] }), [[0.5, 1.2], [-0.5, 0.2]]);
  assert.deepEqual(points({}), []);
});

test("times have six digits and an unknown stamp is null", () => {
  const times = (fields) => {
    const { stamp, timestamp } = decodeLidarFrame(lidarFrame(fields));
    return [stamp, timestamp];
  };
  assert.deepEqual(times({}), [null, "2025-01-28T10:30:00.123456Z"]);
  assert.deepEqual(times({ stamp: 12_000_007n, timestamp: 0n }), ["1970-01-01T00:00:12.000007Z", "1970-01-01T00:00:00.000000Z"]);
  assert.equal(decodeLidarFrame(lidarFrame({ stamp: 2n ** 63n - 1n })).stamp, null);
  assert.equal(decodeLidarFrame(lidarFrame({ timestamp: 253_402_300_799_999_999n })).timestamp, "9999-12-31T23:59:59.999999Z");
});

test("zones are violated by their bit, in the field set that counts", () => {
  const zone = (id) => ({ id, type: "warning", boundary: [[0, 0], [1, 0], [0, 1]] });
  const outlines = { driving: Array.from({ length: 34 }, (_, n) => zone(`z${n}`)), docking: [zone("d")] };
  const zones = (fields, plan) => decodeLidarFrame(lidarFrame(fields), plan);
  const driving = zones({ zones: 0x8000_0005 }, outlines);
  assert.deepEqual(driving.violated, [0, 2, 31]);
  assert.deepEqual(driving.data.safety_zones.filter(({ violated }) => violated).map(({ id }) => id), ["z0", "z2", "z31"]);
  assert.equal(driving.data.safety_zones.length, 34);
  const docking = zones({ zones: 1, docking: 1 }, outlines);
  assert.deepEqual([docking.field_set, docking.data.safety_zones], ["docking", [{ ...zone("d"), violated: true }]]);
  for (const plan of [undefined, null, {}, { driving: null }, { driving: "all" }, 7]) {
    const { data, violated } = zones({ zones: 2 }, plan);
    assert.deepEqual([data.safety_zones, violated], [[], [1]], "an older bridge tells no outlines");
  }
});

test("an ArrayBuffer and any view of it are read alike", () => {
  const frame = lidarFrame({ seq: 9, ranges: [1000], obstacles: [{}] });
  const shifted = new Uint8Array(frame.byteLength + 3);
  shifted.set(new Uint8Array(frame), 3);
  const expected = decodeLidarFrame(frame);
  for (const view of [new Uint8Array(frame), Buffer.from(frame), new DataView(frame), shifted.subarray(3)]) {
    assert.deepEqual(decodeLidarFrame(view), expected);
  }
});

test("what is no frame, or lies, is null", () => {
  const good = { ranges: [1000, 2000], obstacles: [{}] };
  assert.notEqual(decodeLidarFrame(lidarFrame(good)), null);
  const rows = [
    { magic: "OHTM" }, { version: 0 }, { version: 2 }, { docking: 2 }, { beams: 1 }, { beams: 3 }, { beams: 65_535 }, { count: 0 },
    { count: 2 }, { count: 255 }, { timestamp: -1n }, { timestamp: 2n ** 63n - 1n }, { first: NaN }, { step: Infinity },
    { pose: [NaN, 0, 0] }, { quality: NaN }, { obstacles: [{ x: NaN }] }, { obstacles: [{ y: -Infinity }] },
  ];
  for (const row of rows) assert.equal(decodeLidarFrame(lidarFrame({ ...good, ...row })), null, Object.entries(row).join());
  const whole = lidarFrame(good);
  for (let length = 0; length < whole.byteLength; length += 1) assert.equal(decodeLidarFrame(whole.slice(0, length)), null);
  assert.equal(decodeLidarFrame(Buffer.concat([new Uint8Array(whole), new Uint8Array(1)])), null, "something is left over");
  for (const other of [undefined, null, "OHTL", 64, {}, [], new Blob([])]) assert.equal(decodeLidarFrame(other), null);
});
