import assert from "node:assert/strict";

import { scenario } from "../harness/scenario.mjs";
import { distance } from "../harness/witness.mjs";

scenario("holding Forward moves the robot, letting go stops it", async ({ come, robot }) => {
  const person = await (await come()).logIn();
  const before = await robot.place();
  await person.holdUntil("Forward", () => robot.until(({ position, speed }) => speed > 0.1 && distance(before, position) > 0.2, "the robot moves on"));
  await person.reads('[data-field="speed"] dd', /0\.[1-9]/);
  await person.reads('[data-field="control"] dd', /lan.*you/i);
  await person.letGo();
  await robot.untilStanding();
});

scenario("holding Back and the turns moves the robot the way they say", async ({ come, robot }) => {
  const person = await (await come()).logIn();
  for (const [name, fits] of [
    ["Turn left", ({ angular }) => angular > 0.1],
    ["Turn right", ({ angular }) => angular < -0.1],
    ["Back", ({ linear }) => linear < -0.05],
  ]) {
    await person.holdUntil(name, () => robot.untilStatus(({ motion }) => motion?.actual && fits(motion.actual), `${name} shows in the odometry`));
    await Promise.all([robot.untilEnded(), person.letGo()]);
  }
  await robot.untilStanding();
});

scenario("the keys W and arrow up drive forward from anywhere on the page, and stop when they come up", async ({ come, robot }) => {
  const person = await (await come()).logIn();
  const { keyboard } = person.page;
  for (const key of ["w", "ArrowUp"]) {
    const before = await robot.place();
    await person.holdKeysUntil([key], () => robot.until(({ position, speed }) => speed > 0.1 && distance(before, position) > 0.1, "the robot moves on"));
    await keyboard.down(key); // as a keyboard repeats
    await keyboard.up(key);
    await robot.untilStanding();
    await person.holdsNothing();
  }
});

scenario("two keys drive a curve, and with one of them left it goes straight on", async ({ come, robot }) => {
  const person = await (await come()).logIn();
  const { keyboard } = person.page;
  const actual = (fits, what) => robot.untilStatus(({ motion }) => motion?.actual && fits(motion.actual), what);
  await person.holdKeysUntil(["s", "a"], () => actual(({ linear, angular }) => linear < -0.05 && Math.abs(angular) > 0.05, "the robot drives a curve"));
  await keyboard.up("a");
  await actual(({ linear, angular }) => linear < -0.05 && Math.abs(angular) < 0.02, "the robot drives straight");
  await keyboard.up("s");
  await robot.untilStanding();
});

scenario("a key that is down when the window loses the focus drives no more", async ({ come, robot }) => {
  const person = await (await come()).logIn();
  const { keyboard } = person.page;
  await person.holdKeysUntil(["ArrowUp"], () => robot.untilMoving());
  await person.looksElsewhere();
  await robot.untilStanding();
  // The key repeats, since it is still down: that is no new press.
  await keyboard.down("ArrowUp");
  await robot.assertStanding();
});

scenario("a key that is meant for a field, or comes with Ctrl, drives nothing", async ({ come, robot }) => {
  const person = await (await come()).logIn();
  const { page } = person;
  await page.evaluate(() => {
    const field = document.createElement("input");
    field.id = "a-field";
    document.querySelector("main").prepend(field);
    field.focus();
  });
  await page.keyboard.type("wasd");
  assert.equal(await page.locator("#a-field").inputValue(), "wasd");
  await page.locator("#a-field").blur();
  await page.keyboard.press("Control+a");
  await robot.assertStanding();
  assert.deepEqual(person.asked, []);
});

scenario("Stop ends a drive while the button is held", async ({ come, robot }) => {
  const person = await (await come()).logIn();
  await person.holdKeysUntil(["w"], () => robot.untilMoving());
  await person.page.locator("#stop").click();
  await person.page.keyboard.down("w"); // it repeats, since it is still down: that is no new press
  await robot.untilStanding();
  await person.holdsNothing();
});
