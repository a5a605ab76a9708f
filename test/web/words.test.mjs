// The page's words: both languages have all of them, and the page uses none that is missing.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { afterEach, test } from "node:test";

import { load } from "./fakes.mjs";

const { WORDS } = await load("words.js");
const { choose, named, setLanguage, t } = await load("language.js");
const { age, clockTime, countdown, number } = await load("format.js");

setLanguage("en");
afterEach(() => setLanguage("en"));

const web = new URL("../../web/", import.meta.url);
const read = (name) => readFileSync(new URL(name, web), "utf8");
const scripts = readdirSync(web).filter((name) => name.endsWith(".js")).map((name) => [name, read(name)]);
const found = (text, pattern) => [...text.matchAll(pattern)].map(([, key]) => key);

test("every key has both languages, with the same places to fill in", () => {
  for (const [key, words] of Object.entries(WORDS)) {
    assert.deepEqual(Object.keys(words), ["en", "vi"], key);
    for (const text of Object.values(words)) assert.ok(typeof text === "string" && text.trim() === text && text !== "", key);
    const places = Object.values(words).map((text) => found(text, /\{(\w+)\}/g).sort().join());
    assert.equal(places[0], places[1], key);
    assert.equal(words.vi, words.vi.normalize("NFC"), key);
  }
});

test("every key of index.html is known, and the page says the English words until it knows better", () => {
  const html = read("index.html");
  const keys = found(html, /data-i18n(?:-label|-title)?="([^"]*)"/g);
  assert.ok(keys.length > 60, String(keys.length));
  for (const key of keys) assert.ok(Object.hasOwn(WORDS, key), key);
  for (const [, key, text] of html.matchAll(/data-i18n="([^"]*)"[^>]*>([^<]*)</g)) assert.ok(WORDS[key].en.startsWith(text.trim()), `${key}: ${text}`);
});

test("every key that a script asks for is known", () => {
  let asked = 0;
  for (const [name, text] of scripts) {
    for (const key of [...found(text, /\bt\("([^"]+)"/g), ...found(text, /\bkey: "([^"]+)"/g), ...found(text, /\bt\([^)"]*\? "([^"]+)"/g)]) {
      asked += 1;
      assert.ok(Object.hasOwn(WORDS, key), `${key} in ${name}`);
    }
  }
  assert.ok(asked > 50, String(asked));
});

test("the page's texts are all in the table: none stands in a script", () => {
  for (const [name, text] of scripts.filter(([name]) => !/^(words|language|oht50-client|messages|lidar-frame)\.js$/.test(name))) {
    const sentences = found(text.replace(/^\s*(\/\/|\/?\*).*$/gm, ""), /["`]([A-Z][a-z]+ [a-z]+[^"`]*)["`]/g);
    // What the client says itself, to tell it from what the bridge said.
    assert.deepEqual(sentences.filter((each) => each !== "The bridge cannot be reached"), [], name);
  }
});

/** The names in the first column of the table below a line. */
function names(heading) {
  const protocol = readFileSync(new URL("../../docs/PROTOCOL.md", import.meta.url), "utf8");
  const from = protocol.indexOf(heading);
  assert.notEqual(from, -1, heading);
  const table = protocol.slice(protocol.indexOf("\n|", from)).match(/^\n(\|.*\n)+/)[0];
  return found(table.slice(table.indexOf("|---")), /^\| `(\w+)`/gm);
}

test("every reason, status, role and state of the protocol has words", () => {
  const reasons = names("Reasons, in `safety` and in `motion_aborted`");
  assert.ok(reasons.length > 25);
  for (const [kind, all] of Object.entries({
    reason: reasons,
    status: names("`status`: where several hold"),
    role: ["viewer", "operator", "administrator"],
    decision: ["allow", "limit", "stop"],
    lidar: ["absent", "scanning", "stopped", "lost"],
    dock: ["unknown", "docking", "docked", "undocking", "undocked", "failed"],
    source: ["web", "service", "hardware", "bridge"],
    severity: ["info", "warning", "critical"],
    link: ["offline", "connecting", "connected", "waiting", "ended", "silent"],
  })) {
    for (const name of all) assert.ok(Object.hasOwn(WORDS, `${kind}_${name}`), `${kind}_${name}`);
  }
});

test("the language is the remembered one, else the browser's, else English", () => {
  assert.equal(choose("vi", "en-US"), "vi");
  assert.equal(choose(null, "vi-VN"), "vi");
  assert.equal(choose(null, "de-DE"), "en");
  assert.equal(choose("xx", undefined), "en");
});

test("words are filled in, names that are not known are shown as they are", () => {
  assert.equal(t("driver_other", { name: "{id} $&" }), "{id} $& drives");
  assert.equal(t("no_such_key"), "no_such_key");
  assert.equal(named("reason", "magnetic_storm"), "magnetic storm");
  assert.equal(named("reason", undefined), "–");
  setLanguage("vi");
  assert.equal(t("driver_you"), "Bạn đang lái");
});

test("numbers and ages are written as the language does", () => {
  const plain = (text) => text.replaceAll("\u00a0", " ");
  assert.equal(plain(number(0.2, 2, "m/s")), "0.20 m/s");
  assert.equal(number(NaN, 2, "m/s"), "–");
  assert.deepEqual([0, 9_940, 59_999, 150_000, 7_300_000].map(age).map(plain), ["0.0 s", "9.9 s", "59 s", "2 min", "2 h"]);
  assert.deepEqual([61_000, 500, -5].map(countdown), ["1:01", "0:01", "0:00"]);
  setLanguage("vi");
  assert.equal(plain(number(1234.5, 1, "m")), "1234,5 m");
});

test("a time of another day has its date before it", () => {
  const now = new Date(2026, 0, 28, 10, 29, 59);
  assert.equal(clockTime(new Date(2026, 0, 28, 0, 0, 1), now), "00:00:01");
  assert.equal(clockTime(new Date(2026, 0, 27, 23, 59, 58), now), "Jan 27, 23:59:58");
  setLanguage("vi");
  assert.match(clockTime(new Date(2026, 0, 27, 23, 59, 58), now), /^27 .*1, 23:59:58$/);
});
