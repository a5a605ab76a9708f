// A clock that goes when told, and a WebSocket that goes nowhere.

import { readFile } from "node:fs/promises";

/** Loads a module of the page. By its text, since this Node may take a bare `.js` for CommonJS. */
export async function load(name) {
  const text = await readFile(new URL(`../../web/${name}`, import.meta.url), "utf8");
  return import(`data:text/javascript,${encodeURIComponent(text)}`);
}

export class FakeClock {
  #now = 0;
  #timers = new Map();
  #last = 0;

  now = () => this.#now;
  setTimeout = (act, delay) => {
    this.#timers.set(++this.#last, { act, at: this.#now + delay });
    return this.#last;
  };
  clearTimeout = (timer) => this.#timers.delete(timer);

  /** Lets time pass, timer by timer, and after each what waits for promises. */
  async advance(milliseconds) {
    const end = this.#now + milliseconds;
    await settled();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.#now = due[1].at;
      due[1].act();
      await settled();
    }
    this.#now = end;
  }
}

/** A constructor of fake sockets, with all that were made in `made`. */
export function fakeWebSocket() {
  return class FakeWebSocket {
    static made = [];
    readyState = 0;
    sent = [];

    constructor(url) {
      this.url = url;
      this.constructor.made.push(this);
    }

    send(text) {
      if (this.readyState !== 1) throw new Error("not open");
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.readyState = 3;
    }

    open() {
      this.readyState = 1;
      this.say({ type: "connection_established", user_id: 7, username: "lan" });
    }

    say(message) {
      this.hear(JSON.stringify(message));
    }

    hear(data) {
      this.onmessage?.({ data });
    }

    end(code, reason = "") {
      this.readyState = 3;
      this.onclose?.({ code, reason });
    }

    /** The commands that were sent, without pings and subscriptions. */
    get commands() {
      return this.sent.filter(({ type }) => type === "robot_control").map(({ command }) => command);
    }

    answer(index, answer) {
      const { command, request_id } = this.sent.filter(({ type }) => type === "robot_control").at(index);
      this.say({ type: "robot_control_response", command, success: true, message: "done", request_id, ...answer });
    }

    /** A bridge that answers pings. */
    pong() {
      for (const { type, request_id } of this.sent) if (type === "ping") this.say({ type: "pong", request_id });
    }
  };
}

export const settled = () => new Promise((resolve) => setImmediate(resolve));
