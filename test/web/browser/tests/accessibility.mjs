import assert from "node:assert/strict";

import axe from "axe-core";

import { scenario } from "../harness/scenario.mjs";

/** Fails with every serious fault that axe-core finds in light or dark, and where. */
async function check(page, state) {
  // Evaluated by the browser's debugger, so that the page's policy for scripts need not allow it.
  await page.evaluate(axe.source);
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const found = violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, help, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${help}\n  ${html}\n  ${failureSummary}`));
    assert.equal(found.length, 0, `${state}, ${colorScheme}:\n${found.join("\n")}`);
  }
}

scenario("axe-core finds nothing serious, light or dark: login, panel, emergency stop, question", async ({ come, robot, world }) => {
  const person = await come({ role: "administrator" });
  const { page } = person;
  await page.goto(world.origin);
  await page.locator("#token").waitFor();
  await check(page, "login");
  await person.logIn();
  await person.reads("#scan-facts", /\d/);
  await check(page, "panel");
  await page.locator("#emergency").click();
  await robot.untilStatus(({ emergency_stop }) => emergency_stop.active, "the emergency stop is latched");
  await page.locator("#reset").waitFor();
  await check(page, "emergency stop");
  await page.locator("#reset").click();
  await page.locator("#confirm").waitFor();
  await check(page, "question");
});
