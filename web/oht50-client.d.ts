// Types of oht50-client.js, and of what the bridge says (docs/PROTOCOL.md). They need neither the DOM nor Node.

/** `[x, y]` in metres, in the robot's base frame: x forward, y left. */
export type Point = [x: number, y: number];

/** RFC 3339, UTC, six digits, such as `2025-01-28T10:30:00.123456Z`. */
export type Timestamp = string;

/** A known name, or one that a later bridge may say. */
export type Open<Known extends string> = Known | (string & {});

export type Role = "viewer" | "operator" | "administrator";
export type Stream = "telemetry" | "lidar" | "robot_status";
export type RobotState =
  | "IDLE" | "MOVING" | "DOCKING" | "UNDOCKING" | "DOCKED" | "CHARGING" | "PAUSED" | "ERROR" | "EMERGENCY_STOP" | "OFFLINE";
export type StopSource = Open<"web" | "service" | "hardware" | "bridge">;
export type ZoneType = "critical" | "warning" | "safe";

/** Why the robot does not move, or not as fast as it was asked to. The list may grow. */
export type Reason = Open<
  | "emergency_stop" | "shutting_down" | "suspended" | "drive_absent" | "cmd_vel_shared" | "scan_shared" | "no_scan"
  | "scan_stale" | "wrong_frame" | "stamp_future" | "stamp_old" | "few_hits" | "blackout" | "frozen" | "zone_blocked"
  | "not_covered" | "no_odometry" | "link_closed" | "link_silent" | "token_expired" | "taken_over" | "released" | "unattended"
  | "stopped" | "docking_timeout" | "zone_escape" | "stop_distance" | "sight" | "zone_warning" | "limited" | "docking"
>;

/** Codes of the bridge, in an `error` or in a response that says `success: false`. The list may grow. */
export type ErrorCode = Open<
  | "invalid_json" | "invalid_message" | "invalid_parameter" | "unauthorized" | "forbidden" | "rate_limited" | "busy" | "internal"
  | "not_in_control" | "stale_command" | "emergency_stop_active" | "emergency_stop_not_active" | "not_at_rest"
  | "confirmation_required" | "scan_stale" | "scan_invalid" | "odometry_stale" | "zone_blocked" | "not_covered" | "cmd_vel_shared"
  | "service_unavailable" | "service_failed" | "timeout" | "aborted" | "robot_moving" | "audit_unavailable"
>;

// What a client asks for.

export type MoveCommand = "move_forward" | "move_backward" | "turn_left" | "turn_right";
export type PlainCommand = "stop" | "emergency_stop" | "dock" | "undock";
export type Motion = MoveCommand | "drive";
export type RobotCommand = Motion | PlainCommand | "reset_emergency_stop";
export type LidarCommand = "start_scan" | "stop_scan" | "set_frequency" | "set_range";
export type ControlAction = "acquire" | "release" | "take_over";

export interface MoveParameters {
  /** m/s, or rad/s for turns; 0 to 10. */
  speed?: number;
  /** s, 0 to 3600. */
  duration?: number;
  /** The motion ends after a second unless it is repeated. */
  hold_to_run?: boolean;
}

export interface DriveParameters {
  /** m/s, forward positive. */
  linear?: number;
  /** rad/s, counter-clockwise positive. */
  angular?: number;
}

export interface StreamOptions {
  /** 0.1 to 50: messages a second, at most. */
  rate_hz?: number | null;
  /** 1 to 16 unacknowledged updates on their way, at most; 2 unless told otherwise. `null`: every update, however late. */
  max_in_flight?: number | null;
}

export interface LidarOptions extends StreamOptions {
  /** 1 to 100 000 points a message, at most; thinned evenly. */
  max_points?: number | null;
  /** `binary` for thin links; a `lidar_update` looks the same either way. */
  encoding?: "json" | "binary" | null;
}

export interface RequestOptions {
  /** ms to wait for the answer; 5000 unless told otherwise. */
  timeout?: number;
}

// What the bridge says.

interface Message<Type extends string> {
  type: Type;
  timestamp: Timestamp;
}

interface Answering {
  /** That of the request, where it had one. */
  request_id?: string;
}

export interface ConnectionEstablished extends Message<"connection_established"> {
  user_id: number;
  username: string;
  connection_id: string;
  /** By this number it is named where it drives. */
  connection: number;
  role: Role;
  protocol_version: number;
  server_version: string;
  robot_id: number;
  token_expires_at: Timestamp;
  /** m/s and rad/s. */
  limits: { max_linear_speed: number; max_angular_speed: number };
  /** s. */
  heartbeat_interval: number;
  /** The robot's outline. Older bridges do not tell it. */
  footprint?: Point[];
  /** The zones of both field sets. Older bridges do not tell them. */
  safety_zones?: ZoneOutlines;
}

export interface ZoneOutline {
  id: string;
  type: ZoneType;
  boundary: Point[];
}

export interface ZoneOutlines {
  driving: ZoneOutline[];
  docking: ZoneOutline[];
}

export interface Authenticated extends Message<"authenticated">, Answering {
  role: Role;
  token_expires_at: Timestamp;
}

export interface SubscriptionConfirmed extends Message<"subscription_confirmed">, Answering {
  subscription_type: Stream;
}

export interface UnsubscriptionConfirmed extends Message<"unsubscription_confirmed">, Answering {
  subscription_type: Stream;
}

export interface Pong extends Message<"pong">, Answering {}

export interface ErrorMessage extends Message<"error">, Answering {
  code: ErrorCode;
  /** For people. */
  message: string;
}

interface Success {
  success: true;
  /** What was done, for people. */
  message: string;
  code?: undefined;
}

interface Refusal {
  success: false;
  /** Why it was not done, for people. */
  message: string;
  code: ErrorCode;
}

type Outcome = Success | Refusal;

export type RobotControlResponse = Message<"robot_control_response"> & Answering & { command: RobotCommand } & Outcome;
export type LidarControlResponse = Message<"lidar_control_response"> & Answering & { command: LidarCommand } & Outcome;
export type ControlResponse = Message<"control_response"> & Answering & { action: ControlAction } & Outcome;

interface Update {
  /** Counts the stream's values; a gap shows what was left out. */
  seq: number;
  /** When the sensor measured, by the robot's clock (with simulated time the simulation's). */
  stamp: Timestamp | null;
}

/** `null` is: not known. */
export interface TelemetryUpdate extends Message<"telemetry_update">, Update {
  data: {
    robot_id: number;
    status: RobotState;
    /** m, in the odometry frame. */
    position: { x: number; y: number; z: number } | null;
    /** rad, in the odometry frame, counter-clockwise. Older bridges do not tell it. */
    yaw?: number | null;
    /** m/s, without a sign. */
    speed: number | null;
    /** Percent. */
    battery_level: number | null;
    /** Degrees Celsius. */
    temperature: number | null;
  };
}

export interface Obstacle {
  /** Stays while the thing is followed, and is never used again. */
  id: string;
  position: { x: number; y: number };
  /** m/s over the ground, along the axes of the base frame. */
  velocity: { x: number; y: number };
  /** m */
  radius: number;
  type: "static" | "dynamic";
  /** 0.5 to 1. */
  confidence: number;
}

export interface SafetyZone extends ZoneOutline {
  violated: boolean;
}

export interface LidarUpdate extends Message<"lidar_update">, Update {
  data: {
    scan_data: {
      points: Point[];
      /** 0 to 1. */
      quality: number;
    };
    /** Nearest first; for people's eyes alone. */
    obstacles: Obstacle[];
    safety_zones: SafetyZone[];
  };
  /** Of binary frames: the field set that counts. */
  field_set?: "driving" | "docking";
  /** Of binary frames: the numbers of the zones that are violated, also of those whose outline is not known. */
  violated?: number[];
}

export interface Velocity {
  /** m/s, forward positive. */
  linear: number;
  /** rad/s, counter-clockwise positive. */
  angular: number;
}

export interface RobotStatusUpdate extends Message<"robot_status_update">, Update {
  data: {
    robot_id: number;
    status: RobotState;
    /** Who drives; null: nobody. */
    control: { holder: string; user_id: number; since: Timestamp; connection: number } | null;
    emergency_stop: {
      active: boolean;
      source: StopSource | null;
      by: string | null;
      since: Timestamp | null;
      reason: string | null;
    };
    motion: {
      command: Motion;
      requested: Velocity;
      /** By odometry. */
      actual: { linear: number | null; angular: number | null } | null;
      /** s */
      remaining: number | null;
    } | null;
    safety: {
      decision: "allow" | "limit" | "stop";
      reason: Reason | null;
      zone: string | null;
      /** The highest that the surroundings leave, without sign; null: all. */
      limit: { linear: number | null; angular: number | null } | null;
    };
    lidar: {
      state: "absent" | "scanning" | "stopped" | "lost";
      /** s */
      age: number | null;
      /** Hz, as it was set last. */
      frequency: number | null;
      /** m, as it was set last. */
      range: number | null;
    };
    docking: {
      state: "unknown" | "docking" | "docked" | "undocking" | "undocked" | "failed";
      /** s */
      elapsed: number | null;
    };
    /** Seconds since each input came; null: never. */
    sources: { [input: string]: number | null };
  };
}

interface Event<Name extends string, Data> extends Message<"event"> {
  event: Name;
  severity: "info" | "warning" | "critical";
  /** For people. */
  message: string;
  data: Data;
}

type Nothing = Record<string, never>;

/** By `event`. Later bridges may say others: keep a default. */
export type ServerEvent =
  | Event<"emergency_stop_engaged", { source: StopSource; by: string | null }>
  | Event<"emergency_stop_reset", { by: string | null }>
  | Event<"control_changed", { holder: string | null; user_id: number | null; cause: ControlCause }>
  | Event<"motion_finished", { command: Motion; reason: null; zone: null }>
  | Event<"motion_aborted", { command: Motion; reason: Reason; zone: string | null }>
  | Event<"docking_progress" | "docking_finished" | "docking_failed", { command: "dock" | "undock"; elapsed: number | null }>
  | Event<"zone_entered" | "zone_cleared", { zone: string; type: ZoneType }>
  | Event<"scan_lost" | "scan_restored", { age: number | null; reason: Reason | null }>
  | Event<"battery_low", { level: number }>
  | Event<"token_expiring", { expires_at: Timestamp }>
  | Event<"server_stopping" | "notice", Nothing>;

export type ControlCause = Open<
  "command" | "idle" | "link_lost" | "token_expired" | "stop" | "released" | "taken_over" | "suspended"
>;

export type ServerMessage =
  | ConnectionEstablished | Authenticated | SubscriptionConfirmed | UnsubscriptionConfirmed | Pong | ErrorMessage
  | RobotControlResponse | LidarControlResponse | ControlResponse
  | TelemetryUpdate | LidarUpdate | RobotStatusUpdate | ServerEvent;

// The client.

export type Link =
  | { state: "offline" | "connecting" | "connected" }
  /** The `attempt` comes after `delay` ms. */
  | { state: "waiting"; attempt: number; delay: number }
  /** Only a person should try again. `code` is that of the Close, 1006 without one. */
  | { state: "ended"; code: number; text: string };

/** What `on` tells, by type. */
export type Heard = { [Type in ServerMessage["type"]]: Extract<ServerMessage, { type: Type }> } & {
  link: Link;
  /** ms */
  round_trip: number;
};

/** Updates are acknowledged once what their callbacks promise is settled, after a second at the latest. */
export type Callback<Type extends keyof Heard> = (told: Heard[Type]) => unknown;

export interface StreamState {
  /** ms since the newest data were measured; Infinity if none came. Without a `stamp` of the robot's clock: since they were sent. */
  age: number;
  /** Hz, over the last two seconds. */
  rate: number;
  seq: number | null;
  /** How many updates came. */
  received: number;
}

/** What is needed of a WebSocket: browsers, Node 22 and the package `ws` have it. */
export interface WebSocketLike {
  readonly readyState: number;
  binaryType: any;
  onmessage: any;
  onclose: any;
  onerror: any;
  send(text: string): void;
  close(): void;
}

export interface ClientOptions {
  /** Where there is no global one. */
  WebSocket?: new (url: string) => WebSocketLike;
  /** For tests; milliseconds. */
  clock?: { now(): number; setTimeout(act: () => void, delay: number): any; clearTimeout(timer: any): void };
  /** For tests; 0 to 1. */
  random?: () => number;
}

/** Why a request has no answer. */
export class RequestError extends Error {
  constructor(code: RequestError["code"], message: string);
  readonly code: "not_connected" | "link_lost" | "timeout" | ErrorCode;
}

/** Close codes after which only a person should try again, and why. */
export const TERMINAL: ReadonlyMap<number, string>;

/**
 * The `lidar_update` of a binary frame, or null for what is none. `outlines` are the `safety_zones` of
 * `connection_established`; without them `data.safety_zones` is empty.
 */
export function decodeLidarFrame(
  buffer: ArrayBufferLike | ArrayBufferView, outlines?: Partial<ZoneOutlines> | null,
): (LidarUpdate & Required<Pick<LidarUpdate, "field_set" | "violated">>) | null;

export class Oht50Client {
  /** `url` is the endpoint without a token, such as `wss://robot/ws`. */
  constructor(url: string, options?: ClientOptions);

  on<Type extends keyof Heard>(type: Type, callback: Callback<Type>): this;
  off<Type extends keyof Heard>(type: Type, callback: Callback<Type>): this;

  readonly link: Link;
  /** ms since anything was heard from the bridge; Infinity without a connection. */
  readonly silence: number;
  /** ms to the bridge and back; null before it was measured on this connection. */
  readonly roundTrip: number | null;
  /** When the token in use expires, as the bridge said. */
  readonly tokenExpiresAt: Date | null;
  stream(name: Stream): StreamState;

  connect(token: string): void;
  /** Tries again with the same token, when a person asks for it. */
  reconnect(): void;
  /** Ends the connection and forgets the token. */
  close(): void;
  /** Extends the connection in place; when it rejects the old token stays in force. */
  authenticate(token: string, options?: RequestOptions): Promise<Authenticated>;

  /** Asks for a stream now, and with the same options after every reconnect. Once more with others changes them. */
  subscribe(stream: "lidar", options?: LidarOptions): void;
  subscribe(stream: Stream, options?: StreamOptions): void;
  unsubscribe(stream: Stream): void;

  // Each resolves also when the command was refused (`success` false), and rejects with a RequestError. An answer that
  // nobody looks at is no unhandled rejection.
  robot(command: MoveCommand, parameters?: MoveParameters | null, options?: RequestOptions): Promise<RobotControlResponse>;
  robot(command: "drive", parameters: DriveParameters, options?: RequestOptions): Promise<RobotControlResponse>;
  robot(command: "reset_emergency_stop", parameters: { confirm: true }, options?: RequestOptions): Promise<RobotControlResponse>;
  robot(command: PlainCommand, parameters?: null, options?: RequestOptions): Promise<RobotControlResponse>;
  /** m/s and rad/s; the robot stops a second after the last. */
  drive(linear: number, angular?: number, options?: RequestOptions): Promise<RobotControlResponse>;
  stop(options?: RequestOptions): Promise<RobotControlResponse>;
  emergencyStop(options?: RequestOptions): Promise<RobotControlResponse>;
  control(action: ControlAction, options?: RequestOptions): Promise<ControlResponse>;
  lidar(command: "start_scan" | "stop_scan", parameters?: null, options?: RequestOptions): Promise<LidarControlResponse>;
  lidar(command: "set_frequency", parameters: { frequency: number }, options?: RequestOptions): Promise<LidarControlResponse>;
  lidar(command: "set_range", parameters: { range: number }, options?: RequestOptions): Promise<LidarControlResponse>;
  /** Sends a message of one's own, now or not at all. */
  request(message: { type: string; [key: string]: unknown }, options?: RequestOptions): Promise<ServerMessage>;
}

export {}; // what is not exported above is nobody's
