// What programs in TypeScript may say and may not: this must compile with --strict. Nothing of it is ever run.

import { Oht50Client, RequestError, TERMINAL, decodeLidarFrame } from "../../web/oht50-client.js";
import { BackgroundSocket } from "../../web/background-socket.js";
import type { ErrorCode, LidarUpdate, Link, Point, ServerEvent, StreamState } from "../../web/oht50-client.js";

export async function drives(token: string): Promise<string> {
  const client = new Oht50Client("wss://robot/ws");
  client.connect(token);
  const answer = await client.robot("move_forward", { speed: 0.3, duration: 2 }, { timeout: 1000 });
  if (!answer.success) return answer.code satisfies ErrorCode;
  await client.robot("reset_emergency_stop", { confirm: true });
  await client.robot("dock", undefined, { timeout: 150_000 });
  await client.drive(0.3, -0.1);
  await client.stop();
  await client.emergencyStop({ timeout: 1500 });
  await client.lidar("set_range", { range: 12.5 });
  const { action, message } = await client.control("acquire");
  const { role, token_expires_at } = await client.authenticate(token);
  // @ts-expect-error a mistyped key must not move a robot
  client.robot("move_forward", { spede: 0.3 });
  // @ts-expect-error no such command
  client.robot("jump");
  // @ts-expect-error a reset needs its confirmation
  client.robot("reset_emergency_stop");
  // @ts-expect-error no such action
  client.control("grab");
  return `${action} ${message} ${role} ${token_expires_at}`;
}

export function inABusyPage(): Oht50Client {
  return new Oht50Client("wss://robot/ws", { WebSocket: BackgroundSocket });
}

export function listens(client: Oht50Client): void {
  const show = ({ data, stamp, field_set }: LidarUpdate): Promise<void> => {
    const points: Point[] = data.scan_data.points;
    return Promise.resolve(console.log(points.length, stamp, field_set, data.safety_zones[0]?.violated));
  };
  client
    .on("lidar_update", show)
    .on("telemetry_update", ({ data }) => console.log(data.position?.x, data.speed?.toFixed(2), data.status === "MOVING"))
    .on("robot_status_update", ({ data }) => console.log(data.control?.holder, data.safety.reason, data.sources["scan"]))
    .on("connection_established", ({ safety_zones, footprint }) => console.log(safety_zones?.docking[0]?.boundary, footprint?.[0]))
    .on("error", ({ code, message }) => console.log(code, message))
    .on("round_trip", (milliseconds) => console.log(milliseconds.toFixed(0)))
    .on("event", (event) => console.log(tells(event)))
    .on("link", (link) => console.log(says(link)))
    .off("lidar_update", show);
  // @ts-expect-error a speed may be unknown
  client.on("telemetry_update", ({ data }) => data.speed.toFixed(2));
  // @ts-expect-error no such message
  client.on("telemetry", () => {});
}

function tells(event: ServerEvent): string {
  switch (event.event) {
    case "battery_low": return `${event.data.level.toFixed(0)} %`;
    case "motion_aborted": return `${event.data.command}: ${event.data.reason}`;
    case "control_changed": return event.data.holder ?? event.data.cause;
    case "token_expiring": return event.data.expires_at;
    case "zone_entered": return event.data.type;
    default: return event.message;
  }
}

function says(link: Link): string {
  if (link.state === "waiting") return `attempt ${link.attempt.toFixed(0)} in ${link.delay} ms`;
  if (link.state === "ended") return `${link.code}: ${link.text}`;
  // @ts-expect-error only of those above
  link.code;
  return link.state;
}

export function subscribes(client: Oht50Client): StreamState {
  client.subscribe("telemetry");
  client.subscribe("robot_status", { rate_hz: 1, max_in_flight: null });
  client.subscribe("lidar", { rate_hz: 5, max_points: 360, encoding: "binary", max_in_flight: 1 });
  client.unsubscribe("robot_status");
  // @ts-expect-error binary frames are for lidar
  client.subscribe("telemetry", { encoding: "binary" });
  // @ts-expect-error no such stream
  client.subscribe("camera");
  const trip: number | null = client.roundTrip;
  const expires: number | undefined = client.tokenExpiresAt?.getTime();
  console.log(trip, expires, client.silence, client.link.state);
  // @ts-expect-error it is told, not set
  client.roundTrip = 1;
  return client.stream("lidar");
}

export function decodes(frame: ArrayBuffer, bytes: Uint8Array): boolean {
  const update = decodeLidarFrame(frame, { driving: [{ id: "a", type: "critical", boundary: [[0, 0], [1, 0], [0, 1]] }] });
  const violated: number[] | undefined = update?.violated;
  return violated !== undefined || decodeLidarFrame(bytes)?.field_set === "docking" || TERMINAL.has(4001);
}

export function explains(error: unknown): string {
  return error instanceof RequestError && error.code === "not_connected" ? "Nothing was sent" : String(error);
}

/** A class of one's own in place of the global one, such as that of the package `ws`. */
export class Socket {
  readyState: 0 | 1 | 2 | 3 = 0;
  binaryType: "nodebuffer" | "arraybuffer" | "fragments" = "nodebuffer";
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(url: string | URL, readonly protocols?: string[]) {
    console.log(url);
  }
  send(data: string | Uint8Array): void {
    console.log(data);
  }
  close(code?: number): void {
    console.log(code);
  }
}
export const withIt = (): Oht50Client => new Oht50Client("ws://robot/ws", { WebSocket: Socket });
