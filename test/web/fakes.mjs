// A clock that goes when told, and a WebSocket that goes nowhere.

/** Loads a module of the page. */
export const load = (name) => import(new URL(`../../web/${name}`, import.meta.url));

export class FakeClock {
  #now = 0;
  #timers = new Map();
  #last = 0;

  /** Timers that wait. */
  get waiting() {
    return this.#timers.size;
  }

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

    /** An update of a stream, as the bridge says it. */
    update(stream, seq, fields) {
      this.say({ type: `${stream}_update`, data: { scan_data: { points: [] } }, seq, ...fields });
    }

    /** The acknowledgements that were sent: stream and number. */
    get acks() {
      return this.sent.filter(({ type }) => type === "ack").map(({ subscription_type, seq }) => [subscription_type, seq]);
    }
  };
}

export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A client of a fake bridge; `socket()` is its newest socket. */
export function setUp(Oht50Client, { random = () => 0 } = {}) {
  const clock = new FakeClock();
  const WebSocket = fakeWebSocket();
  const client = new Oht50Client("ws://robot/ws", { WebSocket, clock, random });
  return { clock, client, socket: () => WebSocket.made.at(-1), made: WebSocket.made };
}

/** The same, connected. */
export function connected(Oht50Client, options) {
  const all = setUp(Oht50Client, options);
  all.client.connect("a.b+c");
  all.socket().open();
  return all;
}
