// Where the robot has been, by its odometry, seen from where it is now.

export class Trail {
  #xy = new Float64Array(2 * LENGTH);
  #next = 0;
  #count = 0;

  get count() {
    return this.#count;
  }

  /** Metres in the odometry frame. Where the odometry jumps, the way before is of another frame. */
  add(x, y) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    if (this.#count > 0) {
      const last = 2 * ((this.#next + LENGTH - 1) % LENGTH);
      const step = Math.hypot(x - this.#xy[last], y - this.#xy[last + 1]);
      if (step < SPACING) return;
      if (step > JUMP) this.clear();
    }
    this.#xy[2 * this.#next] = x;
    this.#xy[2 * this.#next + 1] = y;
    this.#next = (this.#next + 1) % LENGTH;
    this.#count = Math.min(LENGTH, this.#count + 1);
  }

  clear() {
    this.#next = this.#count = 0;
  }

  /** Calls `visit(x, y)` from the oldest point to the newest, each in the base frame of a robot at `pose` (x, y, yaw). */
  seenFrom({ x, y, yaw }, visit) {
    const cos = Math.cos(yaw);
    const sin = Math.sin(yaw);
    for (let n = 0; n < this.#count; n += 1) {
      const at = 2 * ((this.#next + 2 * LENGTH - this.#count + n) % LENGTH);
      const dx = this.#xy[at] - x;
      const dy = this.#xy[at + 1] - y;
      visit(cos * dx + sin * dy, cos * dy - sin * dx);
    }
  }
}

const LENGTH = 600; // points
const SPACING = 0.05; // m; 600 points are 30 m of way at least
const JUMP = 1.5; // m between two messages
