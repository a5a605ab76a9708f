// Speaks the bridge's protocol (docs/PROTOCOL.md) over one WebSocket, and comes back when the link is lost.
//
// Nothing is ever queued: what cannot be sent now is refused at once. After a reconnect the client asks for its
// subscriptions again and for nothing else, so that an old command never moves a robot.
//
// Callbacks may do anything, also close or connect: after each of them the client looks where it stands.

import { ANSWERS, STREAMS, date, isKnown, read } from "./messages.js";

export { decodeLidarFrame } from "./lidar-frame.js";

/**
 * What `on` tells, besides the server's messages by their `type` (oht50-client.d.ts has them all):
 * @typedef {{state: "offline"|"connecting"|"connected"}
 *   | {state: "waiting", attempt: number, delay: number}
 *   | {state: "ended", code: number, text: string}} Link  `delay` in milliseconds
 * @typedef {{success: boolean, command: string, message: string, code?: string}} Answer
 */

/**
 * Why a request has no answer: `not_connected`, `link_lost`, `timeout`, `invalid_parameter` for what is not worth sending, or
 * the server's code of an `error`.
 */
export class RequestError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "RequestError";
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
  #expires = null;
  #socket = null;
  #established = null;
  #outlines;
  #heard = 0;
  /** When the first ping was sent since then. */
  #asked = null;
  #roundTrip = null;
  #link = { state: "offline" };
  #listeners = new Map();
  /** The options of each stream that is wanted. */
  #streams = new Map();
  /** What came last of each stream. */
  #newest = new Map();
  #pending = new Map();
  #requests = 0;
  #attempts = 0;
  #retry;
  #watch;

  /** `url` is the endpoint without a token, such as `wss://robot/ws`. */
  constructor(url, { WebSocket = globalThis.WebSocket, clock = CLOCK, random = Math.random } = {}) {
    if (typeof WebSocket !== "function") throw new TypeError("There is no WebSocket here: pass a constructor of one");
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

  off(type, callback) {
    this.#listeners.set(type, (this.#listeners.get(type) ?? []).filter((each) => each !== callback));
    return this;
  }

  get link() {
    return this.#link;
  }

  /** Milliseconds since anything was heard from the bridge. */
  get silence() {
    return this.#established === null ? Infinity : this.#clock.now() - this.#heard;
  }

  /** Milliseconds to the bridge and back, as measured last on this connection; null before. */
  get roundTrip() {
    return this.#roundTrip;
  }

  /** When the token in use expires, as the bridge said; null before it did. */
  get tokenExpiresAt() {
    return this.#expires;
  }

  /**
   * How a stream does: `age` of its newest data in ms, from when the robot measured them until now; `rate` in Hz, over the last
   * two seconds; `seq` of the newest update; how many were `received`. When it stops, the age grows.
   */
  stream(name) {
    const newest = this.#newest.get(name);
    if (!newest) return { age: Infinity, rate: 0, seq: null, received: 0 };
    const now = this.#clock.now();
    const recent = newest.times.filter((at) => now - at < RATE_WINDOW).length;
    return { age: newest.age + now - newest.at, rate: (recent * 1000) / RATE_WINDOW, seq: newest.seq, received: newest.received };
  }

  connect(token) {
    this.#clock.clearTimeout(this.#retry);
    this.#drop();
    this.#token = token;
    this.#expires = null;
    this.#attempts = 0;
    this.#open();
  }

  /** Tries again with the same token, when a person asks for it. */
  reconnect() {
    if (this.#token !== null) this.connect(this.#token);
  }

  /** Ends the connection and forgets the token. */
  close() {
    this.#clock.clearTimeout(this.#retry);
    this.#drop();
    this.#token = null;
    this.#expires = null;
    this.#setLink({ state: "offline" });
  }

  /**
   * Extends the connection in place; from then on reconnects use the new token. When it is refused (the promise rejects) the old
   * one stays in force.
   */
  authenticate(token, options) {
    return this.#ask({ type: "authenticate", token }, options, () => (this.#token = token));
  }

  /**
   * Asks for a stream now, and again after every reconnect. At most `max_in_flight` updates are on their way unacknowledged; the
   * client acknowledges each once the callbacks are done, also with what they promised. `null` is for every update, however late.
   */
  subscribe(stream, { max_in_flight = IN_FLIGHT, ...others } = {}) {
    const given = Object.entries({ ...others, max_in_flight }).filter(([, value]) => value !== null && value !== undefined);
    this.#streams.set(stream, Object.fromEntries(given));
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

  /** Velocities in m/s and rad/s, held to run: the robot stops a second after the last. @returns {Promise<Answer>} as for `robot`. */
  drive(linear, angular = 0, options) {
    if (Number.isFinite(linear) && Number.isFinite(angular)) return this.robot("drive", { linear, angular }, options);
    return quiet(Promise.reject(new RequestError("invalid_parameter", "Velocities must be numbers: nothing was sent")));
  }

  /** Ends any motion, whoever commanded it. @returns {Promise<Answer>} as for `robot`. */
  stop(options) {
    return this.robot("stop", undefined, options);
  }

  /** Stops and latches. @returns {Promise<Answer>} as for `robot`. */
  emergencyStop(options) {
    return this.robot("emergency_stop", undefined, options);
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
  request(message, options) {
    return this.#ask(message, options);
  }

  /** `accept` is called with the answer as it comes, before anybody else hears of it. */
  #ask(message, { timeout = 5000 } = {}, accept = () => {}) {
    return quiet(new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== OPEN) throw new RequestError("not_connected", "Not connected: nothing was sent");
      const id = String(++this.#requests);
      const text = JSON.stringify({ ...message, request_id: id });
      const late = () => this.#reject(id, "timeout", "The bridge did not answer in time");
      const timer = this.#clock.setTimeout(late, Math.min(timeout, LONGEST_TIMEOUT));
      const done = (answer) => {
        accept(answer);
        resolve(answer);
      };
      this.#pending.set(id, { done, reject, timer, answer: ANSWERS.get(message.type) });
      this.#send(text);
    }));
  }

  #open() {
    if (!this.#setLink({ state: "connecting" })) return;
    const started = this.#clock.now();
    let socket;
    try {
      socket = new this.#WebSocket(`${this.#url}?token=${encodeURIComponent(this.#token)}`);
      socket.binaryType = "arraybuffer";
    } catch {
      // The exception's text holds the address, and with it the token.
      return this.#lost(1006, "");
    }
    this.#socket = socket;
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(socket, data);
    socket.onclose = ({ code, reason }) => socket === this.#socket && this.#lost(code, reason);
    // A close follows, with its code; from some Nodes none does. To `ws` an error that nobody hears is an exception.
    socket.onerror = () => {
      if (socket !== this.#socket) return;
      this.#clock.clearTimeout(this.#watch);
      this.#watch = this.#clock.setTimeout(() => this.#lost(1006, ""), CLOSE_TIMEOUT);
    };
    const watch = () => {
      // Not by the silence alone: in a hidden page this comes once a minute, and till then nobody asked.
      const [since, most] = this.#established === null ? [started, CONNECT_TIMEOUT] : [this.#asked ?? Infinity, SILENCE_TIMEOUT];
      const now = this.#clock.now();
      if (now - since >= most) return this.#lost(1006, "");
      this.#watch = this.#clock.setTimeout(watch, WATCH_PERIOD);
      if (this.#established === null) return;
      this.#asked ??= now;
      this.#measured({ type: "ping" });
    };
    this.#watch = this.#clock.setTimeout(watch, WATCH_PERIOD);
  }

  #receive(socket, data) {
    this.#heard = this.#clock.now();
    this.#asked = null;
    const message = read(data, this.#outlines);
    if (message === null) return;
    const stream = STREAMS.get(message.type);
    // The bridge waits for the acknowledgement of what cannot be read too.
    if (!isKnown(message)) return this.#acknowledge(socket, stream, message.seq, []);

    if (message.type === "connection_established") this.#welcome(message);
    if (message.type === "authenticated") this.#expires = date(message.token_expires_at);
    this.#settle(message);
    if (stream !== undefined) this.#note(stream, message);
    if (socket !== this.#socket) return; // a callback went elsewhere
    const promises = this.#emit(message.type, message);
    this.#acknowledge(socket, stream, message.seq, promises);
  }

  #welcome({ token_expires_at, safety_zones }) {
    this.#expires = date(token_expires_at);
    this.#outlines = safety_zones;
    if (this.#established !== null) return;
    this.#established = this.#heard;
    const socket = this.#socket;
    for (const stream of this.#streams.keys()) this.#subscription("subscribe", stream);
    if (socket === this.#socket) this.#setLink({ state: "connected" });
  }

  /** Remembers how old the data were when they came; from then on they age by our clock. */
  #note(stream, { timestamp, stamp, seq }) {
    const now = this.#heard;
    const { times = [], received = 0 } = this.#newest.get(stream) ?? {};
    while (now - times[0] >= RATE_WINDOW || times.length >= MOST_TIMES) times.shift();
    times.push(now);
    const behind = date(timestamp) - date(stamp);
    // Null counts as 1970, and so do the stamps of a simulation: of those nobody knows how old they are.
    const age = (behind > 0 && behind < OTHER_CLOCK ? behind : 0) + (this.#roundTrip ?? 0) / 2;
    this.#newest.set(stream, { age, at: now, seq: Number.isSafeInteger(seq) ? seq : null, received: received + 1, times });
  }

  /** Once all is settled, or after a while; on the same connection or never. */
  #acknowledge(socket, stream, seq, promises) {
    if (!this.#streams.get(stream)?.max_in_flight || !Number.isSafeInteger(seq) || seq < 0) return;
    let waits = true;
    const act = () => {
      if (waits && socket === this.#socket) this.#send(JSON.stringify({ type: "ack", subscription_type: stream, seq }));
      waits = false;
    };
    if (promises.length === 0) return act();
    const timer = this.#clock.setTimeout(act, ACK_LATEST);
    Promise.all(promises).then(() => {
      this.#clock.clearTimeout(timer);
      act();
    });
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
    this.#asked = null;
    this.#roundTrip = null;
    try {
      socket?.close();
    } catch {
      // It has no say any more.
    }
    for (const id of [...this.#pending.keys()]) this.#reject(id, "link_lost", "The link was lost before the answer came");
  }

  /** Now or not at all. A socket that cannot send is as good as lost. */
  #send(text) {
    if (this.#socket?.readyState !== OPEN) return;
    try {
      this.#socket.send(text);
    } catch {
      this.#lost(1006, "");
    }
  }

  #settle(message) {
    const { type, request_id: id } = message;
    if (type === "error") return this.#reject(id, message.code, message.message);
    // An answer to something else answers nothing.
    if ((this.#pending.get(id)?.answer ?? type) === type) this.#forget(id)?.done(message);
  }

  #reject(id, code, message) {
    this.#forget(id)?.reject(new RequestError(code, message));
  }

  #forget(id) {
    const waiting = this.#pending.get(id);
    this.#pending.delete(id);
    this.#clock.clearTimeout(waiting?.timer);
    return waiting;
  }

  #subscription(type, stream) {
    const options = type === "subscribe" ? this.#streams.get(stream) : {};
    this.#measured({ type, subscription_type: stream, ...(Object.keys(options).length > 0 && { options }) });
  }

  /** What the bridge answers at once tells the round trip. A refusal comes as a message too; here nobody waits for it. */
  #measured(message) {
    const sent = this.#clock.now();
    this.#ask(message, {}, () => {
      this.#roundTrip = this.#clock.now() - sent;
      this.#emit("round_trip", this.#roundTrip);
    });
  }

  /** Whether it is still so after everybody was told. */
  #setLink(link) {
    this.#link = link;
    this.#emit("link", link, () => this.#link === link);
    return this.#link === link;
  }

  /** Tells those who listen, while `holds`. @returns what they promised; nothing of it rejects. */
  #emit(type, value, holds = () => true) {
    const promises = [];
    for (const callback of this.#listeners.get(type) ?? []) {
      if (!holds() || !this.#listeners.get(type).includes(callback)) continue;
      try {
        const result = callback(value);
        if (typeof result?.then === "function") promises.push(Promise.resolve(result).catch((error) => console.error(error)));
      } catch (error) {
        console.error(error);
      }
    }
    return promises;
  }
}

/** For who does not look at the answer: it is no unhandled rejection. Whoever does look sees it all the same. */
function quiet(promise) {
  promise.catch(() => {});
  return promise;
}

const CLOCK = {
  now: () => performance.now(),
  setTimeout: (act, delay) => setTimeout(act, delay),
  clearTimeout: (timer) => clearTimeout(timer),
};

const OPEN = 1; // WebSocket.OPEN
const IN_FLIGHT = 2; // one is shown while the next is on its way

// Milliseconds.
const CONNECT_TIMEOUT = 10_000;
const SILENCE_TIMEOUT = 5_000;
const CLOSE_TIMEOUT = 100;
const WATCH_PERIOD = 1_000;
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;
const LONGEST_TIMEOUT = 2 ** 31 - 1; // of setTimeout
const ACK_LATEST = 1_000;
const RATE_WINDOW = 2_000;
const OTHER_CLOCK = 365 * 86_400_000;

/** Of updates in that window; the bridge sends fewer. */
const MOST_TIMES = 200;

/** A connection that lasted this long counts as a success, and the attempts start anew. */
const STEADY = 10_000;
const ATTEMPTS = 5;
const JITTER = 0.3;
