// Draws what the LiDAR sees, in the robot's frame: x forward is up, y left is left. Metres.
//
// However much arrives, each animation frame draws once, and what does not change from frame to frame is kept.

import { Trail } from "./trail.js";

export class ScanMap {
  trail = new Trail();
  #canvas;
  #size = { width: 0, height: 0 };
  #colours;
  #hatching;
  #text;
  #points = new Float32Array(2048);
  #count = 0;
  #obstacles = [];
  #zones = [];
  #outline = SYMBOL;
  #nose = noseOf(SYMBOL);
  #pose = null;
  #range = 10;
  #stale = false;
  #due = false;
  #waiting = [];

  constructor(canvas) {
    this.#canvas = canvas;
    this.recolour();
    new ResizeObserver(([{ contentRect }]) => {
      this.#size = { width: contentRect.width, height: contentRect.height };
      this.#redraw();
    }).observe(canvas);
    // Hidden pages have no animation frames; who waits for one must not wait for ever.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#drawn() : this.#redraw()));
  }

  /**
   * Takes the `data` of a `lidar_update`; returns the number of points, the distance of the nearest, and a promise that is kept
   * once the picture is drawn.
   */
  show({ scan_data, obstacles, safety_zones }) {
    const { points } = scan_data;
    if (this.#points.length < 2 * points.length) this.#points = new Float32Array(2 * points.length);
    let nearest = Infinity;
    this.#count = 0;
    for (const point of points) {
      if (!isPoint(point)) continue;
      this.#points[2 * this.#count] = point[0];
      this.#points[2 * this.#count + 1] = point[1];
      nearest = Math.min(nearest, Math.hypot(point[0], point[1]));
      this.#count += 1;
    }
    this.#obstacles = list(obstacles).filter((obstacle) => isPoint([obstacle?.position?.x, obstacle?.position?.y]));
    this.#zones = list(safety_zones).filter((zone) => isOutline(zone?.boundary));
    this.#redraw();
    const drawn = document.hidden ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
    return { count: this.#count, nearest, drawn };
  }

  clear() {
    this.trail.clear();
    this.#pose = null;
    this.show({ scan_data: { points: [] } });
  }

  /** The robot's outline; without one, a symbol. Returns whether it is the true one. */
  set footprint(outline) {
    this.#outline = isOutline(outline) ? outline : SYMBOL;
    this.#nose = noseOf(this.#outline);
    this.#redraw();
  }

  get isToScale() {
    return this.#outline !== SYMBOL;
  }

  /** Where the robot is by its odometry, for the trail; null when that, or its heading, is not known. */
  set pose(pose) {
    this.#pose = pose;
    if (pose) this.trail.add(pose.x, pose.y);
    this.#redraw();
  }

  /** Metres from the robot to the nearer edge. */
  set range(range) {
    this.#range = range;
    this.#redraw();
  }

  /** An old scan is drawn pale and hatched. */
  set stale(stale) {
    if (stale !== this.#stale) this.#redraw();
    this.#stale = stale;
  }

  /** The theme has changed. */
  recolour() {
    this.#colours = coloursOf(this.#canvas);
    this.#text = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    this.#hatching = hatching(this.#canvas, this.#colours.stale);
    this.#redraw();
  }

  #redraw() {
    if (this.#due || document.hidden) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#draw();
      this.#drawn();
    });
  }

  #drawn() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #draw() {
    const canvas = this.#canvas;
    const { width, height } = this.#size;
    if (!width || !height) return;
    const density = devicePixelRatio || 1;
    const [w, h] = [Math.round(width * density), Math.round(height * density)];
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    const pen = canvas.getContext("2d");
    const scale = Math.min(width, height) / 2 / this.#range;
    const view = { pen, width, height, scale, X: (y) => width / 2 - y * scale, Y: (x) => height / 2 - x * scale };
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.#drawZones(view);
    this.#drawRings(view);
    this.#drawTrail(view);
    this.#drawPoints(view);
    this.#drawObstacles(view);
    this.#drawRobot(view);
    if (!this.#stale) return;
    pen.fillStyle = this.#hatching;
    pen.fillRect(0, 0, width, height);
  }

  #drawZones(view) {
    const { pen } = view;
    const faint = this.#stale ? 0.4 : 1;
    for (const { type, boundary, violated } of this.#zones) {
      trace(view, boundary);
      pen.fillStyle = pen.strokeStyle = this.#colours[ZONES.includes(type) ? type : "safe"];
      // That something is in a safe zone is worth a look, not an alarm.
      pen.globalAlpha = faint * (!violated ? 0.05 : ALARMING.includes(type) ? 0.26 : 0.1);
      pen.fill();
      pen.globalAlpha = faint * (violated ? 1 : 0.55);
      pen.lineWidth = (violated ? 2.5 : 1) * this.#text;
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  #drawRings({ pen, width, height, scale }) {
    pen.strokeStyle = this.#colours.ring;
    pen.fillStyle = this.#colours.label;
    pen.font = `${11 * this.#text}px system-ui, sans-serif`;
    pen.lineWidth = this.#text;
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
  }

  #drawTrail({ pen, X, Y }) {
    if (!this.#pose || this.trail.count < 2) return;
    pen.strokeStyle = this.#colours.trail;
    pen.lineWidth = 2 * this.#text;
    pen.lineJoin = "round";
    pen.beginPath();
    this.trail.seenFrom(this.#pose, (x, y) => pen.lineTo(X(y), Y(x)));
    pen.lineTo(X(0), Y(0));
    pen.stroke();
  }

  #drawPoints({ pen, X, Y }) {
    const size = 2.5 * this.#text;
    pen.fillStyle = this.#colours[this.#stale ? "stale" : "point"];
    for (let n = 0; n < this.#count; n += 1) {
      pen.fillRect(X(this.#points[2 * n + 1]) - size / 2, Y(this.#points[2 * n]) - size / 2, size, size);
    }
  }

  #drawObstacles({ pen, scale, X, Y }) {
    pen.lineWidth = 2 * this.#text;
    for (const { id, type, position, velocity, radius, confidence } of this.#obstacles) {
      const [x, y] = [X(position.y), Y(position.x)];
      pen.strokeStyle = pen.fillStyle = this.#colours[this.#stale ? "stale" : type === "dynamic" ? "moving" : "label"];
      // 0.5 is a guess, 1 is certain.
      pen.globalAlpha = Number.isFinite(confidence) ? Math.max(0.25, Math.min(1, 2 * confidence - 0.9)) : 1;
      const size = Math.max(6 * this.#text, (Number.isFinite(radius) ? radius : 0.2) * scale);
      pen.beginPath();
      pen.arc(x, y, size, 0, 2 * Math.PI);
      pen.stroke();
      if (isPoint([velocity?.x, velocity?.y])) {
        // To where it is in a second.
        arrow(pen, x, y, X(position.y + velocity.y), Y(position.x + velocity.x), 6 * this.#text);
      }
      pen.fillText(String(id), x + size + 3, y);
    }
    pen.globalAlpha = 1;
  }

  #drawRobot(view) {
    trace(view, this.#outline);
    view.pen.fillStyle = this.#colours.robot;
    view.pen.fill();
    trace(view, this.#nose);
    view.pen.fillStyle = this.#colours.nose;
    view.pen.fill();
  }
}

/** The colours of the theme, by name; for the plots too. */
export function coloursOf(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--map-${name}`).trim()]));
}

function trace({ pen, X, Y }, corners) {
  pen.beginPath();
  for (const [x, y] of corners) pen.lineTo(X(y), Y(x));
  pen.closePath();
}

function arrow(pen, x, y, toX, toY, head) {
  const length = Math.hypot(toX - x, toY - y);
  if (length < head) return;
  const angle = Math.atan2(toY - y, toX - x);
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(toX, toY);
  for (const side of [2.6, -2.6]) {
    pen.moveTo(toX, toY);
    pen.lineTo(toX + head * Math.cos(angle + side), toY + head * Math.sin(angle + side));
  }
  pen.stroke();
}

/** Thin slanted lines. */
function hatching(canvas, colour) {
  const tile = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.globalAlpha = 0.7;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const shift of [-16, 0, 16]) {
    pen.moveTo(shift - 1, 17);
    pen.lineTo(shift + 17, -1);
  }
  pen.stroke();
  return canvas.getContext("2d").createPattern(tile, "repeat");
}

/** A triangle that shows where forward is, within the outline's front half. */
function noseOf(outline) {
  const xs = outline.map(([x]) => x);
  const ys = outline.map(([, y]) => y);
  const [front, middle] = [Math.max(...xs), (Math.max(...xs) + Math.min(...xs)) / 2];
  const side = (Math.max(...ys) - Math.min(...ys)) * 0.3;
  const centre = (Math.max(...ys) + Math.min(...ys)) / 2;
  return [[middle + (front - middle) * 0.8, centre], [middle, centre + side], [middle, centre - side]];
}

const list = (value) => (Array.isArray(value) ? value : []);
const isPoint = (point) => Array.isArray(point) && Number.isFinite(point[0]) && Number.isFinite(point[1]);
const isOutline = (outline) => list(outline).length > 2 && outline.every(isPoint);

const ALARMING = ["critical", "warning"];
const ZONES = [...ALARMING, "safe"];
const COLOURS = [...ZONES, "point", "stale", "ring", "label", "robot", "nose", "trail", "moving"];
const SYMBOL = [[0.4, 0.3], [0.4, -0.3], [-0.4, -0.3], [-0.4, 0.3]];
