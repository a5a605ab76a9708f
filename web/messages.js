// What the bridge says, read with suspicion: nothing that comes over the network may throw, or pass for what it is not.

import { decodeLidarFrame, lidarFrameSeq } from "./lidar-frame.js";

/**
 * A message with a type, of a text or a binary frame, or null. {@link isKnown} says whether it has what its type promises: of
 * a frame that cannot be read only the type and the number are left.
 */
export function read(data, outlines) {
  return typeof data === "string" ? parse(data) : readFrame(data, outlines);
}

/** Whether it is of a type that this version knows, with what belongs to it. Others are ignored. */
export function isKnown(message) {
  return SHAPES.get(message.type)?.(message) ?? false;
}

/** Of a time in RFC 3339; else null. */
export function date(text) {
  const read = typeof text === "string" ? new Date(text) : null;
  return Number.isNaN(read?.getTime()) ? null : read;
}

/** The stream of an update. */
export const STREAMS = new Map([
  ["telemetry_update", "telemetry"],
  ["lidar_update", "lidar"],
  ["robot_status_update", "robot_status"],
]);

/** What answers what, besides `error`. */
export const ANSWERS = new Map([
  ["robot_control", "robot_control_response"],
  ["lidar_control", "lidar_control_response"],
  ["control", "control_response"],
  ["authenticate", "authenticated"],
  ["subscribe", "subscription_confirmed"],
  ["unsubscribe", "unsubscription_confirmed"],
  ["ping", "pong"],
]);

function parse(text) {
  try {
    const message = JSON.parse(text);
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}

function readFrame(data, outlines) {
  const message = decodeLidarFrame(data, outlines);
  if (message !== null) return message;
  const seq = lidarFrameSeq(data);
  return seq === null ? null : { type: "lidar_update", seq };
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const any = () => true;
const hasData = ({ data }) => isObject(data);
const isResponse = ({ success, message }) => typeof success === "boolean" && typeof message === "string";

const SHAPES = new Map(Object.entries({
  connection_established: any,
  authenticated: any,
  subscription_confirmed: any,
  unsubscription_confirmed: any,
  pong: any,
  error: ({ code, message }) => typeof code === "string" && typeof message === "string",
  robot_control_response: isResponse,
  lidar_control_response: isResponse,
  control_response: isResponse,
  telemetry_update: hasData,
  lidar_update: ({ data }) => isObject(data) && isObject(data.scan_data) && Array.isArray(data.scan_data.points),
  robot_status_update: hasData,
  event: ({ event, message }) => typeof event === "string" && typeof message === "string",
}));
