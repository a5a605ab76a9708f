// Reads the bridge's binary LiDAR frames (docs/PROTOCOL.md, "Binary LiDAR frames") into what its JSON says.

/**
 * The `lidar_update` of a binary frame, or null for what is none: another version, a wrong length, numbers that are none.
 * `outlines` are the `safety_zones` of `connection_established`: the frame itself tells only which zones are violated.
 */
export function decodeLidarFrame(buffer, outlines = {}) {
  const view = viewOf(buffer);
  if (view === null || view.byteLength < HEADER || view.getUint8(4) !== VERSION) return null;
  const fieldSet = FIELD_SETS[view.getUint8(5)];
  const count = view.getUint8(6);
  const beams = view.getUint16(60, true);
  if (fieldSet === undefined || view.byteLength !== HEADER + 2 * beams + OBSTACLE * count) return null;

  const [first, step, x, y, yaw, quality] = [32, 36, 40, 44, 48, 52].map((at) => view.getFloat32(at, true));
  const points = [];
  for (let beam = 0; beam < beams; beam += 1) {
    const range = view.getUint16(HEADER + 2 * beam, true) / 1000;
    const angle = yaw + first + beam * step;
    // 0: no return, so no point.
    if (range > 0) points.push([thousandths(x + range * Math.cos(angle)), thousandths(y + range * Math.sin(angle))]);
  }
  const obstacles = Array.from({ length: count }, (_, n) => obstacle(view, HEADER + 2 * beams + OBSTACLE * n));
  const timestamp = time(view.getBigInt64(24, true));
  const numbers = [first, step, x, y, yaw, quality, ...obstacles.flatMap(({ position }) => [position.x, position.y])];
  if (timestamp === null || !numbers.every(Number.isFinite)) return null;

  const bits = view.getUint32(56, true);
  const isViolated = (n) => n < 32 && ((bits >>> n) & 1) === 1;
  const zones = Array.isArray(outlines?.[fieldSet]) ? outlines[fieldSet] : [];
  return {
    type: "lidar_update",
    data: {
      scan_data: { points, quality: thousandths(quality) },
      obstacles,
      safety_zones: zones.map((zone, n) => ({ ...zone, violated: isViolated(n) })),
    },
    timestamp,
    seq: Number(view.getBigUint64(8, true)),
    stamp: time(view.getBigInt64(16, true)),
    field_set: fieldSet,
    violated: Array.from({ length: 32 }, (_, n) => n).filter(isViolated),
  };
}

/** The number of a frame, even of one that cannot be read otherwise; null for what is no frame. */
export function lidarFrameSeq(buffer) {
  const view = viewOf(buffer);
  return view === null ? null : Number(view.getBigUint64(8, true));
}

/** Over the bytes of what begins like a frame, else null. */
function viewOf(buffer) {
  try {
    const view = ArrayBuffer.isView(buffer) ? new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength) : new DataView(buffer);
    return view.byteLength >= 16 && view.getUint32(0) === MAGIC ? view : null;
  } catch {
    return null;
  }
}

function obstacle(view, at) {
  return {
    id: `obs_${view.getUint32(at, true)}`,
    position: { x: thousandths(view.getFloat32(at + 4, true)), y: thousandths(view.getFloat32(at + 8, true)) },
    type: view.getUint8(at + 19) === 0 ? "static" : "dynamic",
    confidence: thousandths(view.getUint8(at + 18) / 255),
    velocity: { x: view.getInt16(at + 12, true) / 1000, y: view.getInt16(at + 14, true) / 1000 },
    radius: view.getUint16(at + 16, true) / 1000,
  };
}

/** RFC 3339 with six digits, of microseconds since 1970; null before that and after the year 9999. */
function time(microseconds) {
  if (microseconds < 0n || microseconds > LAST_TIME) return null;
  const milliseconds = new Date(Number(microseconds / 1000n)).toISOString().slice(0, -1);
  return `${milliseconds}${String(microseconds % 1000n).padStart(3, "0")}Z`;
}

/** As the JSON has them; never -0. */
const thousandths = (number) => Math.round(number * 1000) / 1000 + 0;

const MAGIC = 0x4f48544c; // "OHTL"
const VERSION = 1;
const FIELD_SETS = ["driving", "docking"];
// Bytes: before the ranges, and of an obstacle.
const HEADER = 64;
const OBSTACLE = 20;
const LAST_TIME = 253_402_300_799_999_999n;
