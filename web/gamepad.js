// A gamepad drives by its left stick, while a shoulder button is held: the dead man's switch.

/** Shares of both speeds, -1 to 1, of a stick's axes (right and down are positive); null near its middle. */
export function lean(x, y) {
  const far = Math.hypot(x, y);
  if (!(far > DEAD_ZONE)) return null; // nor for what is no number
  // From nothing at the zone's edge, so that it does not begin with a jerk.
  const share = Math.min(1, (far - DEAD_ZONE) / (1 - DEAD_ZONE)) / far;
  return { linear: -y * share + 0, angular: -x * share + 0 };
}

export class Stick {
  #down = true; // as if it had been held before: only a press that is seen counts
  #armed = false;

  /** What a `Gamepad` asks for now, or null. */
  read(pad) {
    // Other mappings have other buttons there.
    const down = pad?.connected === true && pad.mapping === "standard" && DEAD_MAN.some((button) => pad.buttons[button]?.pressed);
    this.#armed = down && (this.#armed || !this.#down);
    this.#down = down;
    return this.#armed ? lean(pad.axes[0], pad.axes[1]) : null;
  }

  /** The shoulder button must be pressed anew. */
  disarm() {
    this.#down = true;
    this.#armed = false;
  }
}

const DEAD_ZONE = 0.15;
const DEAD_MAN = [4, 5]; // both shoulders
