// The client with a real WebSocket, against a small RFC 6455 server that does not behave.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { load } from "./fakes.mjs";
import { lidarFrame } from "./client-frame.mjs";

const { Oht50Client } = await load("oht50-client.js");
const FLAG = "--experimental-websocket";

if (globalThis.WebSocket) {
  test("a real socket to a hostile server: frames, torn links, refusals, and an end", { timeout: 30_000 }, hostile);
  test("a port that nobody listens to is tried six times, and a person is asked", { timeout: 30_000 }, nobody);
} else if (process.allowedNodeEnvironmentFlags.has(FLAG)) {
  test(`a real socket, in a Node of its own with ${FLAG}`, { timeout: 60_000 }, async () => {
    const { NODE_TEST_CONTEXT, ...env } = process.env;
    const child = spawn(process.execPath, [FLAG, "--no-warnings", fileURLToPath(import.meta.url)], { env });
    const said = [];
    for (const output of [child.stdout, child.stderr]) output.on("data", (data) => said.push(data));
    const [code] = await once(child, "close");
    assert.equal(code, 0, said.join(""));
  });
} else {
  test("a real socket", { skip: `SKIPPED: Node ${process.version} has no WebSocket` }, () => {});
}

/** Ten times as fast as the real one. */
const CLOCK = {
  now: () => performance.now() * 10,
  setTimeout: (act, delay) => setTimeout(act, delay / 10),
  clearTimeout: (timer) => clearTimeout(timer),
};

async function hostile() {
  const heard = []; // by connection
  const sockets = new Set();
  const behaviours = [talk, (request, socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"), () => {}, lie, tooSlow, expired];
  const server = createServer().listen(0, "127.0.0.1");
  server.on("upgrade", (request, socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    heard.push([]);
    behaviours[heard.length - 1](request, socket);
  });
  await once(server, "listening");

  const client = new Oht50Client(`ws://127.0.0.1:${server.address().port}/ws`, { WebSocket, clock: CLOCK });
  const states = [];
  const updates = [];
  client.subscribe("telemetry");
  client.subscribe("lidar", { encoding: "binary" });
  client.on("telemetry_update", async ({ seq }) => updates.push(["telemetry", seq]));
  client.on("lidar_update", ({ seq, data }) => updates.push(["lidar", seq, data.scan_data.points]));
  const ended = new Promise((resolve) => {
    client.on("link", (link) => {
      states.push(link.state);
      if (link.state === "waiting") client.drive(0.3, 0);
      if (link.state === "ended") resolve(link);
    });
  });
  client.connect("to ken");
  const link = await ended;
  const stopped = await client.stop().catch(({ code }) => code);
  for (const socket of sockets) socket.destroy();
  server.close();

  assert.deepEqual(link, { state: "ended", code: 4001, text: "Token expired" });
  assert.equal(stopped, "not_connected");
  assert.deepEqual(updates, [["telemetry", 1], ["lidar", 2, [[1, 0]]], ["telemetry", 3]]);
  assert.equal(heard.length, behaviours.length);
  const [first, , , , fifth] = heard;
  const subscribed = ({ type, subscription_type, options }) => type === "subscribe" && [subscription_type, options];
  const wanted = [["telemetry", { max_in_flight: 2 }], ["lidar", { encoding: "binary", max_in_flight: 2 }]];
  assert.deepEqual(first.map(subscribed).filter(Boolean), wanted);
  assert.deepEqual(fifth.map(subscribed).filter(Boolean), wanted);
  const acks = first.filter(({ type }) => type === "ack").map(({ seq }) => seq);
  assert.deepEqual(acks.sort(), [1, 2, 3, 5, 9], "also of those that cannot be read");
  assert.deepEqual(heard.flat().filter(({ type }) => type === "robot_control"), [], "no motion is ever sent again");
  assert.equal(states.filter((state) => state === "connected").length, 3);

  /** Good and bad messages; once they are acknowledged the link is torn in the middle of a frame. */
  function talk(request, socket) {
    assert.equal(request.url, "/ws?token=to%20ken");
    accept(request, socket);
    const mine = heard.at(-1);
    const update = (seq) => JSON.stringify({ type: "telemetry_update", seq, data: {} });
    read(socket, (message) => {
      mine.push(message);
      if (mine.filter(({ type }) => type === "ack").length === 5) {
        socket.write(frame(1, update(4)).subarray(0, 9));
        socket.destroySoon();
      }
    });
    for (const [opcode, data] of [
      [1, "{"], [1, "null"], [1, '{"type":"pong","request_id":{"toString":1}}'], [2, new Uint8Array(300)],
      [1, `{"type":"error","code":"internal","message":${"[".repeat(50_000)}${"]".repeat(50_000)}}`],
      [1, '{"__proto__":{"polluted":true},"type":"telemetry_update","seq":5}'],
      [1, update(1)], [9, "ping"], [2, new Uint8Array(lidarFrame({ seq: 2, ranges: [1000] }))],
      [2, new Uint8Array(lidarFrame({ seq: 9, beams: 500 }))], [2, new Uint8Array(0)], [1, update(3)],
    ]) socket.write(frame(opcode, data));
  }

  function lie(request, socket) {
    accept(request, socket, "not the answer to this key");
  }

  function tooSlow(request, socket) {
    accept(request, socket);
    const mine = heard.at(-1);
    read(socket, (message) => {
      mine.push(message);
      if (mine.length === 2) socket.end(frame(8, close(4011, "Too slow")));
    });
  }

  function expired(request, socket) {
    accept(request, socket);
    socket.end(frame(8, close(4001, "Token expired")));
  }
}

async function nobody() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  let made = 0;
  class Counted extends WebSocket {
    constructor(url) {
      super(url);
      made += 1;
    }
  }
  const client = new Oht50Client(`ws://127.0.0.1:${port}/ws`, { WebSocket: Counted, clock: CLOCK });
  client.connect("token");
  await new Promise((resolve) => client.on("link", ({ state }) => state === "ended" && resolve()));
  assert.equal(made, 6);
}

function accept(request, socket, answer) {
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const right = createHash("sha1").update(key).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${answer ?? right}\r\n\r\n`);
  if (!answer) socket.write(frame(1, JSON.stringify({ type: "connection_established", user_id: 7, username: "lan" })));
}

/** An unmasked frame, as servers send them. */
function frame(opcode, data) {
  const payload = Buffer.from(data);
  const long = payload.length > 65_535;
  const head = Buffer.alloc(long ? 10 : payload.length > 125 ? 4 : 2);
  head[0] = 0x80 | opcode;
  head[1] = long ? 127 : payload.length > 125 ? 126 : payload.length;
  if (long) head.writeBigUInt64BE(BigInt(payload.length), 2);
  else if (payload.length > 125) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

function close(code, reason) {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}

/** Reads a client's masked frames; tells its messages and answers its JSON pings. */
function read(socket, tell) {
  let buffer = Buffer.alloc(0);
  socket.on("data", (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (;;) {
      if (buffer.length < 2) return;
      const short = buffer[1] & 127;
      const start = short === 126 ? 4 : 2; // the client's messages are small
      const length = short === 126 ? buffer.length >= 4 && buffer.readUInt16BE(2) : short;
      if (length === false || buffer.length < start + 4 + length) return;
      const mask = buffer.subarray(start, start + 4);
      const payload = buffer.subarray(start + 4, start + 4 + length).map((byte, at) => byte ^ mask[at % 4]);
      const opcode = buffer[0] & 15;
      buffer = buffer.subarray(start + 4 + length);
      if (opcode !== 1) continue;
      const message = JSON.parse(Buffer.from(payload).toString());
      if (message.type === "ping") socket.write(frame(1, JSON.stringify({ type: "pong", request_id: message.request_id })));
      else tell(message);
    }
  });
}
