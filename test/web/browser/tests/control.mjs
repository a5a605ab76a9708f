import assert from "node:assert/strict";

import { scenario } from "../harness/scenario.mjs";

const driver = (name) => ({ control }) => control?.holder === name;

scenario("Take control and Give back say who drives, and move nothing", async ({ come, robot }) => {
  const person = await (await come({ name: "lan" })).logIn();
  await person.undisturbed(async () => {
    await person.clickUntil("Take control", () => robot.untilStatus(driver("lan"), "lan is in control"));
    await person.reads('[data-field="control"] dd', /lan.*you/i);
  });
  await person.button("Give back").click();
  await robot.untilStatus(({ control }) => control === null, "nobody is in control");
  await robot.assertStanding();
  assert.equal(await person.button("Take over").isVisible(), false, "who may not take over is offered it");
});

scenario("of two tabs of one person the one that drives says so, and the other one who drives", async ({ come, robot }) => {
  const one = await (await come({ name: "lan" })).logIn();
  const other = await (await come({ name: "lan", token: one.token })).logIn();
  await one.undisturbed(async () => {
    await one.clickUntil("Take control", () => robot.untilStatus(driver("lan"), "lan is in control"));
    await one.reads("#driver", /You drive/);
    await other.reads("#driver", /lan drives/);
  });
});

scenario("another operator is refused with the name of who drives, and an administrator takes over", async ({ come, robot }) => {
  const lan = await (await come({ name: "lan" })).logIn();
  const mai = await (await come({ name: "mai" })).logIn();
  const binh = await (await come({ name: "binh", role: "administrator" })).logIn();
  await lan.undisturbed(async () => {
    await robot.untilStatus((status) => !driver("mai")(status), "mai is not in control");
    await lan.holdUntil("Forward", () => robot.untilMoving());
    const before = mai.heard.all.length;
    await mai.pressWhereItIs("Forward");
    await mai.page.keyboard.down("w");
    try {
      await mai.reads("#drive", /lan.*(control|drives)/i);
    } finally {
      await mai.untilAnswered();
      await mai.page.keyboard.up("w");
      await mai.letGo();
      await lan.letGo();
    }
    const moved = mai.heard.all.slice(before).find(({ type, success }) => type === "robot_control_response" && success);
    assert.ok(!moved, "who is refused moves the robot");
  });

  await lan.undisturbed(async () => {
    await lan.letGo();
    await lan.holdUntil("Forward", () => robot.untilMoving());
    await binh.button("Take over").click();
  });
  const dialog = binh.page.getByRole("dialog");
  await dialog.waitFor();
  assert.deepEqual(binh.asked, [], "nothing is taken before the answer");
  await dialog.getByRole("button", { name: /take over/i }).click();
  await robot.untilStatus(driver("binh"), "binh is in control");
  await robot.untilStanding();
  await robot.untilStatus(driver("binh"), "binh stays in control, whatever lan's page says at its end");
  await lan.holdsNothing();
  await lan.reads("#drive", /binh/);
  await binh.reads('[data-field="control"] dd', /binh.*you/i);
});
