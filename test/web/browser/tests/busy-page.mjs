import assert from "node:assert/strict";

import { scenario } from "../harness/scenario.mjs";

const OLDEST = 250; // ms, of a scan when it is drawn
const DRAWN = 100; // pictures, some 8 s
const BEFORE = 20; // pictures, until a browser that has just become busy is done with its own work
const TRIES = 3; // times that it may be measured
const BUSY = 70; // ms of work at each frame

/** In the page, before its own scripts: makes it busy, and notes how old the newest scan is at each picture of the map. */
function makeBusy({ busy, mapFirst }) {
  let newest = null; // ms since 1970, when the newest scan that was handed to the page was taken
  let work = false;
  const ages = [];
  const Native = window.Worker;
  window.Worker = class extends Native {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("message", ({ data: { what } }) => {
        if (what?.data instanceof ArrayBuffer) newest = Number(new DataView(what.data).getBigInt64(16, true)) / 1000;
      });
    }
  };
  let noted = 0;
  const { prototype } = CanvasRenderingContext2D;
  for (const name of ["clearRect", "fillRect", "drawImage", "putImageData"]) {
    const draw = prototype[name];
    prototype[name] = function (...parameters) {
      const frame = document.timeline.currentTime;
      if (newest !== null && work && frame !== noted && this.canvas.closest("#map")) {
        noted = frame;
        ages.push(Date.now() - newest);
      }
      return draw.apply(this, parameters);
    };
  }
  // What the page does at a frame, and the rest of the work: in the same order each time.
  const nextFrame = window.requestAnimationFrame.bind(window);
  const due = new Map();
  let last = 0;
  window.requestAnimationFrame = (callback) => (due.set(++last, callback), last);
  window.cancelAnimationFrame = (id) => due.delete(id);
  const draw = (now) => {
    const callbacks = [...due.values()];
    due.clear();
    for (const callback of callbacks) callback(now);
  };
  const toil = () => {
    const end = performance.now() + busy;
    while (work && performance.now() < end);
  };
  const frame = (now) => {
    for (const act of mapFirst ? [draw, toil] : [toil, draw]) act(now);
    nextFrame(frame);
  };
  nextFrame(frame);
  window.beBusy = () => (work = true);
  window.agesDrawn = ages;
}

for (const mapFirst of [true, false]) {
  const order = mapFirst ? "after the map is drawn" : "before the map is drawn";
  scenario(`a page that is busy for ${BUSY} ms of every frame, ${order}, draws no scan older than ${OLDEST} ms`, async ({ come }) => {
    const person = await come({ script: { content: `(${makeBusy})(${JSON.stringify({ busy: BUSY, mapFirst })})` } });
    await person.logIn();
    await person.reads("#scan-facts", /\d/);
    await person.said.find(({ type, subscription_type }) => type === "ack" && subscription_type === "lidar", "a scan is acknowledged");
    await person.page.evaluate(() => window.beBusy());
    const draws = async (count) => {
      await person.page.evaluate(() => void (window.agesDrawn.length = 0));
      await person.page.waitForFunction((drawn) => window.agesDrawn.length >= drawn, count);
      return person.page.evaluate(() => window.agesDrawn.map(Math.round));
    };
    await draws(BEFORE);
    const measured = [];
    // A queue that grows or stands shows every time; what else this machine does at the moment does not.
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const ages = await draws(DRAWN);
      if (Math.max(...ages) <= OLDEST) return;
      measured.push(ages.join(" "));
    }
    assert.fail(`the ages of the scans that were drawn, in ms:\n${measured.join("\n")}`);
  });
}
