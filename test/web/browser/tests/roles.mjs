import assert from "node:assert/strict";

import { scenario } from "../harness/scenario.mjs";

scenario("a viewer sees no control that drives, cannot drive by keys, and has both stops", async ({ come, robot }) => {
  const viewer = await (await come({ name: "viewer", role: "viewer" })).logIn();
  const { page } = viewer;
  await page.locator("#watching").waitFor();
  for (const name of ["Forward", "Back", "Turn left", "Turn right", "Dock", "Undock", "Take control", "Give back", "Take over"]) {
    assert.equal(await viewer.button(name).isVisible(), false, name);
  }
  for (const id of ["#linear", "#angular"]) assert.equal(await page.locator(id).isVisible(), false, id);
  await page.keyboard.down("w");
  await page.keyboard.down("ArrowLeft");
  await robot.assertStanding();
  assert.deepEqual(viewer.asked, []);
  await page.locator("#stop").click();
  await viewer.said.find(({ command }) => command === "stop", "the stop is sent");
  await page.locator("#emergency").click();
  await robot.untilStatus(({ emergency_stop }) => emergency_stop.active, "the emergency stop is latched");
});
