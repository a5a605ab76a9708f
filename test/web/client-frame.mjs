// Writes binary LiDAR frames byte by byte, as docs/PROTOCOL.md lays them out.

/** `ranges` in mm, times in µs; obstacles as the frame has them. Lies on demand: `beams` and `count` are written as told. */
export function lidarFrame({
  magic = "OHTL", version = 1, docking = 0, seq = 1, stamp = -1n, timestamp = 1_738_060_200_123_456n, first = 0, step = 0,
  pose = [0, 0, 0], quality = 1, zones = 0, ranges = [], obstacles = [], beams = ranges.length, count = obstacles.length,
} = {}) {
  const view = new DataView(new ArrayBuffer(64 + 2 * ranges.length + 20 * obstacles.length));
  let at = 0;
  const put = (type, value) => {
    view[`set${type}`](at, value, true);
    at += Number(type.match(/\d+/)) / 8;
  };
  for (const letter of magic) put("Uint8", letter.charCodeAt());
  for (const byte of [version, docking, count, 0]) put("Uint8", byte);
  put("BigUint64", BigInt(seq));
  for (const time of [stamp, timestamp]) put("BigInt64", time);
  for (const number of [first, step, ...pose, quality]) put("Float32", number);
  put("Uint32", zones);
  for (const number of [beams, 0, ...ranges]) put("Uint16", number);
  for (const { number = 7, x = 0, y = 0, vx = 0, vy = 0, radius = 0, confidence = 255, kind = 0 } of obstacles) {
    put("Uint32", number);
    for (const metres of [x, y]) put("Float32", metres);
    for (const speed of [vx, vy]) put("Int16", speed);
    put("Uint16", radius);
    for (const byte of [confidence, kind]) put("Uint8", byte);
  }
  return view.buffer;
}
