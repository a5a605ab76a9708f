// The socket in a worker: the worker's own file runs here, in a context of its own.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { createContext, runInContext } from "node:vm";

const source = await readFile(new URL("../../web/background-socket-worker.js", import.meta.url), "utf8");

let loads = 0;
const fresh = async () => (await import(new URL(`../../web/background-socket.js?${++loads}`, import.meta.url))).BackgroundSocket;

class Plain {
  static all = [];
  sent = [];
  closed = false;
  constructor(url) {
    if (url.startsWith("gopher:")) throw new SyntaxError("no such scheme");
    this.url = url;
    Plain.all.push(this);
  }
  send(text) {
    this.sent.push(text);
  }
  close() {
    this.closed = true;
  }
}

/** A worker that runs the file at once, or fails to. */
class FakeWorker {
  static all = [];
  static fails = false;
  terminated = false;
  constructor(url) {
    if (FakeWorker.fails === "at once") throw new DOMException("", "SecurityError");
    assert.match(String(url), /web\/background-socket-worker\.js$/);
    FakeWorker.all.push(this);
    const self = { postMessage: (data, transferred) => this.onmessage({ data: structuredClone(data, { transfer: transferred }) }) };
    this.inside = self;
    runInContext(source, createContext({ self, WebSocket: Plain, ArrayBuffer }));
  }
  postMessage(data) {
    if (!FakeWorker.fails) this.inside.onmessage({ data: structuredClone(data) });
  }
  terminate() {
    this.terminated = true;
  }
}

function heardBy(socket) {
  const heard = [];
  socket.onopen = () => heard.push("open");
  socket.onmessage = ({ data }) => heard.push(data);
  socket.onerror = () => heard.push("error");
  socket.onclose = ({ code, reason }) => heard.push([code, reason]);
  return heard;
}

function withWorkers(fails, body) {
  return async () => {
    const before = { Worker: globalThis.Worker, WebSocket: globalThis.WebSocket };
    Object.assign(globalThis, { Worker: fails === "none here" ? undefined : FakeWorker, WebSocket: Plain });
    Object.assign(FakeWorker, { all: [], fails });
    Plain.all = [];
    try {
      await body(await fresh());
    } finally {
      Object.assign(globalThis, before);
    }
  };
}

test("text and bytes go both ways, in their order, and a close has its code", withWorkers(false, (BackgroundSocket) => {
  const socket = new BackgroundSocket("ws://robot/ws?token=a");
  const heard = heardBy(socket);
  const [inside] = Plain.all;
  assert.equal(inside.url, "ws://robot/ws?token=a");
  assert.equal(inside.binaryType, "arraybuffer");
  assert.equal(socket.readyState, 0);
  assert.throws(() => socket.send("too early"), { name: "InvalidStateError" });
  inside.onopen();
  assert.equal(socket.readyState, 1);
  socket.send("one");
  socket.send("two");
  assert.deepEqual(inside.sent, ["one", "two"]);
  inside.onmessage({ data: "text" });
  inside.onmessage({ data: new Uint8Array([1, 2]).buffer });
  inside.onclose({ code: 4001, reason: "Token expired" });
  assert.deepEqual(heard, ["open", "text", new Uint8Array([1, 2]).buffer, [4001, "Token expired"]]);
  assert.equal(socket.readyState, 3);
  socket.send("too late");
  assert.deepEqual(inside.sent, ["one", "two"]);
}));

test("sockets share one worker and hear nothing of each other", withWorkers(false, (BackgroundSocket) => {
  const sockets = [1, 2].map((n) => new BackgroundSocket(`ws://robot/${n}`));
  const heard = sockets.map(heardBy);
  assert.equal(FakeWorker.all.length, 1);
  for (const inside of Plain.all) inside.onopen();
  Plain.all[1].onmessage({ data: "for the second" });
  sockets[0].close();
  assert.deepEqual(Plain.all.map(({ closed }) => closed), [true, false]);
  assert.deepEqual(heard, [["open"], ["open", "for the second"]]);
}));

test("what comes after close() is not told, but its end is", withWorkers(false, (BackgroundSocket) => {
  const socket = new BackgroundSocket("ws://robot/ws");
  const heard = heardBy(socket);
  const [inside] = Plain.all;
  inside.onopen();
  socket.close();
  assert.equal(socket.readyState, 2);
  socket.send("too late");
  inside.onmessage({ data: "late" });
  inside.onerror();
  inside.onclose({ code: 1000, reason: "" });
  assert.deepEqual(heard, ["open", "error", [1000, ""]]);
  assert.deepEqual(inside.sent, []);
}));

test("an address that no socket takes ends as a lost link", withWorkers(false, (BackgroundSocket) => {
  assert.throws(() => new BackgroundSocket("nonsense"), TypeError);
  const sockets = [];
  const { postMessage } = FakeWorker.prototype;
  // Told a moment later, as by a real worker.
  FakeWorker.prototype.postMessage = function (data) {
    sockets.push(() => postMessage.call(this, data));
  };
  try {
    const heard = heardBy(new BackgroundSocket("gopher://robot/ws"));
    for (const act of sockets) act();
    assert.deepEqual(heard, ["error", [1006, ""]]);
  } finally {
    FakeWorker.prototype.postMessage = postMessage;
  }
}));

test("a worker whose file does not come ends its sockets, and the next is a plain one", withWorkers("later", (BackgroundSocket) => {
  const heard = heardBy(new BackgroundSocket("ws://robot/ws"));
  assert.deepEqual(Plain.all, []);
  FakeWorker.all[0].onerror({});
  assert.deepEqual(heard, ["error", [1006, ""]]);
  assert.ok(FakeWorker.all[0].terminated);
  assert.ok(new BackgroundSocket("ws://robot/ws") instanceof Plain);
}));

for (const fails of ["at once", "none here"]) {
  test(`workers that fail ${fails}: it is a plain socket`, withWorkers(fails, (BackgroundSocket) => {
    assert.ok(new BackgroundSocket("ws://robot/ws") instanceof Plain);
  }));
}
