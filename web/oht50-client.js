// Speaks the bridge's JSON protocol (docs/PROTOCOL.md) over one WebSocket, and comes back when the link is lost.
//
// Nothing is ever queued: what cannot be sent now is refused at once. After a reconnect the client asks for its
// subscriptions again and for nothing else, so that an old command never moves a robot.

/**
 * What `on` tells, besides the server's messages by their `type`:
 * @typedef {{state: "offline"|"connecting"|"connected"}
 *   | {state: "waiting", attempt: number, delay: number}
 *   | {state: "ended", code: number, text: string}} Link  `delay` in milliseconds
 * @typedef {{success: boolean, command: string, message: string, code?: string}} Answer
 */

/** Why a request has no answer: `not_connected`, `link_lost`, `timeout`, or the server's code of an `error`. */
export class RequestError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Close codes after which only a person should try again. */
export const TERMINAL = new Map([
  [1002, "The bridge could not read this page's messages"],
  [1003, "The bridge could not read this page's messages"],
  [1007, "The bridge could not read this page's messages"],
  [1009, "A message of this page was too big"],
  [4001, "The token is not valid"],
  [4008, "The bridge refused too many messages of this page"],
  [4010, "A newer connection took this one's place"],
  [4013, "All places at the bridge are taken"],
  [4029, "This page sent too many commands"],
]);

export class Oht50Client {
  #url;
  #WebSocket;
  #clock;
  #random;
  #token = null;
  #socket = null;
  #established = null;
  #heard = 0;
  #link = { state: "offline" };
  #listeners = new Map();
  #streams = new Set();
  #pending = new Map();
  #requests = 0;
  #attempts = 0;
  #retry;
  #watch;

  /** `url` is the endpoint without a token, such as `wss://robot/ws`. */
  constructor(url, { WebSocket = globalThis.WebSocket, clock = CLOCK, random = Math.random } = {}) {
    this.#url = url;
    this.#WebSocket = WebSocket;
    this.#clock = clock;
    this.#random = random;
  }

  /** Calls back with each server message of a type, with the `link` ({@link Link}), or the `round_trip` in ms. */
  on(type, callback) {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), callback]);
    return this;
  }

  get link() {
    return this.#link;
  }

  /** Milliseconds since anything was heard from the bridge. */
  get silence() {
    return this.#established === null ? Infinity : this.#clock.now() - this.#heard;
  }

  connect(token) {
    this.close();
    this.#token = token;
    this.#attempts = 0;
    this.#open();
  }

  /** Tries again with the same token, when a person asks for it. */
  reconnect() {
    if (this.#token !== null) this.connect(this.#token);
  }

  /** Ends the connection and forgets the token. */
  close() {
    this.#token = null;
    this.#clock.clearTimeout(this.#retry);
    this.#drop();
    this.#setLink({ state: "offline" });
  }

  /** Asks for a stream now, and again after every reconnect. */
  subscribe(stream) {
    this.#streams.add(stream);
    if (this.#established !== null) this.#subscription("subscribe", stream);
  }

  unsubscribe(stream) {
    this.#streams.delete(stream);
    if (this.#established !== null) this.#subscription("unsubscribe", stream);
  }

  /** @returns {Promise<Answer>} also when the command was refused (`success` false); rejects with a {@link RequestError}. */
  robot(command, parameters, options) {
    return this.request({ type: "robot_control", command, ...(parameters && { parameters }) }, options);
  }

  /** `acquire`, `release` or `take_over`. @returns {Promise<Answer>} as for `robot`. */
  control(action, options) {
    return this.request({ type: "control", action }, options);
  }

  /** @returns {Promise<Answer>} as for `robot`. */
  lidar(command, parameters, options) {
    return this.request({ type: "lidar_control", command, ...(parameters && { parameters }) }, options);
  }

  /** Sends a message now or not at all; resolves with the answer that carries its `request_id`. */
  request(message, { timeout = 5000 } = {}) {
    if (this.#socket?.readyState !== OPEN) {
      return Promise.reject(new RequestError("not_connected", "Not connected: nothing was sent"));
    }
    const id = String(++this.#requests);
    return new Promise((resolve, reject) => {
      const late = () => this.#settle(id, () => reject(new RequestError("timeout", "The bridge did not answer in time")));
      this.#pending.set(id, { resolve, reject, timer: this.#clock.setTimeout(late, timeout) });
      this.#socket.send(JSON.stringify({ ...message, request_id: id }));
    });
  }

  #open() {
    this.#setLink({ state: "connecting" });
    const started = this.#clock.now();
    let socket;
    try {
      socket = new this.#WebSocket(`${this.#url}?token=${encodeURIComponent(this.#token)}`);
    } catch {
      // The exception's text holds the address, and with it the token.
      return this.#lost(1006, "");
    }
    this.#socket = socket;
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(data);
    socket.onclose = ({ code, reason }) => socket === this.#socket && this.#lost(code, reason);
    const watch = () => {
      const silent = this.#established === null ? this.#clock.now() - started : this.silence;
      if (silent > (this.#established === null ? CONNECT_TIMEOUT : SILENCE_TIMEOUT)) return this.#lost(1006, "");
      this.#watch = this.#clock.setTimeout(watch, WATCH_PERIOD);
      if (this.#established !== null) this.#ping();
    };
    this.#watch = this.#clock.setTimeout(watch, WATCH_PERIOD);
  }

  #receive(data) {
    this.#heard = this.#clock.now();
    const message = read(data);
    if (message === null) return;
    if (message.type === "connection_established") {
      this.#established = this.#heard;
      this.#setLink({ state: "connected" });
      for (const stream of this.#streams) this.#subscription("subscribe", stream);
    }
    this.#settle(message.request_id, ({ resolve, reject }) =>
      message.type === "error" ? reject(new RequestError(message.code, String(message.message))) : resolve(message));
    this.#emit(message.type, message);
  }

  #lost(code, reason) {
    const steady = this.#established !== null && this.#clock.now() - this.#established >= STEADY;
    this.#drop();
    if (steady) this.#attempts = 0;
    if (TERMINAL.has(code)) {
      return this.#setLink({ state: "ended", code, text: reason || TERMINAL.get(code) });
    }
    if (this.#attempts === ATTEMPTS) {
      return this.#setLink({ state: "ended", code, text: reason || "The bridge cannot be reached" });
    }
    // Jitter shortens, so that the limit stays one.
    const delay = Math.min(FIRST_DELAY * 2 ** this.#attempts, LONGEST_DELAY) * (1 - JITTER * this.#random());
    this.#attempts += 1;
    this.#retry = this.#clock.setTimeout(() => this.#open(), delay);
    this.#setLink({ state: "waiting", attempt: this.#attempts, delay });
  }

  /** Lets go of the socket; what waits for an answer learns that none will come. */
  #drop() {
    this.#clock.clearTimeout(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    this.#established = null;
    socket?.close();
    for (const id of [...this.#pending.keys()]) {
      this.#settle(id, ({ reject }) => reject(new RequestError("link_lost", "The link was lost before the answer came")));
    }
  }

  #settle(id, act) {
    const waiting = this.#pending.get(id);
    if (!waiting) return;
    this.#pending.delete(id);
    this.#clock.clearTimeout(waiting.timer);
    act(waiting);
  }

  /** The answer and a refusal come as messages too; here nobody waits for them. */
  #subscription(type, stream) {
    this.request({ type, subscription_type: stream }).catch(() => {});
  }

  #ping() {
    const sent = this.#clock.now();
    this.request({ type: "ping" }).then(() => this.#emit("round_trip", this.#clock.now() - sent), () => {});
  }

  #setLink(link) {
    this.#link = link;
    this.#emit("link", link);
  }

  #emit(type, value) {
    for (const callback of this.#listeners.get(type) ?? []) {
      try {
        callback(value);
      } catch (error) {
        console.error(error);
      }
    }
  }
}

/** A message of the server, or null for what is none, or of a kind that this version does not know. */
function read(data) {
  try {
    const message = JSON.parse(data);
    return Object.hasOwn(SHAPES, message.type) && SHAPES[message.type](message) ? message : null;
  } catch {
    return null;
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const any = () => true;
const hasData = ({ data }) => isObject(data);

const SHAPES = {
  connection_established: any,
  authenticated: any,
  subscription_confirmed: any,
  unsubscription_confirmed: any,
  pong: any,
  error: any,
  robot_control_response: ({ success }) => typeof success === "boolean",
  lidar_control_response: ({ success }) => typeof success === "boolean",
  control_response: ({ success }) => typeof success === "boolean",
  telemetry_update: hasData,
  lidar_update: ({ data }) => isObject(data) && isObject(data.scan_data) && Array.isArray(data.scan_data.points),
  robot_status_update: hasData,
  event: ({ event, message }) => typeof event === "string" && typeof message === "string",
};

const CLOCK = {
  now: () => performance.now(),
  setTimeout: (act, delay) => setTimeout(act, delay),
  clearTimeout: (timer) => clearTimeout(timer),
};

const OPEN = 1; // WebSocket.OPEN

// Milliseconds.
const CONNECT_TIMEOUT = 10_000;
const SILENCE_TIMEOUT = 5_000;
const WATCH_PERIOD = 1_000;
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;

/** A connection that lasted this long counts as a success, and the attempts start anew. */
const STEADY = 10_000;
const ATTEMPTS = 5;
const JITTER = 0.3;
