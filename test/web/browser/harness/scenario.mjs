// A test of the page: people come, the witness watches the robot, and what a failure needs to be understood is kept.

import test from "node:test";

import { artefact } from "./browser.mjs";
import { Person } from "./person.mjs";
import { theWorld } from "./world.mjs";

const LIMIT = 120_000; // ms, of a whole test, in which a hold-up of the machine may cost 15 s; only a fault reaches it

/**
 * `body` gets `{robot, world, come}`: the witness, the world, and what makes a {@link Person}.
 */
export function scenario(title, body) {
  test(title, { timeout: LIMIT }, async (t) => {
    const world = await theWorld();
    const people = [];
    const come = async (options) => {
      const person = await Person.come(world, options);
      people.push(person);
      return person;
    };
    try {
      await body({ world, come, get robot() { return world.robot; } });
      for (const person of people) person.assertWellBehaved();
    } catch (error) {
      for (const { name, page, console, asked, heard } of people) {
        const refused = heard.all.findLast(({ success, type }) => success === false || type === "error");
        const path = artefact(`failed ${name} ${title}`);
        await page.screenshot({ path, timeout: 5000 }).then(() => t.diagnostic(`what ${name} saw: ${path}`), () => {});
        if (console.length) t.diagnostic(`${name}'s console: ${console.slice(-10).join(" | ")}`);
        if (refused) t.diagnostic(`what ${name} was refused last: ${JSON.stringify(refused)}`);
        if (asked.length) t.diagnostic(`the last that ${name}'s page asked for: ${JSON.stringify(asked.at(-1))}`);
      }
      t.diagnostic(`the end of the bridge's log:\n${world.bridge.log.split("\n").slice(-10).join("\n")}`);
      throw error;
    } finally {
      for (const person of people) await person.leave();
      await world.tidy();
    }
  });
}
