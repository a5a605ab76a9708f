import assert from "node:assert/strict";

import { scenario } from "../harness/scenario.mjs";
import { eventually } from "../harness/waiting.mjs";

const POINTS = 50; // pixels in the colour of the scan, of which the hall's walls give thousands

/** Nowhere but in this tab's session storage, and in the address of the WebSocket itself. */
async function assertTokenIsHidden({ page, context, token, console }) {
  const devtools = await context.newCDPSession(page);
  const { entries } = await devtools.send("Page.getNavigationHistory");
  await devtools.detach();
  const places = await page.evaluate(() => ({
    address: location.href,
    referrer: document.referrer,
    state: JSON.stringify(history.state),
    localStorage: JSON.stringify({ ...localStorage }),
    cookie: document.cookie,
    document: document.documentElement.outerHTML,
    inputs: [...document.querySelectorAll("input")].map(({ value }) => value).join(" "),
  }));
  const [, claims, signature] = token.split(".");
  for (const [place, text] of Object.entries({ ...places, history: entries.map(({ url, title }) => `${url} ${title}`).join(" "), console: console.join("\n") })) {
    assert.ok(!text.includes(claims) && !text.includes(signature), `the token is in: ${place}`);
  }
}

/** Until the map shows points, in the colour that the style sheet gives them. */
function untilScanIsDrawn(page) {
  const points = () => page.evaluate(() => {
    const canvas = document.querySelector("#map canvas");
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = getComputedStyle(canvas).getPropertyValue("--map-point").trim();
    probe.fillRect(0, 0, 1, 1);
    const wanted = probe.getImageData(0, 0, 1, 1).data;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      if ([0, 1, 2].every((part) => Math.abs(data[at + part] - wanted[part]) < 8)) count++;
    }
    return count;
  });
  return eventually(async () => (await points()) > POINTS, "the map shows the scan");
}

async function assertAllStreamsShow(person) {
  await person.reads('[data-field="status"] dd', /idle/i);
  await person.reads('[data-field="speed"] dd', /\d/);
  await person.reads('[data-field="position"] dd', /\d/);
  await person.reads('[data-field="battery_level"] dd', /\d/);
  await person.reads('[data-field="temperature"] dd', /\d/);
  await person.reads('[data-field="control"] dd', /nobody/i);
  await person.reads("#scan-facts", /\d/);
  await untilScanIsDrawn(person.page);
}

scenario("a token in the address logs this tab in, and no other, and is nowhere to be seen afterwards", async ({ come, world }) => {
  const person = await (await come({ name: "lan" })).logIn();
  await assertAllStreamsShow(person);
  await person.reads("#who", /lan.*operator/i);
  await assertTokenIsHidden(person);
  await person.page.reload();
  await person.sees();
  await assertTokenIsHidden(person);
  const tab = await person.context.newPage();
  await tab.goto(world.origin);
  await tab.locator("#token").waitFor();
});

scenario("a pasted token logs in, is nowhere to be seen, and is gone after Log out", async ({ come, world }) => {
  const person = await come();
  const { page } = person;
  await page.goto(world.origin);
  await page.locator("#token").fill(`  ${person.token}\n`);
  await page.locator("#token").press("Enter");
  await person.sees();
  await assertAllStreamsShow(person);
  await assertTokenIsHidden(person);
  await page.locator("#logout").click();
  await page.locator("#token").waitFor();
  assert.equal(await page.locator("#panel").isVisible(), false);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

scenario("a token that the bridge refuses ends on the login form with the reason", async ({ come, world }) => {
  const person = await come();
  await person.page.goto(`${world.origin}/#token=${person.token.slice(0, -4)}AAAA`);
  await person.reads("#login-error", /invalid token/i);
  assert.equal(await person.page.evaluate(() => sessionStorage.length), 0);
});

scenario("a token that runs out ends the drive and leads to the login form with the reason", async ({ come, robot }) => {
  const person = await (await come({ seconds: 5 })).logIn();
  await person.holdUntil("Forward", () => robot.untilMoving());
  await person.reads("#login-error", /expired/i);
  assert.equal(await person.page.locator("#panel").isVisible(), false);
  assert.equal(await person.page.evaluate(() => sessionStorage.length), 0);
  await robot.untilStanding();
});
