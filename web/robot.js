// What is known of the robot, and since when.

import { now } from "./dom.js";

/** Each is null until it came, and has `at`, when it came. */
export const robot = { welcome: null, telemetry: null, status: null, scan: null, odometry: { stamp: null, at: 0 } };

export function forget() {
  Object.assign(robot, { welcome: null, telemetry: null, status: null, scan: null, odometry: { stamp: null, at: 0 } });
}

export const isViewer = () => robot.welcome?.role === "viewer";
/** Of two tabs of one person, one drives. Bridges of before tell the person alone. */
export const isMine = (control) =>
  control?.user_id === robot.welcome?.user_id && control?.connection === robot.welcome?.connection;

/** Milliseconds since it came; NaN if it never did. */
export const since = (what) => (what ? now() - what.at : NaN);

/** Who drives, as far as it is known now. */
export const driver = () => (since(robot.status) <= STALE_STATUS ? robot.status.data.control : null);

// Milliseconds. The status comes once a second, the battery and the temperature seldom.
export const STALE = 1_000;
export const STALE_STATUS = 2_500;
export const STALE_SLOW = 10_000;
