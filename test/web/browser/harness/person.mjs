// Somebody with a browser in front of the operator page.

import assert from "node:assert/strict";

import { makeToken } from "./token.mjs";
import { PATIENCE, Told, eventually } from "./waiting.mjs";

const isHoldUp = ({ code, message, data }) =>
  code === "stale_command" || /suspended/.test(message) || ["suspended", "link_silent"].includes(data?.reason) ||
  ["suspended", "link_lost"].includes(data?.cause); // of a control_changed: no motion need have ended

let people = 0;

export class Person {
  requests = [];
  console = [];
  faults = [];
  /** What the page says to the bridge. */
  said = new Told();
  /** What the bridge says to the page, without the streams. */
  heard = new Told();

  /** `token`: of somebody who is here already, for another tab. */
  static async come(world, { name = "lan", role = "operator", seconds = 3600, token, script, ...options } = {}) {
    const person = new Person();
    Object.assign(person, { world, name, role });
    person.token = token ?? makeToken({ id: 100 + ++people, name, role, seconds });
    person.context = await world.browser.newContext({ locale: "en-US", viewport: { width: 1280, height: 800 }, ...options });
    person.context.setDefaultTimeout(PATIENCE);
    person.page = await person.context.newPage();
    if (script) await person.page.addInitScript(script);
    person.#listen();
    return person;
  }

  #listen() {
    const { page } = this;
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("console", (message) => this.console.push(message.text()));
    page.on("pageerror", (error) => this.faults.push(error.stack));
    page.on("websocket", (socket) => {
      this.requests.push(socket.url());
      socket.on("framesent", ({ payload }) => this.said.add(JSON.parse(payload)));
      socket.on("framereceived", ({ payload }) => {
        if (typeof payload === "string" && !/^\{"type":"[a-z_]*_update"/.test(payload)) this.heard.add(JSON.parse(payload));
      });
    });
  }

  /** Opens the page with the token in the fragment, and sees the robot. */
  async logIn() {
    await this.page.goto(`${this.world.origin}/#token=${this.token}`);
    await this.sees();
    return this;
  }

  /** The page is connected and shows the robot's state. */
  async sees() {
    await this.page.locator('#link[data-state="connected"]').waitFor();
    await this.reads('[data-field="status"] dd', /[a-z]/i);
  }

  /** Until the text of an element that is shown is like this. */
  async reads(selector, pattern, within = PATIENCE) {
    const element = this.page.locator(selector).first();
    await eventually(async () => (await element.isVisible()) && pattern.test(await element.innerText()),
      `${this.name} reads ${pattern} in ${selector}`, within).catch(async (error) => {
      throw new Error(`${error.message}; there is: ${JSON.stringify(await element.innerText({ timeout: 1000 }).catch(String))}`);
    });
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  /** Presses a button and keeps it pressed. */
  async hold(name) {
    const button = this.button(name);
    await eventually(() => button.isEnabled(), `${name} can be pressed`);
    await this.pressWhereItIs(name);
  }

  /** The pointer goes down there, whether or not the button takes it. */
  async pressWhereItIs(name) {
    const button = this.button(name);
    await button.scrollIntoViewIfNeeded();
    const { x, y, width, height } = await button.boundingBox();
    await this.page.mouse.move(x + width / 2, y + height / 2);
    await this.page.mouse.down();
  }

  letGo() {
    return this.page.mouse.up();
  }

  /** Presses until the robot does it; again, as a person would, if other work on this machine held the bridge or the link up. */
  async drive(press, letGo, does) {
    const done = does().then(() => true);
    for (;;) {
      const heldUp = this.heard.next(isHoldUp, "a refusal for want of time", 2 * PATIENCE).then(() => false);
      await press();
      if (await Promise.race([done, heldUp])) return;
      await letGo();
      if (await Promise.race([done, this.world.robot.untilStatus(() => true, "a status").then(() => false)])) return;
    }
  }

  /** Does what needs this person in control throughout; again, if other work on this machine held the bridge up or the link, which takes the control away. */
  async undisturbed(work) {
    for (;;) {
      const before = this.heard.all.length;
      const failure = await work().then(() => undefined, (error) => error);
      if (!failure) return;
      if (!this.heard.all.slice(before).some(isHoldUp)) throw failure;
    }
  }

  /** Holds a button until the robot does it, and on. */
  holdUntil(name, does) {
    return this.drive(() => this.hold(name), () => this.letGo(), does);
  }

  /** Clicks until that is done. */
  clickUntil(name, does) {
    return this.drive(() => this.button(name).click(), () => {}, does);
  }

  /** Holds a key, or several, until the robot does it, and on. */
  holdKeysUntil(keys, does) {
    const { keyboard } = this.page;
    return this.drive(
      async () => { for (const key of keys) await keyboard.down(key); },
      async () => { for (const key of keys) await keyboard.up(key); },
      does,
    );
  }

  /** Messages that ask the robot to move, or for the control to do so. */
  get asked() {
    return this.said.all.filter(({ type, command, action }) =>
      (type === "robot_control" && !["stop", "emergency_stop"].includes(command)) || (type === "control" && action !== "release"));
  }

  /** Another window is in front, as on a screen: left alone, every page of the tests believes that it has the focus. */
  async looksElsewhere() {
    const devtools = await this.context.newCDPSession(this.page);
    await devtools.send("Emulation.setFocusEmulationEnabled", { enabled: false });
    await (await this.context.newPage()).bringToFront();
    await this.page.waitForFunction(() => !document.hasFocus());
  }

  /** The bridge has answered whatever this page has asked for. */
  async untilAnswered() {
    const ids = () => new Set(this.heard.all.map(({ request_id }) => request_id));
    await eventually(() => this.asked.every(({ request_id }) => ids().has(request_id)), `${this.name}'s page is answered`);
  }

  /** Nothing of this page is held down any more, as it shows itself. */
  async holdsNothing() {
    await eventually(async () => (await this.page.locator("#pad .held").count()) === 0, "no button is shown as held");
  }

  /** What must hold of every page in every test. */
  assertWellBehaved() {
    const { host } = new URL(this.world.origin);
    assert.deepEqual(this.faults, [], "the page threw");
    const foreign = this.requests.filter((url) => !/^(data|blob|about):/.test(url) && new URL(url).host !== host);
    assert.deepEqual(foreign, [], "requests to elsewhere");
    assert.deepEqual(this.console.filter((text) => /content security policy|refused to/i.test(text)), [], "the content security policy was violated");
  }

  leave() {
    return this.context.close();
  }
}
