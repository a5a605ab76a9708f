// The operator page in a real browser, on the real bridge and the simulated robot:
//
//     ./dev ros -- node --test-reporter=spec test/web/browser/suite.mjs
//
// with --test-name-pattern=... for some of it. CHROMIUM names another browser than the system's. Pictures, of what
// failed too, are kept in target/browser. One process, one test after the other: they share a browser and a robot.

import { after } from "node:test";

import { closeAll } from "./harness/world.mjs";

import "./tests/login.mjs";
import "./tests/driving.mjs";
import "./tests/control.mjs";
import "./tests/emergency-stop.mjs";
import "./tests/roles.mjs";
import "./tests/layout.mjs";
import "./tests/accessibility.mjs";
import "./tests/isolation.mjs";
import "./tests/busy-page.mjs";
// Last: after a bridge that was killed, nobody drives for a while.
import "./tests/link.mjs";

after(closeAll);
