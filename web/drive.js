// The dead man's switch: a motion goes on while somebody holds it, and not a moment longer.
//
// What is held is mixed into one velocity and repeated; when all is let go, `stop` is sent. Whatever else ends it (a
// refusal, an answer that does not come, a silent link, a page that hung, somebody else's stop) lets go of everything:
// only a new press moves the robot again.

import { t } from "./language.js";
import { problem } from "./problem.js";

/** -1, 0 or 1 for each axis: forward and counter-clockwise are positive. */
const DIRECTIONS = {
  move_forward: { linear: 1, angular: 0 },
  move_backward: { linear: -1, angular: 0 },
  turn_left: { linear: 0, angular: 1 },
  turn_right: { linear: 0, angular: -1 },
};

/** The shares of both speeds for directions that are held together, and for a stick. Opposites cancel out. */
export function mix(directions, stick = null) {
  const shares = { linear: stick?.linear ?? 0, angular: stick?.angular ?? 0 };
  for (const direction of new Set(directions)) {
    shares.linear += DIRECTIONS[direction].linear;
    shares.angular += DIRECTIONS[direction].angular;
  }
  return { linear: clamp(shares.linear), angular: clamp(shares.angular) };
}

export class Drive {
  #client;
  #speeds;
  #tell;
  #clock;
  /** The direction of each key and button that is held, by its name. */
  #held = new Map();
  #stick = null;
  /** One object for each time that the robot is driven, from the first press until all is let go. */
  #hold = null;
  #timer;
  #sent = { at: 0, number: 0, linear: 0, angular: 0 };
  /** Whether the robot may be moving by our doing: moves without an answer, or accepted, since the last stop. */
  #moves = { accepted: false, unanswered: 0 };
  #stopped = -Infinity;

  /**
   * `speeds()` is asked anew for every repetition: `{linear, angular}`, m/s and rad/s. `tell({text, bad, directions, forced})`
   * says what became of it; `directions` are those driven now, `forced` whether something other than letting go ended it.
   */
  constructor(client, speeds, tell, clock = CLOCK) {
    this.#client = client;
    this.#speeds = speeds;
    this.#tell = tell;
    this.#clock = clock;
    client.on("link", ({ state }) => state !== "connected" && this.#hold && this.#lostLink());
    client.on("event", (event) => this.#happened(event));
  }

  get active() {
    return this.#hold !== null;
  }

  /** Whether a `stop` of one's own explains a motion that has just ended. */
  get stoppedJustNow() {
    return this.#clock.now() - this.#stopped < ANSWER;
  }

  /** `source` tells what is held: two keys may mean one direction. */
  press(source, direction) {
    this.#held.set(source, direction);
    this.#steer();
  }

  letGo(source) {
    if (this.#held.delete(source) && this.#hold) this.#steer();
  }

  /** Shares of both speeds, -1 to 1, as a stick gives them; null when it is at rest. */
  lean(stick) {
    if (stick === null && this.#stick === null) return;
    this.#stick = stick;
    const { at, linear, angular } = this.#sent;
    const wanted = this.#wanted();
    const changed = Math.abs(wanted.linear - linear) + Math.abs(wanted.angular - angular) > NOTABLE;
    // A hand trembles: what changes little waits for the next repetition.
    if (!this.#hold || stick === null || (changed && this.#clock.now() - at >= SOONEST)) this.#steer();
  }

  /** Lets go of everything, and stops. */
  release(text = "", bad = false) {
    if (!this.#hold) return;
    this.#end(text, bad);
    if (!this.#moves.accepted && !this.#moves.unanswered) return; // nothing of ours moves; somebody else's may
    this.#forgetMoves();
    this.#client.robot("stop").catch(() => this.#say(t("drive_stop_unconfirmed"), true));
  }

  /** Lets go when somebody else sends a stop that is at least as strong. */
  cancel() {
    this.#forgetMoves();
    if (this.#hold) this.#end("", false, true);
  }

  #steer() {
    const { linear, angular } = mix(this.#held.values(), this.#stick);
    if (linear === 0 && angular === 0) return this.#hold ? this.release() : this.#drop();
    if (!this.#hold) {
      this.#hold = {};
      this.#sent.at = this.#clock.now();
      // A press is a person who wants to drive now, also after a driver's link was lost. A refusal comes with the motion's.
      this.#client.control("acquire", { timeout: ANSWER }).catch(() => {});
    }
    this.#repeat();
  }

  #repeat() {
    const hold = this.#hold;
    const moves = this.#moves;
    this.#clock.clearTimeout(this.#timer);
    if (this.#client.silence > SILENCE) return this.release(t("drive_silent"), true);
    if (this.#clock.now() - this.#sent.at > LAPSE) return this.release(t("drive_lapse"), true);
    this.#timer = this.#clock.setTimeout(() => this.#repeat(), REPEAT);
    const { linear, angular } = this.#wanted();
    const number = this.#sent.number + 1;
    this.#sent = { at: this.#clock.now(), number, linear, angular };
    moves.unanswered += 1;
    this.#client.drive(linear, angular, { timeout: ANSWER }).then(
      ({ success, message, code }) => {
        moves.unanswered -= 1;
        moves.accepted ||= success;
        if (hold !== this.#hold) return;
        // A newer velocity took its place before it began.
        if (code === "aborted" && number !== this.#sent.number) return;
        // What a stick asks for changes all the time, and a screen reader would read all of it.
        if (success) this.#say(this.#stick ? null : message, false);
        else if (code === "not_in_control") this.#lostControl(message);
        else this.release(message, true);
      },
      (error) => {
        // Otherwise it is unanswered still: it may arrive.
        if (error.code === "not_connected") moves.unanswered -= 1;
        if (hold === this.#hold) this.release(problem(error), true);
      },
    );
    if (hold === this.#hold) this.#say(null, false);
  }

  #lostLink() {
    this.#forgetMoves();
    this.#end(t("drive_link_lost"), true);
  }

  #happened({ event, message, data }) {
    if (!this.#hold) return;
    const ours = data?.reason === "stopped" && this.stoppedJustNow;
    if (event === "emergency_stop_engaged" || (event === "motion_aborted" && data?.command === "drive" && !ours)) {
      if (data?.reason === "taken_over") this.#lostControl(message);
      else this.release(message, true);
    }
  }

  /** Somebody else drives: a stop of ours would stop the robot for them. */
  #lostControl(text) {
    this.#forgetMoves();
    this.#end(text, true);
  }

  #wanted() {
    const { linear, angular } = mix(this.#held.values(), this.#stick);
    const speeds = this.#speeds();
    return { linear: thousandths(linear * speeds.linear), angular: thousandths(angular * speeds.angular) };
  }

  #forgetMoves() {
    this.#moves = { accepted: false, unanswered: 0 };
    this.#stopped = this.#clock.now();
  }

  #end(text, bad, forced = bad) {
    this.#drop();
    this.#say(text, bad, forced);
  }

  #drop() {
    this.#clock.clearTimeout(this.#timer);
    this.#hold = null;
    this.#held.clear();
    this.#stick = null;
  }

  #say(text, bad, forced = false) {
    const { linear, angular } = mix(this.#held.values(), this.#stick);
    const driven = ({ linear: l, angular: a }) => linear * l + angular * a > 0;
    const directions = this.#hold ? Object.keys(DIRECTIONS).filter((name) => driven(DIRECTIONS[name])) : [];
    this.#tell({ text, bad, directions, forced });
  }
}

const thousandths = (number) => Math.round(number * 1000) / 1000 + 0;

/** Never -0. */
const clamp = (share) => Math.max(-1, Math.min(1, share)) + 0;

const CLOCK = {
  now: () => performance.now(),
  setTimeout: (act, delay) => setTimeout(act, delay),
  clearTimeout: (timer) => clearTimeout(timer),
};

// Milliseconds.
const REPEAT = 250;
const SOONEST = 100;
const ANSWER = 1_000;
const SILENCE = 1_000;
/** After which the bridge has ended the motion by itself: it must not begin anew when the page goes on. */
const LAPSE = 1_000;

/** Of both speeds together. */
const NOTABLE = 0.05;
