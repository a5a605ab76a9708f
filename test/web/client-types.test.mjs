// oht50-client.d.ts, as a compiler sees it, and held to the code and the protocol.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import * as fakes from "./fakes.mjs";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const compiler = path("browser/node_modules/typescript/bin/tsc");
const skip = existsSync(compiler) ? false : "SKIPPED: TypeScript is not installed in test/web/browser";
const types = await readFile(path("../../web/oht50-client.d.ts"), "utf8");

test("programs in TypeScript compile, and mistakes do not", { skip, timeout: 120_000 }, () => {
  for (const options of [["--module", "esnext", "--moduleResolution", "bundler"], ["--module", "nodenext", "--exactOptionalPropertyTypes"]]) {
    const said = spawnSync(process.execPath, [compiler, "--noEmit", "--strict", "--target", "es2022", ...options, path("types.ts")], { encoding: "utf8" });
    assert.equal(said.status, 0, said.stdout + said.stderr);
  }
});

test("every public name of the client is declared, and nothing else", async () => {
  const module = await fakes.load("oht50-client.js");
  for (const name of Object.keys(module)) assert.match(types, new RegExp(`^export (class|const|function) ${name}\\b`, "m"), name);
  const declared = types.slice(types.indexOf("export class Oht50Client")).matchAll(/^ {2}(?:readonly )?(\w+)[<(:]/gm);
  const names = new Set([...declared].map(([, name]) => name));
  assert.deepEqual([...names].sort(), Object.getOwnPropertyNames(module.Oht50Client.prototype).sort());
});

test("every message, event, code and reason of the protocol is declared", async () => {
  const folder = new URL("../golden/server/", import.meta.url);
  for (const file of await readdir(folder)) {
    const { type, event, code } = JSON.parse(await readFile(new URL(file, folder), "utf8"));
    for (const name of [type, event, code]) if (name !== undefined) assert.ok(types.includes(`"${name}"`), `${file}: ${name}`);
  }
  const protocol = await readFile(path("../../docs/PROTOCOL.md"), "utf8");
  const codes = protocol.slice(protocol.indexOf("All codes, of `error`"), protocol.indexOf("## Closing"));
  const reasons = protocol.slice(protocol.indexOf("Reasons, in `safety`"), protocol.indexOf("## Events"));
  const rows = [...(codes + reasons).matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  assert.ok(rows.length > 50, String(rows.length));
  for (const name of rows) assert.ok(types.includes(`"${name}"`), name);
});
