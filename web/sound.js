// Short tones for who looks elsewhere: a lost link, a stop, and when all is well again.

import { recall, remember } from "./remember.js";

const TONES = {
  lost: [660, 440, 330], // Hz, one after the other
  stop: [880, 0, 880, 0, 880],
  attention: [587, 784],
  well: [523, 784],
};

let context = null;
let busy = 0; // until then, by the context's clock
let muted = recall("sound") === "off";

export const isMuted = () => muted;

export function play(name) {
  // One after the other would be late, several at once a noise.
  if (muted || context?.state !== "running" || context.currentTime < busy) return;
  let at = context.currentTime;
  for (const frequency of TONES[name]) {
    if (frequency > 0) tone(frequency, at);
    at += STEP;
  }
  busy = at;
}

/** Browsers let a page be heard once somebody has touched it. */
export function setUpSound(button, changed) {
  const wake = () => {
    if (muted || typeof AudioContext !== "function") return Promise.resolve();
    context ??= new AudioContext();
    return context.state === "running" ? Promise.resolve() : context.resume().catch(() => {});
  };
  for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, wake, { capture: true, passive: true });
  button.addEventListener("click", () => {
    muted = !muted;
    remember("sound", muted ? "off" : "on");
    wake().then(() => play("well"));
    changed();
  });
  changed();
}

function tone(frequency, at) {
  const source = context.createOscillator();
  const volume = context.createGain();
  source.frequency.value = frequency;
  source.connect(volume).connect(context.destination);
  // Without steps, which would crack.
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(LOUD, at + 0.02);
  volume.gain.setValueAtTime(LOUD, at + STEP - 0.03);
  volume.gain.linearRampToValueAtTime(0, at + STEP);
  source.start(at);
  source.stop(at + STEP);
}

const STEP = 0.14; // s
const LOUD = 0.25;
