// The page: what the robot says is shown with its age, what the operator does is sent at once or not at all.

import { keepAwake } from "./awake.js";
import { BackgroundSocket } from "./background-socket.js";
import { answer, blocked, refreshControl, setUpControl } from "./control.js";
import { $, now, put, show } from "./dom.js";
import { Drive } from "./drive.js";
import { addEvent, forgetEvents } from "./events.js";
import { ago, number } from "./format.js";
import { setUpInputs } from "./inputs.js";
import { isKnown, named, onLanguage, setUpLanguage, t } from "./language.js";
import { ScanMap } from "./map.js";
import { Oht50Client, TERMINAL } from "./oht50-client.js";
import { forgetReadings, recolourPlots, refreshReadings, renderReadings, takeTelemetry } from "./readings.js";
import { STALE, STALE_STATUS, driver, forget, isMine, isViewer, robot, since } from "./robot.js";
import { setUpSession } from "./session.js";
import { isMuted, play, setUpSound } from "./sound.js";
import { refreshLink, refreshStatus, renderStatus } from "./state.js";
import { say, setUpStops } from "./stops.js";
import { setUpTheme } from "./theme.js";
import { whyItStands, whySlow } from "./why.js";

const address = new URL("ws", location.href.replace(/^http/, "ws").replace(/[?#].*/, "")).href;
const client = new Oht50Client(address, { WebSocket: BackgroundSocket });
const map = new ScanMap($("map").querySelector("canvas"));

const connected = () => client.link.state === "connected";
const isSilent = () => connected() && client.silence > STALE;
const isUsable = () => connected() && !isSilent();

const session = setUpSession(client, () => {
  forget();
  forgetReadings();
  forgetEvents();
  map.clear();
  for (const id of ["panel", "logout", "latched", "ended", "expiring"]) show(id, false);
  for (const id of ["confirm", "takeover-question"]) $(id).close();
  for (const id of ["who", "robot", "answer", "said"]) $(id).textContent = "";
});

// Driving.

const speeds = () => ({ linear: Number($("linear").value), angular: Number($("angular").value) });
const drive = new Drive(client, speeds, ({ text, bad, directions, forced }) => {
  if (text !== null) answer(text, bad);
  for (const button of $("pad").children) button.classList.toggle("held", directions.includes(button.dataset.command));
  keepAwake(directions.length > 0);
  if (forced) disarm();
  if (bad) play("stop");
});
const disarm = setUpInputs($("pad"), drive, {
  mayDrive: () => robot.welcome !== null && !isViewer(),
  refused: () => {
    if (!blocked(isUsable())) return false;
    answer(t("nothing_sent"), true);
    return true;
  },
  gamepads: (count) => show("gamepad", count > 0),
});
setUpControl(client);
setUpStops(client, () => {
  drive.cancel();
  disarm();
});

// What the bridge says.

let wasConnected = false;
client.on("link", (link) => {
  if (link.state === "connected") {
    play("well");
    addEvent({ severity: "info", key: "event_connected" });
  } else if (wasConnected && link.state !== "offline") {
    play("lost");
    addEvent({ severity: "warning", key: "event_link_lost" });
  }
  if (link.state !== "connected") disarm();
  wasConnected = link.state === "connected";
  show("ended", link.state === "ended" && link.code !== 4001);
  if (link.state === "ended") {
    put($("ended").firstElementChild, t("disconnected", { why: closing(link) }));
    if (link.code === 4001) session.logOut(`${closing(link)}. ${t("paste_new")}`);
  }
  refresh();
});

client.on("connection_established", (message) => {
  robot.welcome = message;
  map.footprint = message.footprint;
  greet();
  slider("linear", message.limits?.max_linear_speed, 0.2, "m/s");
  slider("angular", message.limits?.max_angular_speed, 0.4, "rad/s");
  refresh();
});
client.on("authenticated", ({ role }) => {
  Object.assign(robot.welcome, role && { role });
  answer(t("session_extended"), false);
  greet();
});

client.on("telemetry_update", (message) => {
  takeTelemetry(message);
  const { position, yaw } = message.data;
  map.pose = position && Number.isFinite(yaw) ? { x: position.x, y: position.y, yaw } : null;
});
client.on("robot_status_update", ({ data }) => {
  robot.status = { data, at: now() };
  renderStatus();
  refresh();
});
client.on("lidar_update", ({ data }) => {
  const { drawn, ...facts } = map.show(data);
  robot.scan = { quality: data.scan_data.quality, ...facts, at: now() };
  return drawn; // the next ones may come
});
client.on("event", ({ event, severity, message, data, timestamp }) => {
  const bySelf = event === "motion_aborted" && data?.reason === "stopped" && drive.stoppedJustNow;
  addEvent({ severity: bySelf ? "info" : severity, text: message, at: timestamp });
  if (event === "emergency_stop_engaged" || (event === "motion_aborted" && !bySelf)) {
    play("stop");
    disarm();
  }
  if (event === "token_expiring") play("attention");
});

// Showing.

function greet() {
  show("panel", true);
  show("logout", true);
  const { robot_id, username, role } = robot.welcome;
  put($("robot"), t("robot", { id: robot_id ?? "" }));
  put($("who"), `${username} · ${named("role", role)}`);
  for (const id of ["controls", "lidar"]) show(id, !isViewer());
  show("watching", isViewer());
}

let wasSilent = false;
function refresh() {
  const silent = isSilent();
  if (silent && !wasSilent) play("lost");
  wasSilent = silent;
  refreshLink(client, silent);
  refreshReadings();
  refreshStatus();
  refreshControl(isUsable());
  session.refresh(connected());

  const waited = since(robot.status);
  const data = robot.status?.data;
  const why = whyItStands({ link: client.link.state, silent, data, old: !(waited <= STALE_STATUS), waited, mine: isViewer() || isMine(driver()) });
  put($("why"), robot.welcome ? why : "");
  put($("slow"), why ? "" : whySlow(data));
  show("drive-hint", !isViewer() && !why && !$("slow").textContent);
  for (const button of $("pad").children) button.disabled = blocked(isUsable());

  const scanned = robot.scan ? Math.max(since(robot.scan), client.stream?.("lidar").age ?? 0) : NaN;
  map.stale = scanned > STALE;
  if (!(since(robot.telemetry) <= STALE)) map.pose = null;
  $("map").classList.toggle("stale", !(scanned <= STALE));
  put($("scan-stale"), scanned <= STALE ? "" : robot.scan ? t("scan_old", { ago: ago(scanned) }) : t("no_scan_yet"));
  put($("map-hint"), t(map.isToScale ? "map_hint" : "map_hint_symbol"));
  put($("scan-facts"), robot.scan ? scanFacts(robot.scan, scanned) : "");
}
setInterval(refresh, 200);

function scanFacts({ count, nearest, quality }, scanned) {
  const near = count ? t("nearest", { distance: number(nearest, 2, "m") }) : t("no_points");
  return `${t("quality", { quality: number(quality * 100, 0, "%") })} · ${near} · ${ago(scanned)}`;
}

/** Why the connection ended: our words, and the bridge's own where it said any. */
function closing({ code, text }) {
  const own = t(isKnown(`closed_${code}`) ? `closed_${code}` : "closed_unreachable");
  return !text || text === TERMINAL.get(code) || text === UNREACHABLE ? own : `${own}: ${text}`;
}
const UNREACHABLE = "The bridge cannot be reached";

function slider(id, limit, preset, unit) {
  const input = $(id);
  const max = Number.isFinite(limit) ? limit : preset;
  const fresh = !input.max;
  input.min = Math.min(input.min, max);
  input.max = max;
  if (fresh) input.value = Math.min(preset, max);
  input.oninput = () => put(input.nextElementSibling, number(Number(input.value), 2, unit));
  input.onpointerup = () => input.blur(); // the arrow keys drive again
  input.oninput();
}

let zoom = innerWidth < 720 ? 1 : 2;
function setZoom(change) {
  zoom = Math.max(0, Math.min(RANGES.length - 1, zoom + change));
  map.range = RANGES[zoom];
  put($("range"), `${RANGES[zoom]} m`);
}
const RANGES = [2, 5, 10, 20]; // m
$("nearer").addEventListener("click", () => setZoom(-1));
$("farther").addEventListener("click", () => setZoom(1));
setZoom(0);

setUpLanguage($("language"));
onLanguage(() => {
  renderReadings();
  renderStatus();
  if (robot.welcome) greet();
  for (const id of ["linear", "angular"]) $(id).oninput?.();
  showMute();
  say("", false);
  answer("", false);
  refresh();
});
setUpTheme($("theme"), $("dark"), () => {
  map.recolour();
  recolourPlots();
});
function showMute() {
  $("mute").setAttribute("aria-pressed", String(isMuted()));
  put($("mute").querySelector("span"), t(isMuted() ? "sound_off" : "sound_on"));
}
setUpSound($("mute"), showMute);

client.subscribe("telemetry");
client.subscribe("robot_status");
// Four: where every frame takes 80 ms, two are not always enough for each frame to find a new one (README.md, "Busy pages").
client.subscribe("lidar", { encoding: "binary", max_in_flight: 4 });
session.begin();
