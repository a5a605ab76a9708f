// Watches the robot over a connection of its own, which the page under test knows nothing about.

import assert from "node:assert/strict";

import { makeToken } from "./token.mjs";
import { Told, eventually } from "./waiting.mjs";

const SEEN = 10; // telemetry messages, of which ten a second come: what held for a second

export class Witness {
  telemetry = new Told();
  status = new Told();
  #answers = new Told();
  #requests = 0;

  /** A document of the bridge's origin that runs no script, in a context of its own, with a WebSocket. */
  static async join(browser, origin, { role = "viewer", id = 900, name = "witness" } = {}) {
    const witness = new Witness();
    witness.context = await browser.newContext();
    witness.page = await witness.context.newPage();
    await witness.page.exposeFunction("told", (text) => witness.#told(JSON.parse(text)));
    await witness.page.goto(`${origin}/favicon.svg`);
    const streams = role === "viewer" ? ["telemetry", "robot_status"] : [];
    await witness.page.evaluate(({ token, streams }) => new Promise((resolve, reject) => {
      window.socket = new WebSocket(`ws://${location.host}/ws?token=${token}`);
      window.socket.onmessage = ({ data }) => window.told(data);
      window.socket.onclose = ({ code, reason }) => reject(new Error(`closed: ${code} ${reason}`));
      window.socket.onopen = () => {
        for (const subscription_type of streams) window.socket.send(JSON.stringify({ type: "subscribe", subscription_type }));
        resolve();
      };
    }), { token: makeToken({ id, name, role }), streams });
    return witness;
  }

  #told(message) {
    if (message.type === "telemetry_update") this.telemetry.add(message.data);
    else if (message.type === "robot_status_update") this.status.add(message.data);
    else if (message.request_id) this.#answers.add(message);
  }

  /** Says it to the bridge; the answer. */
  async ask(message) {
    const request_id = `w-${++this.#requests}`;
    const answer = this.#answers.find((answer) => answer.request_id === request_id, `an answer to ${JSON.stringify(message)}`);
    await this.page.evaluate((text) => window.socket.send(text), JSON.stringify({ ...message, request_id }));
    return answer;
  }

  command(command, parameters = {}) {
    return this.ask({ type: "robot_control", command, parameters });
  }

  /** Telemetry and status, from now on. */
  until(fits, what) {
    return this.telemetry.next(fits, what);
  }

  untilStatus(fits, what) {
    return this.status.next(fits, what);
  }

  async place() {
    return (await this.until(({ position }) => position !== null, "a position")).position;
  }

  /** The robot drives, by its odometry. */
  async untilMoving() {
    await this.until(({ speed }) => speed > 0.1, "the robot moves");
  }

  /** No motion is under way: it was ended, whatever the robot has still to do for it. */
  async untilEnded() {
    await this.untilStatus(({ motion }) => motion === null, "the motion is ended");
  }

  async untilStopped() {
    await this.until(({ speed }) => speed === 0, "the robot stands");
  }

  /** The robot stands, and a second later it stands where it stood. */
  async untilStanding() {
    const { position } = await this.until(({ speed }) => speed === 0, "the robot stands");
    await this.#stays(position);
  }

  /** The robot does not move now, nor within a second. */
  async assertStanding() {
    await this.#stays(await this.place());
  }

  async #stays(from) {
    let seen = 0;
    await this.until(({ speed, position }) => {
      assert.equal(speed, 0, "the robot moves");
      assert.ok(distance(from, position) < 0.005, `the robot moved from ${JSON.stringify(from)} to ${JSON.stringify(position)}`);
      return ++seen === SEEN;
    }, "a second of telemetry");
  }

  /** What was told before the newest. */
  forget() {
    for (const told of [this.telemetry, this.status, this.#answers]) told.forget();
  }

  leave() {
    return this.context.close();
  }
}

export const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

/** An operator of the harness, for what must be put right between two tests. */
export async function withOperator(browser, origin, act) {
  const operator = await Witness.join(browser, origin, { role: "operator", id: 901, name: "harness" });
  try {
    await act(operator);
  } finally {
    // Said, not lost: a link that is lost would ask the next driver for more.
    await operator.page.evaluate(() => new Promise((resolve) => {
      window.socket.onclose = resolve;
      window.socket.close(1000);
    }));
    await operator.leave();
  }
}

/** Until motions are taken: the start is hard work for two cores, and a bridge that was held up refuses them. */
export function untilReady(browser, origin) {
  return withOperator(browser, origin, async (operator) => {
    await eventually(async () => (await operator.command("move_forward", { speed: 0 })).success, "commands are taken");
    await operator.ask({ type: "control", action: "release" });
  });
}
