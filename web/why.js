// Why the robot cannot be driven now, in one sentence.

import { ago, number } from "./format.js";
import { isKnown, named, t } from "./language.js";

/**
 * Empty when it can be driven. `link` and `silent` as the client has them; `data` is the newest robot_status and `old` whether it
 * is too old to count; `waited` milliseconds since it came; `mine` whether who drives keeps nobody here from it.
 */
export function whyItStands({ link, silent, data, old, waited = 0, mine }) {
  if (link !== "connected") return t("why_not_connected");
  if (silent) return t("why_silent");
  if (!data || old) return t("why_no_status");
  const { emergency_stop: latch, control, docking, safety } = data;
  if (latch?.active) return whyLatched(latch);
  if (control && !mine) return t("why_other", { name: control.holder });
  if (docking?.state === "docking" || docking?.state === "undocking") return t("why_docking");
  return safety?.decision === "stop" && !PAST.has(safety.reason) ? whyHeld(data, waited) : "";
}

/** What ended the last motion is told for half a second more. It keeps nobody from driving. */
const PAST = new Set([
  "stopped", "released", "taken_over", "link_closed", "link_silent", "token_expired", "unattended", "docking_timeout",
]);

/** Why it goes slower than asked; empty when it does not. */
export function whySlow(data) {
  const { decision, reason, zone, limit } = data?.safety ?? {};
  // That a robot gathers speed is nothing to tell.
  if (decision !== "limit" || reason === "limited") return "";
  const speed = Number.isFinite(limit?.linear) ? `, ${t("at_most", { speed: number(limit.linear, 2, "m/s") })}` : "";
  return `${t("slow", { reason: named("reason", reason) })}${inZone(zone)}${speed}.`;
}

function whyLatched({ source, by }) {
  if (source === "hardware") return t("why_latched_hardware");
  return by ? t("why_latched_by", { name: by }) : t("why_latched");
}

function whyHeld({ safety: { reason, zone }, lidar, sources }, waited) {
  if (reason === "scan_stale" && lidar?.state === "stopped") return t("why_lidar_stopped");
  if (!isKnown(`why_${reason}`)) return t("why_unknown", { reason: named("reason", reason) });
  const seconds = lidar?.age ?? sources?.scan; // only where it is about the scans
  const since = Number.isFinite(seconds) ? ` ${ago(seconds * 1000 + waited)}` : "";
  return t(`why_${reason}`, { zone: inZone(zone), since });
}

const inZone = (zone) => (zone ? ` (${t("zone", { zone })})` : "");
