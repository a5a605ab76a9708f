// The dead man's switch: a motion goes on while somebody holds it, and not a moment longer.
//
// A held motion is repeated; when it is let go, `stop` is sent. Whatever else ends it (a refusal, an answer that does
// not come, a silent link, somebody else's stop) ends the hold too: only a new press moves the robot again.

export class HoldToRun {
  #client;
  #tell;
  #clock;
  #held = null;
  /** Whether the robot may be moving by our doing: moves without an answer, or accepted, since the last stop. */
  #moves = { accepted: false, unanswered: 0 };
  #stopped = -Infinity;

  /** `tell({text, bad, command})` says what became of it; `command` is what is held now, or null. */
  constructor(client, tell, clock = CLOCK) {
    this.#client = client;
    this.#tell = tell;
    this.#clock = clock;
    client.on("link", ({ state }) => state !== "connected" && this.#held && this.#lostLink());
    client.on("event", (event) => this.#happened(event));
  }

  /** `speed()` is asked anew for every repetition: m/s, or rad/s for turns. */
  press(command, speed) {
    this.#clock.clearTimeout(this.#held?.timer);
    this.#held = { command, speed };
    // A press is a person who wants to drive now, also after a driver's link was lost. A refusal comes with the motion's.
    this.#client.control("acquire", { timeout: ANSWER }).catch(() => {});
    this.#repeat(this.#held);
  }

  /** Lets go, and stops. */
  release(text = "", bad = false) {
    if (!this.#held) return;
    this.#letGo(text, bad);
    if (!this.#moves.accepted && !this.#moves.unanswered) return; // nothing of ours moves; somebody else's may
    this.#moves = { accepted: false, unanswered: 0 };
    this.#stopped = this.#clock.now();
    this.#client.robot("stop").catch(() => this.#say("The stop was not confirmed. Without the held button the robot stops by itself within about a second.", true));
  }

  /** Lets go when somebody else sends a stop that is at least as strong. */
  cancel() {
    this.#moves = { accepted: false, unanswered: 0 };
    this.#stopped = this.#clock.now();
    if (this.#held) this.#letGo("", false);
  }

  #repeat(held) {
    if (this.#client.silence > SILENCE) return this.release("Stopped: the bridge is silent.", true);
    held.timer = this.#clock.setTimeout(() => this.#repeat(held), REPEAT);
    const moves = this.#moves;
    moves.unanswered += 1;
    this.#client.robot(held.command, { speed: held.speed() }, { timeout: ANSWER }).then(
      ({ success, message }) => {
        moves.unanswered -= 1;
        moves.accepted ||= success;
        if (held !== this.#held) return;
        if (success) this.#say(message, false);
        else this.release(message, true);
      },
      // Unanswered still: it may arrive.
      ({ message }) => held === this.#held && this.release(message, true),
    );
    if (held === this.#held) this.#say(null, false);
  }

  #lostLink() {
    this.#moves = { accepted: false, unanswered: 0 };
    this.#letGo("The link was lost while driving. Without it the robot stops by itself.", true);
  }

  #happened({ event, message, data }) {
    if (!this.#held) return;
    const ours = data?.reason === "stopped" && this.#clock.now() - this.#stopped < ANSWER;
    if (event === "emergency_stop_engaged" || (event === "motion_aborted" && data?.command === this.#held.command && !ours)) {
      this.release(message, true);
    }
  }

  #letGo(text, bad) {
    this.#clock.clearTimeout(this.#held.timer);
    this.#held = null;
    this.#say(text, bad);
  }

  #say(text, bad) {
    this.#tell({ text, bad, command: this.#held?.command ?? null });
  }
}

const CLOCK = {
  now: () => performance.now(),
  setTimeout: (act, delay) => setTimeout(act, delay),
  clearTimeout: (timer) => clearTimeout(timer),
};

// Milliseconds.
const REPEAT = 300;
const ANSWER = 1_000;
const SILENCE = 1_000;
