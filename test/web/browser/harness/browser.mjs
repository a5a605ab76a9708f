// One browser for all tests. Each person in a test has a context of their own: nothing is shared between two.

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { TARGET } from "./programs.mjs";

const ARTEFACTS = join(TARGET, "browser");
rmSync(ARTEFACTS, { recursive: true, force: true });
mkdirSync(ARTEFACTS, { recursive: true });

/** Where a picture with this name is kept. */
export const artefact = (name) => join(ARTEFACTS, `${name.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 80)}.png`);

export function launch() {
  const executable = process.env.CHROMIUM || ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
  if (!executable) throw new Error("no Chromium: install it, or name one with CHROMIUM=...");
  // The libraries of ROS are not the browser's, and the tokens' secret is none of its business.
  const kept = ["PATH", "HOME", "LANG", "TMPDIR", "USER"];
  return chromium.launch({
    executablePath: fileURLToPath(new URL("chromium", import.meta.url)),
    // The sandbox needs what containers forbid. Only pages of the bridge under test are opened.
    args: ["--no-sandbox"],
    env: {
      ...Object.fromEntries(kept.filter((name) => process.env[name]).map((name) => [name, process.env[name]])),
      CHROMIUM: executable,
    },
  });
}
