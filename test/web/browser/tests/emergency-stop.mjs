import assert from "node:assert/strict";

import { scenario } from "../harness/scenario.mjs";

const latched = ({ emergency_stop }) => emergency_stop.active;

scenario("one tap of a viewer on Emergency stop stops a drive, latches, and is released behind a question only", async ({ come, robot }) => {
  const viewer = await (await come({ name: "viewer", role: "viewer", hasTouch: true, viewport: { width: 360, height: 740 } })).logIn();
  const lan = await (await come({ name: "lan" })).logIn();
  await lan.holdUntil("Forward", () => robot.untilMoving());
  await viewer.page.locator("#emergency").tap();
  await robot.untilStatus(latched, "the emergency stop is latched");
  await robot.untilStopped();
  for (const person of [viewer, lan]) {
    await person.reads("#latched", /emergency stop/i);
    await person.reads("#latched", /viewer/);
  }
  await lan.holdsNothing();
  assert.equal(await viewer.page.locator("#reset").isVisible(), false, "a viewer is not offered the release");

  // Nothing moves, and it is said why.
  await lan.letGo();
  await lan.pressWhereItIs("Forward");
  await lan.reads("#drive", /emergency stop/i);
  await robot.assertStanding();
  await lan.letGo();

  await lan.page.locator("#reset").click();
  await lan.page.locator("#confirm").waitFor();
  await lan.page.locator("#keep").click();
  await lan.page.locator("#confirm").waitFor({ state: "hidden" });
  await robot.untilStatus(latched, "it is latched still");
  await lan.page.locator("#reset").click();
  await lan.page.locator("#release").click();
  await robot.untilStatus((status) => !latched(status), "the emergency stop is released");
  for (const person of [viewer, lan]) await person.page.locator("#latched").waitFor({ state: "hidden" });
  await robot.assertStanding();

  await lan.holdUntil("Forward", () => robot.untilMoving());
});
