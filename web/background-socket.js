// A WebSocket whose network side lives in a worker, for pages that are busy: `new Oht50Client(url, { WebSocket: BackgroundSocket })`.
//
// Chromium hands a page's own sockets on in two steps, each of which waits for the page: where every frame has its work, what came
// during one frame is told after the next. From a worker it is one step.

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

export class BackgroundSocket {
  // Binary messages come as an ArrayBuffer, always.
  binaryType = "arraybuffer";
  onopen = null;
  onmessage = null;
  onerror = null;
  onclose = null;
  #readyState = CONNECTING;
  #id;

  /** Where there are no workers it is a plain WebSocket. */
  constructor(url) {
    worker ??= start();
    if (!worker) return new WebSocket(url);
    this.#id = ++last;
    sockets.set(this.#id, this);
    worker.postMessage({ id: this.#id, url: new URL(url).href });
  }

  get readyState() {
    return this.#readyState;
  }

  /** Like that of a WebSocket: an exception before it is open, nothing once it closes. */
  send(text) {
    if (this.#readyState === CONNECTING) throw new DOMException("", "InvalidStateError");
    if (this.#readyState === OPEN) worker.postMessage({ id: this.#id, text });
  }

  close() {
    if (this.#readyState >= CLOSING) return;
    this.#readyState = CLOSING;
    worker.postMessage({ id: this.#id, close: true });
  }

  /** What the worker says of this socket. */
  static tell({ id, type, what }) {
    const socket = sockets.get(id);
    if (!socket) return;
    if (type === "open" && socket.#readyState === CONNECTING) socket.#readyState = OPEN;
    if (type === "message" && socket.#readyState !== OPEN) return;
    if (type === "close") {
      socket.#readyState = CLOSED;
      sockets.delete(id);
    }
    socket[`on${type}`]?.(what);
  }
}

const sockets = new Map();
let last = 0;
let worker = null; // false: there are none here

/** One for all sockets, and for good: who has lost the link could not fetch it again. */
function start() {
  if (typeof Worker !== "function") return false;
  let started;
  try {
    started = new Worker(new URL("background-socket-worker.js", import.meta.url));
  } catch {
    return false;
  }
  started.onmessage = ({ data }) => BackgroundSocket.tell(data);
  // Its file did not come, or may not run.
  started.onerror = () => {
    started.terminate();
    worker = false;
    for (const id of [...sockets.keys()]) {
      BackgroundSocket.tell({ id, type: "error", what: {} });
      BackgroundSocket.tell({ id, type: "close", what: { code: 1006, reason: "" } });
    }
  };
  return started;
}
