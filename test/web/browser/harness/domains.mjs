// ROS domains that nobody else on this machine uses: parallel runs must never meet. The locks are those of the tests
// in test/e2e/domains.py, so that both may run side by side.

import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [FIRST, LAST] = [1, 101]; // above, the ports of a domain reach into those that the system hands out
const PARTICIPANTS = 8; // of these in a domain, the first one takes a port

const folder = join(tmpdir(), `oht50-e2e-domains-${process.getuid()}`);
const count = LAST - FIRST + 1;
let tried = 0;

/** A domain of one's own until `free` is called, or this process ends. */
export async function claimDomain() {
  mkdirSync(folder, { recursive: true });
  while (tried < count) {
    const id = FIRST + ((process.pid + tried++) % count);
    const free = await lock(join(folder, String(id)));
    if (!free) continue;
    if (await isQuiet(id)) return { id, free };
    await free();
  }
  throw new Error("every ROS domain of this machine is in use");
}

/** Node has no flock of its own. `cat` holds the lock and ends with its standard input, whatever becomes of this process. */
async function lock(file) {
  const holder = spawn("flock", ["--nonblock", file, "cat"], { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(holder, "close");
  holder.stdin.on("error", () => {}); // it is gone: the lock was refused
  holder.stdin.write("locked\n");
  const [answer] = await Promise.race([once(holder.stdout, "data"), closed]);
  if (!Buffer.isBuffer(answer)) return null;
  return async () => {
    holder.stdin.end();
    await closed;
  };
}

async function isQuiet(domain) {
  for (let participant = 0; participant < PARTICIPANTS; participant++) {
    if (await isTaken(domain, participant)) return false;
  }
  return true;
}

/** Whether the port is bound at which this participant of the domain is discovered (RTPS 2.5, section 9.6.2). */
function isTaken(domain, participant) {
  return new Promise((resolve) => {
    const probe = createSocket("udp4");
    probe.once("error", () => probe.close(() => resolve(true)));
    probe.bind({ port: 7400 + 250 * domain + 10 + 2 * participant, exclusive: true }, () => probe.close(() => resolve(false)));
  });
}
