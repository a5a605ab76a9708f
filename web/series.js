// The last minute of a value, as a small plot without axes: the number stands beside it.

export class Series {
  #at = new Float64Array(LENGTH);
  #values = new Float64Array(LENGTH);
  #next = 0;
  #count = 0;

  get count() {
    return this.#count;
  }

  /** A value that is not known makes a gap. */
  add(value, at) {
    this.#at[this.#next] = at;
    this.#values[this.#next] = Number.isFinite(value) ? value : NaN;
    this.#next = (this.#next + 1) % LENGTH;
    this.#count = Math.min(LENGTH, this.#count + 1);
  }

  clear() {
    this.#next = this.#count = 0;
  }

  /** Calls `visit(value, age)` from the oldest to the newest, of those not older than the window. */
  visit(now, visit) {
    for (let n = this.#count; n > 0; n -= 1) {
      const at = (this.#next + LENGTH - n) % LENGTH;
      const age = now - this.#at[at];
      if (age <= WINDOW) visit(this.#values[at], age);
    }
  }

  /** The range that is shown: `least` to `most` at any rate, and wide enough for what was. */
  range(now, [least, most], margin = 0) {
    let [low, high] = [Infinity, -Infinity];
    this.visit(now, (value) => {
      if (value < low) low = value;
      if (value > high) high = value;
    });
    if (low > high) return [least ?? 0, most ?? 1];
    return [Math.min(least ?? Infinity, low - margin), Math.max(most ?? -Infinity, high + margin)];
  }
}

/** Draws it over the whole canvas; `limits` are those of {@link Series.range}. */
export function plot(canvas, series, now, limits, margin, colours) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height) return;
  const density = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const pen = canvas.getContext("2d");
  const edge = 2 * density;
  const [low, high] = series.range(now, limits, margin);
  const span = high - low || 1;
  pen.clearRect(0, 0, w, h);
  pen.strokeStyle = colours.ring;
  pen.lineWidth = density;
  pen.strokeRect(density / 2, density / 2, w - density, h - density);
  pen.strokeStyle = colours.point;
  pen.lineWidth = 1.5 * density;
  pen.lineJoin = "round";
  pen.beginPath();
  let begins = true;
  let last = Infinity;
  series.visit(now, (value, age) => {
    if (Number.isNaN(value)) return void (begins = true);
    if (last - age > GAP) begins = true;
    last = age;
    const x = w * (1 - age / WINDOW);
    const y = h - edge - ((value - low) / span) * (h - 2 * edge);
    if (begins) pen.moveTo(x, y);
    else pen.lineTo(x, y);
    begins = false;
  });
  pen.stroke();
}

const LENGTH = 660; // values; ten a second come
const WINDOW = 60_000; // ms
const GAP = 2_000; // ms without a value
