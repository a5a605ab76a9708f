// The page: what the robot says is shown with its age, what the operator does is sent at once or not at all.

import { HoldToRun } from "./hold-to-run.js";
import { ScanMap } from "./map.js";
import { Oht50Client } from "./oht50-client.js";

const $ = (id) => document.getElementById(id);
const now = () => performance.now();
const client = new Oht50Client(new URL("ws", location.href.replace(/^http/, "ws").replace(/[?#].*/, "")).href);
const map = new ScanMap($("map").querySelector("canvas"));

let welcome = null;
let telemetry = null; // {data, at}; `at` is when it came
let status = null; // {data, at}
let scan = null; // {quality, count, nearest, at}
let odometry = { stamp: null, at: 0 };
let roundTrip = null;

// Logging in. The token leaves the address bar before anything else happens.

function tokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

function logIn(token) {
  sessionStorage.setItem(TOKEN, token);
  show("login", false);
  client.connect(token);
}

function logOut(why = "") {
  sessionStorage.removeItem(TOKEN);
  client.close();
  [welcome, telemetry, status, scan] = [null, null, null, null];
  map.show({ scan_data: { points: [] } });
  $("events").querySelector("ol").replaceChildren();
  for (const id of ["panel", "logout", "latched", "ended"]) show(id, false);
  $("confirm").close();
  for (const id of ["who", "robot", "answer", "said"]) $(id).textContent = "";
  $("login-error").textContent = why;
  show("login", true);
  $("token").focus();
}

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = $("token").value.trim().replace(/^Bearer\s+/i, "");
  $("token").value = "";
  if (token) logIn(token);
});
$("logout").addEventListener("click", () => logOut());
$("reconnect").addEventListener("click", () => client.reconnect());
addEventListener("hashchange", () => {
  const token = tokenFromAddress();
  if (token) logIn(token);
});

// What the bridge says.

client.on("link", (link) => {
  show("ended", link.state === "ended" && link.code !== 4001);
  if (link.state !== "connected") roundTrip = null;
  if (link.state !== "ended") return refresh();
  $("ended").firstElementChild.textContent = `Disconnected: ${link.text}.`;
  if (link.code === 4001) logOut(`${link.text}. Paste a new one.`);
  refresh();
});
client.on("round_trip", (milliseconds) => (roundTrip = milliseconds));

client.on("connection_established", (message) => {
  welcome = message;
  show("panel", true);
  show("logout", true);
  $("robot").textContent = `robot ${message.robot_id ?? ""}`;
  $("who").textContent = `${message.username} · ${message.role ?? "role unknown"}`;
  show("controls", message.role !== "viewer");
  show("watching", message.role === "viewer");
  slider("linear", message.limits?.max_linear_speed, 0.2, "m/s");
  slider("angular", message.limits?.max_angular_speed, 0.4, "rad/s");
  refresh();
});

client.on("telemetry_update", ({ data, stamp }) => {
  telemetry = { data, at: now() };
  // Old odometry may come in a new message: its age counts from the first message that brought it.
  if (stamp !== odometry.stamp) odometry = { stamp, at: telemetry.at };
  const { position } = data;
  field("status", WORDS[data.status] ?? data.status ?? "–");
  field("speed", number(data.speed, 2, "m/s"));
  field("position", position ? `${number(position.x, 2)}, ${number(position.y, 2, "m")}` : "–");
  field("battery_level", number(data.battery_level, 0, "%"));
  field("temperature", number(data.temperature, 1, "°C"));
  $("telemetry").dataset.status = data.status;
});

client.on("robot_status_update", ({ data }) => {
  status = { data, at: now() };
  const { control, emergency_stop: latch, safety, lidar, docking } = data;
  field("control", control ? `${control.holder}${mine(control) ? " (you)" : ""}` : "nobody");
  field("emergency", latch?.active ? `active: ${cause(latch)}` : latch ? "not active" : "–");
  const why = [safety?.decision, safety?.reason].filter(Boolean).map(words).join(": ");
  field("safety", safety?.zone ? `${why} (${safety.zone})` : why);
  field("lidar", [words(lidar?.state), number(lidar?.frequency, 0, "Hz", ""), number(lidar?.range, 1, "m shown", "")].filter(Boolean).join(", "));
  field("docking", words(docking?.state));
  $("status").dataset.decision = safety?.decision;
  const since = latch?.since ? `, ${clockTime(latch.since)}` : "";
  $("latched-text").textContent = latch?.active ? `${cause(latch)}${since}` : "";
  show("latched", latch?.active === true);
  show("reset", welcome?.role !== "viewer");
  if (!latch?.active) $("confirm").close();
  refresh();
});

client.on("lidar_update", ({ data }) => {
  scan = { quality: data.scan_data.quality, ...map.show(data), at: now() };
});

client.on("event", ({ severity, message, timestamp }) => {
  const item = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = clockTime(timestamp);
  item.dataset.severity = severity;
  item.append(time, severity === "info" ? "" : `${severity}: `, message);
  const list = $("events").querySelector("ol");
  list.prepend(item);
  while (list.children.length > 20) list.lastChild.remove();
});

// Driving.

const hold = new HoldToRun(client, ({ text, bad, command }) => {
  if (text !== null) answer(text, bad);
  for (const button of $("pad").children) button.classList.toggle("held", button.dataset.command === command);
});

function press(command) {
  if (client.link.state !== "connected") return answer("Not connected: nothing was sent.", true);
  hold.press(command, () => Number($(command.startsWith("turn") ? "angular" : "linear").value));
}

for (const button of $("pad").children) {
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    button.focus();
    button.setPointerCapture(event.pointerId);
    press(button.dataset.command);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    button.addEventListener(end, () => letGo(button.dataset.command));
  }
  button.addEventListener("contextmenu", (event) => event.preventDefault());
}
$("pad").addEventListener("keydown", (event) => {
  const command = commandOf(event);
  if (!command) return;
  event.preventDefault();
  if (!event.repeat) press(command);
});
$("pad").addEventListener("keyup", (event) => letGo(commandOf(event)));
$("pad").addEventListener("focusout", (event) => $("pad").contains(event.relatedTarget) || hold.release());
for (const leave of ["blur", "pagehide"]) addEventListener(leave, () => hold.release());
document.addEventListener("visibilitychange", () => document.hidden && hold.release());

/** Of two buttons, the one pressed last counts. */
function letGo(command) {
  if (command && $("pad").querySelector(".held")?.dataset.command === command) hold.release();
}

function commandOf({ key, target }) {
  return KEYS[key] ?? (key === " " || key === "Enter" ? target.dataset.command : undefined);
}

for (const command of ["dock", "undock"]) {
  $(command).addEventListener("click", () => ask(command, undefined, 150_000, `Asked to ${command} …`));
}

async function ask(command, parameters, timeout, meanwhile) {
  answer(meanwhile, false);
  try {
    const { success, message } = await client.robot(command, parameters, { timeout });
    answer(message, !success);
  } catch ({ message }) {
    answer(message, true);
  }
}

// The stops. They act when touched, not when let go, and never wait for a dialog.

function urgent(id, command, name) {
  const send = async () => {
    hold.cancel();
    say(`${name}: sending …`, false);
    try {
      const { success, message } = await client.robot(command, undefined, { timeout: 1500 });
      say(success ? message : `${name}: ${message}`, !success);
    } catch ({ code }) {
      const fact = code === "not_connected" ? "NOT SENT, there is no link" : "NOT CONFIRMED, the bridge did not answer";
      say(`${name}: ${fact}. Use the emergency stop on the robot.`, true);
    }
  };
  $(id).addEventListener("pointerdown", send);
  // Without a pointer: keyboard, screen reader, switch.
  $(id).addEventListener("click", (event) => event.detail === 0 && send());
}
urgent("stop", "stop", "Stop");
urgent("emergency", "emergency_stop", "Emergency stop");

// Not modal: the stops stay within reach.
$("reset").addEventListener("click", () => {
  $("confirm").show();
  $("keep").focus();
});
$("confirm").addEventListener("keydown", ({ key }) => key === "Escape" && $("confirm").close());
$("confirm").addEventListener("close", () => $("reset").focus());
$("keep").addEventListener("click", () => $("confirm").close());
$("release").addEventListener("click", () => {
  $("confirm").close();
  say("", false);
  ask("reset_emergency_stop", { confirm: true }, 5000, "Asked to release the emergency stop …");
});

// Showing.

function refresh() {
  const { state, attempt } = client.link;
  const connected = state === "connected";
  const silent = connected && client.silence > STALE;
  $("link").dataset.state = silent ? "silent" : state;
  put($("link"), {
    offline: "Not connected",
    connecting: "Connecting …",
    connected: silent ? "The bridge is silent" : "Connected",
    waiting: `Link lost, trying again (${attempt} of 5)`,
    ended: "Disconnected",
  }[state]);
  put($("trip"), silent ? `for ${age(client.silence)}` : roundTrip === null ? "" : `${Math.round(roundTrip)} ms`);

  const old = telemetry ? now() - telemetry.at : NaN;
  const odom = telemetry ? now() - odometry.at : NaN;
  const source = (name) => (status?.data.sources?.[name] ?? NaN) * 1000 + now() - (status?.at ?? NaN);
  fieldAge("status", old, old > STALE);
  fieldAge("speed", odom, odom > STALE);
  fieldAge("position", odom, odom > STALE);
  // These come seldom; their own age is in the status.
  for (const [name, topic] of [["battery_level", "battery_state"], ["temperature", "temperature"]]) {
    fieldAge(name, Math.max(old, source(topic) || 0), old > STALE || source(topic) > STALE_SLOW);
  }

  const told = status ? now() - status.at : NaN;
  put($("status").querySelector("h2 .age"), ago(told));
  $("status").classList.toggle("stale", told > STALE_STATUS);

  const scanned = scan ? now() - scan.at : NaN;
  map.stale = scanned > STALE;
  $("map").classList.toggle("stale", !(scanned <= STALE));
  put($("scan-stale"), scanned <= STALE ? "" : scan ? `Old picture: the scan came ${ago(scanned)}` : "No scan yet");
  const nearest = scan?.count ? `nearest ${scan.nearest.toFixed(2)} m` : "no points";
  const quality = Number.isFinite(scan?.quality) ? number(scan.quality * 100, 0, "%") : "–";
  put($("scan-facts"), scan ? `quality ${quality} · ${nearest} · ${ago(scanned)}` : "");

  const other = connected && told < STALE_STATUS && status.data.control && !mine(status.data.control) ? status.data.control.holder : null;
  for (const button of $("controls").querySelectorAll("button")) button.disabled = !connected || silent || other !== null;
  put($("drive-hint"), !connected ? "Not connected." : silent ? "The bridge is silent." : other !== null ? `${other} is in control of the robot. Wait until it is free.` : HINT);
}
const HINT = $("drive-hint").textContent;
setInterval(refresh, 200);

function slider(id, limit, preset, unit) {
  const input = $(id);
  const max = Number.isFinite(limit) ? limit : preset;
  const fresh = !input.max;
  input.min = Math.min(input.min, max);
  input.max = max;
  if (fresh) input.value = Math.min(preset, max);
  input.oninput = () => (input.nextElementSibling.textContent = `${Number(input.value).toFixed(2)} ${unit}`);
  input.oninput();
}

let zoom = 2;
function setZoom(change) {
  zoom = Math.max(0, Math.min(RANGES.length - 1, zoom + change));
  map.range = RANGES[zoom];
  $("range").textContent = `${RANGES[zoom]} m`;
}
$("nearer").addEventListener("click", () => setZoom(-1));
$("farther").addEventListener("click", () => setZoom(1));

function answer(text, bad) {
  $("answer").textContent = text;
  $("answer").classList.toggle("refused", bad);
}

let forget;
function say(text, bad) {
  clearTimeout(forget);
  $("said").textContent = text;
  $("said").classList.toggle("refused", bad);
  if (!bad) forget = setTimeout(() => ($("said").textContent = ""), 6000);
}

/** Only what changes is written: a screen reader may read out every write. */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show(id, visible) {
  $(id).hidden = !visible;
}

function field(name, text) {
  put(document.querySelector(`[data-field="${name}"] dd`), String(text || "–"));
}

function fieldAge(name, milliseconds, stale) {
  const box = document.querySelector(`[data-field="${name}"]`);
  const known = box.querySelector("dd").textContent !== "–";
  put(box.querySelector(".age"), known ? ago(milliseconds) : "");
  box.classList.toggle("stale", stale);
}

const mine = ({ user_id }) => user_id === welcome?.user_id;
const cause = ({ reason, by, source }) => reason || [by, source].filter(Boolean).join(", ") || "no reason told";
const words = (name) => WORDS[name] ?? String(name ?? "–").replaceAll("_", " ").toLowerCase();
const clockTime = (stamp) => new Date(stamp).toLocaleTimeString([], { hour12: false });
const number = (value, digits, unit = "", none = "–") => (Number.isFinite(value) ? `${value.toFixed(digits)}${unit && " "}${unit}` : none);
const ago = (milliseconds) => (Number.isFinite(milliseconds) ? `${age(milliseconds)} ago` : "");

function age(milliseconds) {
  const seconds = milliseconds / 1000;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : seconds < 120 ? `${Math.floor(seconds)} s` : `${Math.floor(seconds / 60)} min`;
}

const WORDS = {
  IDLE: "Idle", MOVING: "Moving", DOCKING: "Docking", UNDOCKING: "Undocking", DOCKED: "Docked", CHARGING: "Charging",
  PAUSED: "Paused", ERROR: "Error", EMERGENCY_STOP: "Emergency stop", OFFLINE: "Offline",
  allow: "allowed", limit: "slower than asked", stop: "held",
  no_scan: "no scan ever came", scan_stale: "the scans ceased", wrong_frame: "the scans are of another frame",
  stamp_old: "the scans are too old", stamp_future: "the scans are ahead of the clock", few_hits: "the LiDAR sees hardly anything",
  blackout: "a part of the view went dark", frozen: "the LiDAR repeats itself", zone_blocked: "something is too near",
  not_covered: "the LiDAR does not see that way", no_odometry: "no fresh odometry", cmd_vel_shared: "another node drives too",
  scan_shared: "several LiDARs at once", zone_escape: "leaving slowly", stop_distance: "to stop in time",
  sight: "as far as the LiDAR sees", zone_warning: "something is near",
  drive_absent: "the drive does not answer", link_closed: "the driver's link was closed",
  link_silent: "the driver's link was silent", stopped: "a stop was sent", limited: "at the robot's limits",
  taken_over: "an administrator took control", released: "control was given back", unattended: "nobody watched a long motion",
  suspended: "the bridge had been suspended", shutting_down: "the bridge stops", finished: "the last motion is finished",
};
const KEYS = { ArrowUp: "move_forward", ArrowDown: "move_backward", ArrowLeft: "turn_left", ArrowRight: "turn_right" };
const RANGES = [2, 5, 10, 20]; // m
const TOKEN = "oht50-token";

// Milliseconds. The status comes once a second, the battery and the temperature seldom.
const STALE = 1_000;
const STALE_STATUS = 2_500;
const STALE_SLOW = 10_000;

for (const stream of ["telemetry", "lidar", "robot_status"]) client.subscribe(stream);
setZoom(0);
const token = tokenFromAddress() ?? sessionStorage.getItem(TOKEN);
if (token) logIn(token);
else logOut();
