import assert from "node:assert/strict";

import { artefact } from "../harness/browser.mjs";
import { scenario } from "../harness/scenario.mjs";
import { eventually } from "../harness/waiting.mjs";

const SIZES = [[360, 740], [768, 1024], [1920, 1080], [3840, 2160]];

/** What is wrong with the page as it is shown, at its top and at its bottom. */
async function faults(page) {
  return page.evaluate(async () => {
    const found = [];
    const { scrollingElement: root } = document;
    const frame = () => new Promise(requestAnimationFrame);
    for (const top of [0, root.scrollHeight]) {
      root.scrollTop = top;
      await frame();
      if (root.scrollWidth > root.clientWidth) found.push(`${root.scrollWidth - root.clientWidth} px wider than the window`);
      for (const button of document.querySelectorAll("#stop, #emergency")) {
        const { left, top, right, bottom, width, height } = button.getBoundingClientRect();
        if (left < 0 || top < 0 || right > innerWidth || bottom > innerHeight) found.push(`#${button.id} reaches out of the window`);
        if (width < 44 || height < 44) found.push(`#${button.id} is ${width} x ${height}, too small for a thumb`);
        for (const [x, y] of [[0.5, 0.5], [0.1, 0.2], [0.9, 0.2], [0.1, 0.8], [0.9, 0.8]]) {
          const hit = document.elementFromPoint(left + x * width, top + y * height);
          if (!button.contains(hit)) found.push(`#${button.id} is covered by ${hit?.outerHTML.slice(0, 80)}`);
        }
      }
    }
    root.scrollTop = 0;
    return found;
  });
}

scenario("at every size nothing scrolls sideways and both stops are within reach, whatever else is shown", async ({ come, robot, world }) => {
  const person = await come();
  const { page } = person;
  const look = async (state) => {
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      // Room is given out anew at the next frame.
      const found = await eventually(async () => {
        const found = await faults(page);
        return found.length === 0 && [];
      }, "", 500).catch(() => faults(page));
      // The largest is slow to take, and one of it shows enough.
      if (width < 3000 || state === "panel") await page.screenshot({ path: artefact(`${state} ${width}x${height}`) });
      assert.deepEqual(found, [], `${state} at ${width} x ${height}`);
    }
  };
  await page.goto(world.origin);
  await page.locator("#token").waitFor();
  await look("login");
  await person.logIn();
  await person.reads("#scan-facts", /\d/);
  await look("panel");
  await page.locator("#language").click();
  await look("panel in the other language");
  await page.locator("#language").click();
  await page.locator("#emergency").click();
  await robot.untilStatus(({ emergency_stop }) => emergency_stop.active, "the emergency stop is latched");
  await page.locator("#reset").waitFor();
  await look("latched");
  await page.locator("#reset").click();
  await page.locator("#confirm").waitFor();
  await look("question");
});
