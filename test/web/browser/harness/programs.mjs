// The real executables as processes: started, waited for by their log, ended by their process id.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { SECRET, issued } from "./token.mjs";
import { PATIENCE, Told } from "./waiting.mjs";

export const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

/** As cargo builds it; OHT50_TARGET_DIR and CARGO_TARGET_DIR say where. */
export const TARGET = process.env.OHT50_TARGET_DIR || process.env.CARGO_TARGET_DIR || join(ROOT, "target");

const CONFIG = join(ROOT, "config");
const running = new Set();

// However this process ends, no robot is left driving.
process.on("exit", () => {
  for (const program of running) program.signal("SIGKILL");
});
for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]]) {
  process.on(signal, () => process.exit(128 + number));
}

/** A process with its log. */
class Program {
  lines = new Told();

  constructor(name, domain, files, secret = {}) {
    this.name = name;
    const executable = join(TARGET, "debug", name);
    assert.ok(existsSync(executable), `${executable} is missing: ./dev build`);
    const environment = Object.entries(process.env).filter(([key]) => !key.startsWith("OHT50_JWT_SECRET"));
    this.process = spawn(
      // Ends with its parent, even with one that was killed.
      "setpriv",
      ["--pdeathsig", "TERM", executable, "--ros-args", ...files.flatMap((file) => ["--params-file", file])],
      {
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          ...Object.fromEntries(environment), ...secret, NO_COLOR: "1",
          ROS_DOMAIN_ID: String(domain), ROS_AUTOMATIC_DISCOVERY_RANGE: "LOCALHOST",
        },
      },
    );
    running.add(this);
    this.closed = once(this.process, "close").then(([code, signal]) => {
      running.delete(this);
      this.lines.add(null);
      return signal ?? code;
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      createInterface({ input: stream }).on("line", (line) => this.lines.add(line));
    }
  }

  get log() {
    return this.lines.all.filter((line) => line !== null).join("\n");
  }

  /** The match of the first line like this; fails if the process ends without it. */
  async line(pattern) {
    const line = await this.lines.find((line) => line === null || pattern.test(line), `${this.name} says ${pattern}`);
    assert.ok(line, `${this.name} never said ${pattern}; it said:\n${this.log}`);
    return pattern.exec(line);
  }

  signal(signal) {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal);
  }

  /** At once, as by a fault. */
  async kill() {
    this.signal("SIGKILL");
    await this.closed;
  }

  /** Orderly, and without a fault; what does not end is killed, and said so. */
  async end() {
    if (!running.has(this)) return;
    this.signal("SIGTERM");
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE, "late")));
    const code = await Promise.race([this.closed, late]);
    clearTimeout(timer);
    if (code === "late") await this.kill();
    assert.equal(code, 0, `${this.name} ended with ${code}; it said:\n${this.log}`);
  }
}

/** `oht50_sim`; ready once it simulates. */
export class Simulator extends Program {
  constructor(directory, domain) {
    super("oht50_sim", domain, [join(CONFIG, "sim.yaml"), parameters(directory, { people: 0 })]);
    this.ready = this.line(/simulating/);
  }
}

/** `oht50_bridge`; ready once it listens. */
export class Bridge extends Program {
  constructor(directory, domain, port = 0) {
    const own = { port, state_directory: join(directory, "state"), lidar_node: "oht50_sim" };
    super("oht50_bridge", domain, [join(CONFIG, "bridge.yaml"), parameters(directory, own)], { OHT50_JWT_SECRET: SECRET });
    this.directory = directory;
    this.ready = this.line(/listening on ws:\/\/127\.0\.0\.1:(\d+)\/ws/).then(([, port]) => (this.port = Number(port)));
  }

  async end() {
    try {
      await super.end();
    } finally {
      this.assertNoLeak();
    }
  }

  /** Nobody's token, and not the secret, is told in the log or the audit log. */
  assertNoLeak() {
    const state = join(this.directory, "state");
    const audits = readdirSync(state).filter((name) => /^audit.*\.jsonl$/.test(name));
    const said = [this.log, ...audits.map((name) => readFileSync(join(state, name), "utf8"))].join("\n");
    assert.ok([SECRET, ...issued].every((text) => !said.includes(text)), "a log holds a token or the secret");
  }
}

/** A file for `--params-file`, valid for every node. */
function parameters(directory, values) {
  const file = join(mkdtempSync(join(directory, "parameters-")), "parameters.yaml");
  const lines = Object.entries(values).map(([name, value]) => `    ${name}: ${JSON.stringify(value)}`);
  writeFileSync(file, ["/**:", "  ros__parameters:", ...lines, ""].join("\n"));
  return file;
}
