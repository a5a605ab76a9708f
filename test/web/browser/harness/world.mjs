// A bridge with the simulated robot that it serves, in a ROS domain of their own, and the witness.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { launch } from "./browser.mjs";
import { claimDomain } from "./domains.mjs";
import { Bridge, Simulator } from "./programs.mjs";
import { eventually } from "./waiting.mjs";
import { Witness, untilReady, withOperator } from "./witness.mjs";

export class World {
  static async start(browser) {
    const world = new World();
    world.browser = browser;
    world.directory = mkdtempSync(join(tmpdir(), "oht50-browser-"));
    process.on("exit", () => rmSync(world.directory, { recursive: true, force: true }));
    world.domain = await claimDomain();
    try {
      world.simulator = new Simulator(world.directory, world.domain.id);
      await world.startBridge();
      await world.simulator.ready;
      await untilReady(browser, world.origin);
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  get origin() {
    return `http://127.0.0.1:${this.bridge.port}`;
  }

  /** For the first time, or again on the port that clients know. */
  async startBridge() {
    await this.robot?.leave();
    this.bridge = new Bridge(this.directory, this.domain.id, this.bridge?.port);
    await this.bridge.ready;
    this.robot = await Witness.join(this.browser, this.origin);
  }

  /** After a test: nobody drives, nothing is latched. */
  async tidy() {
    await this.robot.command("stop");
    if (this.robot.status.all.at(-1).emergency_stop.active) {
      await withOperator(this.browser, this.origin, (operator) =>
        // The odometry may be on its way that says that the robot stands.
        eventually(async () => (await operator.command("reset_emergency_stop", { confirm: true })).success, "a release"));
    }
    if (this.robot.status.all.at(-1).control) await this.robot.untilStatus(({ control }) => control === null, "nobody drives");
    this.robot.forget();
  }

  async close() {
    await this.robot?.leave();
    const ended = await Promise.allSettled([this.bridge?.end(), this.simulator?.end()]);
    await this.domain.free();
    for (const { reason } of ended) if (reason) throw reason;
  }
}

/** The browser and the world that the tests share; made when first asked for. */
let browser, shared;

export const theWorld = () => (shared ??= (browser = launch()).then(World.start));

export async function closeAll() {
  try {
    await (await shared)?.close();
  } finally {
    await (await browser)?.close();
  }
}
