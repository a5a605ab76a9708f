// Where the robot has been, and the last minute of a value.

import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./fakes.mjs";

const { Trail } = await load("trail.js");
const { Series } = await load("series.js");

const seen = (trail, pose) => {
  const points = [];
  trail.seenFrom(pose, (x, y) => points.push([x, y].map((each) => Math.round(each * 1000) / 1000 + 0)));
  return points;
};

test("the way lies behind a robot that drove straight, also after it has turned", () => {
  const trail = new Trail();
  for (const x of [0, 0.5, 1]) trail.add(x, 2);
  assert.deepEqual(seen(trail, { x: 1, y: 2, yaw: 0 }), [[-1, 0], [-0.5, 0], [0, 0]]);
  // A quarter turn to the left: what was behind is now to the left.
  assert.deepEqual(seen(trail, { x: 1, y: 2, yaw: Math.PI / 2 }), [[0, 1], [0, 0.5], [0, 0]]);
});

test("a robot that stands adds nothing, and what is no place neither", () => {
  const trail = new Trail();
  for (let n = 0; n < 100; n += 1) trail.add(0.0001 * n, 0);
  for (const place of [NaN, undefined, Infinity]) trail.add(place, 0);
  assert.equal(trail.count, 1);
});

test("where the odometry jumps, the way before is forgotten", () => {
  const trail = new Trail();
  trail.add(5, 5);
  trail.add(5.5, 5);
  trail.add(0, 0);
  assert.deepEqual(seen(trail, { x: 0, y: 0, yaw: 0 }), [[0, 0]]);
});

test("the oldest of a long way is forgotten first", () => {
  const trail = new Trail();
  for (let n = 0; n < 1000; n += 1) trail.add(0.1 * n, 0);
  const points = seen(trail, { x: 0, y: 0, yaw: 0 });
  assert.deepEqual([points.length, points[0], points.at(-1)], [600, [40, 0], [99.9, 0]]);
});

test("a series has the last minute, with gaps where nothing was known", () => {
  const series = new Series();
  for (let n = 0; n < 2000; n += 1) series.add(n === 1990 ? null : n, 100 * n);
  const values = [];
  series.visit(199_900, (value) => values.push(value));
  assert.deepEqual([values.length, values[0], values.at(-1)], [601, 1399, 1999]);
  assert.ok(Number.isNaN(values.at(-10)));
  series.clear();
  assert.equal(series.count, 0);
});

test("its range holds all that is shown, and what must be shown at any rate", () => {
  const series = new Series();
  assert.deepEqual(series.range(0, [undefined, undefined], 2), [0, 1]);
  for (const value of [21, 23]) series.add(value, 0);
  assert.deepEqual(series.range(0, [undefined, undefined], 2), [19, 25]);
  assert.deepEqual(series.range(0, [0, 100]), [0, 100]);
  assert.deepEqual(series.range(0, [0, 10]), [0, 23]);
});
