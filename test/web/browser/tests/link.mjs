import assert from "node:assert/strict";

import { scenario } from "../harness/scenario.mjs";

for (const [how, end] of [["is ended in order", "end"], ["is killed", "kill"]]) {
  scenario(`a bridge that ${how} while Forward and a key are held comes back, the page with it, and nothing moves`, async ({ come, robot, world }) => {
    const person = await (await come()).logIn();
    await person.holdUntil("Forward", () => robot.untilMoving());
    await person.page.keyboard.down("w");
    await world.bridge[end]();
    await person.page.locator("#link:not([data-state=connected])").waitFor();
    await person.reads("#link", /lost|again|connect/i);
    await person.holdsNothing();
    const before = person.said.all.length;
    await world.startBridge();
    await person.sees();
    await person.reads("#scan-facts", /\d/);
    // Both are held still; a key repeats.
    await person.page.keyboard.down("w");
    await world.robot.assertStanding();
    const since = person.said.all.slice(before);
    for (const stream of ["telemetry", "lidar", "robot_status"]) {
      assert.ok(since.some(({ type, subscription_type }) => type === "subscribe" && subscription_type === stream), `${stream} is asked for again`);
    }
    assert.deepEqual(since.filter(({ type }) => type === "robot_control" || type === "control"), [], "commands after the reconnect");
    if (end === "kill") return; // its publisher counts for some seconds more, and nobody else may drive until then
    await person.page.keyboard.up("w");
    await person.letGo();
    await person.holdUntil("Forward", () => world.robot.untilMoving());
    await person.letGo();
    await world.robot.untilStanding();
  });
}
