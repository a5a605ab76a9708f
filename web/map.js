// Draws what the LiDAR sees, in the robot's frame: x forward is up, y left is left. Metres.

export class ScanMap {
  #canvas;
  #picture = { points: [], obstacles: [], zones: [] };
  #range = 10;
  #stale = false;
  #due = false;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#redraw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#redraw());
  }

  /** Takes the `data` of a `lidar_update`; returns the number of points and the distance of the nearest. */
  show({ scan_data, obstacles, safety_zones }) {
    const points = scan_data.points.filter(isPoint);
    this.#picture = {
      points,
      obstacles: list(obstacles).filter((obstacle) => isPoint([obstacle?.position?.x, obstacle?.position?.y])),
      zones: list(safety_zones).filter((zone) => list(zone?.boundary).length > 2 && zone.boundary.every(isPoint)),
    };
    this.#redraw();
    return { count: points.length, nearest: points.reduce((least, [x, y]) => Math.min(least, Math.hypot(x, y)), Infinity) };
  }

  /** Metres from the robot to the nearer edge. */
  set range(range) {
    this.#range = range;
    this.#redraw();
  }

  /** An old scan is drawn pale. */
  set stale(stale) {
    if (stale !== this.#stale) this.#redraw();
    this.#stale = stale;
  }

  #redraw() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#draw();
    });
  }

  #draw() {
    const canvas = this.#canvas;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width || !height) return;
    const density = devicePixelRatio || 1;
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(`--map-${name}`).trim();
    const scale = Math.min(width, height) / 2 / this.#range;
    const at = ([x, y]) => [width / 2 - y * scale, height / 2 - x * scale];
    const trace = (corners) => {
      pen.beginPath();
      for (const corner of corners) pen.lineTo(...at(corner));
      pen.closePath();
    };
    pen.scale(density, density);

    for (const { type, boundary, violated } of this.#picture.zones) {
      trace(boundary);
      pen.fillStyle = pen.strokeStyle = colour(ZONES.includes(type) ? type : "safe");
      pen.globalAlpha = violated ? 0.22 : 0.06;
      pen.fill();
      pen.globalAlpha = violated ? 1 : 0.5;
      pen.lineWidth = violated ? 2 : 1;
      pen.stroke();
      pen.globalAlpha = 1;
    }

    pen.strokeStyle = colour("ring");
    pen.fillStyle = colour("label");
    pen.font = "11px system-ui, sans-serif";
    pen.lineWidth = 1;
    const step = [0.5, 1, 2, 5, 10].find((metres) => this.#range / metres <= 5) ?? 10;
    const corner = Math.hypot(width, height) / 2 / scale;
    pen.beginPath();
    for (let ring = step; ring < corner; ring += step) {
      pen.moveTo(width / 2 + ring * scale, height / 2);
      pen.arc(width / 2, height / 2, ring * scale, 0, 2 * Math.PI);
      pen.fillText(`${ring} m`, width / 2 + 4, height / 2 - ring * scale - 4);
    }
    pen.moveTo(width / 2, 0);
    pen.lineTo(width / 2, height);
    pen.moveTo(0, height / 2);
    pen.lineTo(width, height / 2);
    pen.stroke();

    pen.fillStyle = colour(this.#stale ? "stale" : "point");
    for (const point of this.#picture.points) {
      const [x, y] = at(point);
      pen.fillRect(x - 1.25, y - 1.25, 2.5, 2.5);
    }

    pen.lineWidth = 2;
    for (const { id, type, position, velocity, radius } of this.#picture.obstacles) {
      const [x, y] = at([position.x, position.y]);
      pen.strokeStyle = pen.fillStyle = colour(type === "dynamic" ? "critical" : "label");
      const size = Math.max(6, (Number.isFinite(radius) ? radius : 0.2) * scale);
      pen.beginPath();
      pen.arc(x, y, size, 0, 2 * Math.PI);
      if (isPoint([velocity?.x, velocity?.y])) {
        // To where it is in a second.
        pen.moveTo(x, y);
        pen.lineTo(...at([position.x + velocity.x, position.y + velocity.y]));
      }
      pen.stroke();
      pen.fillText(String(id), x + size + 3, y);
    }

    trace(ROBOT);
    pen.fillStyle = colour("robot");
    pen.fill();
    trace(NOSE);
    pen.fillStyle = colour("nose");
    pen.fill();
  }
}

const list = (value) => (Array.isArray(value) ? value : []);
const isPoint = (point) => Array.isArray(point) && Number.isFinite(point[0]) && Number.isFinite(point[1]);

const ZONES = ["critical", "warning", "safe"];

/** A symbol: the protocol does not tell the robot's outline. */
const ROBOT = [[0.4, 0.3], [0.4, -0.3], [-0.4, -0.3], [-0.4, 0.3]];
const NOSE = [[0.32, 0], [0.02, 0.18], [0.02, -0.18]];
