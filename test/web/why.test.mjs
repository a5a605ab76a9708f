// The one sentence that says why the robot cannot be driven.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, test } from "node:test";

import { load } from "./fakes.mjs";

const { setLanguage } = await load("language.js");
const { whyItStands, whySlow } = await load("why.js");

setLanguage("en");
afterEach(() => setLanguage("en"));

const golden = (name) => JSON.parse(readFileSync(new URL(`../golden/server/${name}.json`, import.meta.url), "utf8")).data;
const IDLE = golden("robot_status_update_idle");
const latch = (fields) => ({ emergency_stop: { active: true, source: "web", by: null, since: null, reason: null, ...fields } });
const held = (reason, zone = null) => ({ safety: { decision: "stop", reason, zone, limit: null } });

const why = (data, others) => whyItStands({
  link: "connected", silent: false, old: false, waited: 0, mine: false, data: data && { ...IDLE, safety: { decision: "allow", reason: null, zone: null, limit: null }, ...data }, ...others,
});

for (const [state, sentence, data, others] of [
  ["all is well", /^$/, {}],
  ["who looks drives", /^$/, { control: { holder: "lan", user_id: 7 } }, { mine: true }],
  ["it only goes slower", /^$/, { safety: { decision: "limit", reason: "zone_warning", zone: "near", limit: null } }],
  ["the own stop of a moment ago is told still", /^$/, held("stopped")],
  ["there is no link", /^Not connected/, {}, { link: "waiting" }],
  ["the bridge is silent", /silent/, {}, { silent: true }],
  ["no status ever came", /not known/, null],
  ["the status is old", /not known/, {}, { old: true }],
  ["the emergency stop is latched", /^The emergency stop is active\. Release/, latch({})],
  ["somebody latched it", /emergency stop.*pressed by mai/, latch({ by: "mai" })],
  ["the robot's own stop is pressed", /on the robot is pressed/, latch({ source: "hardware" })],
  ["somebody else drives", /^anna drives the robot/, { control: { holder: "anna", user_id: 9 } }],
  ["it docks", /docking controller/, { docking: { state: "docking", elapsed: 2 } }],
  ["it undocks", /docking controller/, { docking: { state: "undocking", elapsed: 2 } }],
  ["something is in a zone", /^Something is too near the robot \(zone front\): .*\.$/, held("zone_blocked", "front")],
  ["the LiDAR was stopped", /start the scan/, { ...held("scan_stale"), lidar: { state: "stopped", age: 30 } }],
  ["the scans ceased", /scans ceased 5\.0 s ago: check the LiDAR\.$/, { ...held("scan_stale"), lidar: { state: "lost", age: 4 } }, { waited: 1000 }],
  ["there never was odometry", /no odometry\): check the robot\.$/, { ...held("no_odometry"), sources: { odom: null } }],
  ["a reason is new", /held: magnetic storm\.$/, held("magnetic_storm")],
]) {
  test(`where ${state}: ${sentence}`, () => assert.match(why(data, others).replaceAll("\u00a0", " "), sentence));
}

test("the emergency stop counts more than who drives, and both more than the surroundings", () => {
  const all = { ...latch({ by: "mai" }), control: { holder: "anna", user_id: 9 }, ...held("zone_blocked") };
  assert.match(why(all), /emergency stop/);
  assert.match(why({ ...all, emergency_stop: { active: false } }), /anna/);
});

test("every message of the golden files has a sentence or none, in both languages", () => {
  for (const language of ["en", "vi"]) {
    setLanguage(language);
    assert.notEqual(why(golden("robot_status_update_emergency_stop")), "");
    assert.notEqual(why(golden("robot_status_update_held")), "");
    assert.equal(why(golden("robot_status_update_slowed"), { mine: true }), "");
    assert.notEqual(whySlow(golden("robot_status_update_slowed")), "");
  }
});

test("why it is slow names the reason, the zone and the speed that is left", () => {
  const slow = (safety) => whySlow({ safety });
  assert.equal(
    slow({ decision: "limit", reason: "zone_warning", zone: "near", limit: { linear: 0.3, angular: 0.5 } }).replaceAll("\u00a0", " "),
    "Slower: something is near (zone near), at most 0.30 m/s.",
  );
  assert.equal(slow({ decision: "limit", reason: "stop_distance", zone: null, limit: null }), "Slower: to stop in time.");
  for (const none of [{ decision: "limit", reason: "limited" }, { decision: "allow" }, { decision: "stop", reason: "zone_blocked" }]) {
    assert.equal(slow(none), "");
  }
  assert.equal(whySlow(undefined), "");
});
