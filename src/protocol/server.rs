//! What the bridge says: answers, streams and events become text.
//!
//! Every function takes plain values and the wall time (`unix`, since the Unix epoch) and returns one JSON object.
//! Fields that the original document knows come first, in its order; ours follow behind `timestamp`. A number
//! that is not finite becomes `null`: what is written is always JSON.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{
    ErrorCode, Failure, PROTOCOL_VERSION, Stream,
    client::{ControlAction, LidarCommand, RobotCommand},
};
use crate::auth::Role;

mod binary;
mod event;
mod lidar;
mod number;
mod status;
mod telemetry;

pub use binary::{BinaryPicture, lidar_frame};
pub(super) use event::event_data;
pub use event::{ControlCause, DockingCommand, Event, EventData, EventName, Severity, event};
pub use lidar::{LidarPicture, Obstacle, ObstacleKind, SafetyZone, ZoneKind, lidar_update};
pub use status::{
    Control, Docking, DockingState, EmergencyStop, Lidar, LidarState, Motion, Safety,
    SafetyDecision, Sources, StatusReport, StopSource, robot_status_update,
};
pub use telemetry::{RobotStatus, Telemetry, telemetry_update};

/// What a client is told first.
#[derive(Debug, Clone, PartialEq)]
pub struct Welcome<'a> {
    /// `user_id` of the token.
    pub user_id: u64,
    /// `sub` of the token.
    pub username: &'a str,
    /// Unguessable; names this connection in logs.
    pub connection_id: &'a str,
    /// Its number, by which a client finds itself among those that drive.
    pub connection: u64,
    /// What the user may do.
    pub role: Role,
    /// From the configuration.
    pub robot_id: u64,
    /// Since the Unix epoch.
    pub token_expires_at: Duration,
    /// The robot's limit, m/s.
    pub max_linear_speed: f64,
    /// The robot's limit, rad/s.
    pub max_angular_speed: f64,
    /// Time between the server's pings.
    pub heartbeat_interval: Duration,
    /// What the robot looks like from above.
    pub plan: &'a Plan,
}

/// The robot and its zones from above, in its base frame, m.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The robot's outline.
    pub footprint: Vec<[f64; 2]>,
    /// The zones that count while it drives,
    pub driving: Vec<ZonePlan>,
    /// and while it docks.
    pub docking: Vec<ZonePlan>,
}

/// A zone as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct ZonePlan {
    /// As configured.
    pub id: Arc<str>,
    /// What follows from something inside.
    pub kind: ZoneKind,
    /// A simple polygon.
    pub boundary: Vec<[f64; 2]>,
}

/// `connection_established`
pub fn connection_established(welcome: &Welcome, unix: Duration) -> String {
    #[derive(Serialize)]
    struct Documented<'a> {
        user_id: u64,
        username: &'a str,
    }
    #[derive(Serialize)]
    struct Added<'a> {
        connection_id: &'a str,
        connection: u64,
        role: &'static str,
        protocol_version: u32,
        server_version: &'static str,
        robot_id: u64,
        token_expires_at: String,
        limits: Limits,
        heartbeat_interval: Option<f64>,
        footprint: Outline,
        safety_zones: SafetyZones<'a>,
    }
    #[derive(Serialize)]
    struct SafetyZones<'a> {
        driving: Vec<Zone<'a>>,
        docking: Vec<Zone<'a>>,
    }
    #[derive(Serialize)]
    struct Zone<'a> {
        id: &'a str,
        r#type: ZoneKind,
        boundary: Outline,
    }
    type Outline = Vec<[Option<f64>; 2]>;
    fn outline(vertices: &[[f64; 2]]) -> Outline {
        vertices.iter().map(|vertex| vertex.map(number::thousandths)).collect()
    }
    fn zones(plans: &[ZonePlan]) -> Vec<Zone<'_>> {
        plans.iter().map(zone).collect()
    }
    fn zone(plan: &ZonePlan) -> Zone<'_> {
        Zone { id: &plan.id, r#type: plan.kind, boundary: outline(&plan.boundary) }
    }
    #[derive(Serialize)]
    struct Limits {
        max_linear_speed: Option<f64>,
        max_angular_speed: Option<f64>,
    }
    let documented = Documented { user_id: welcome.user_id, username: welcome.username };
    let added = Added {
        connection_id: welcome.connection_id,
        connection: welcome.connection,
        role: welcome.role.as_str(),
        protocol_version: PROTOCOL_VERSION,
        server_version: env!("CARGO_PKG_VERSION"),
        robot_id: welcome.robot_id,
        token_expires_at: timestamp(welcome.token_expires_at),
        limits: Limits {
            max_linear_speed: number::thousandths(welcome.max_linear_speed),
            max_angular_speed: number::thousandths(welcome.max_angular_speed),
        },
        heartbeat_interval: number::seconds(welcome.heartbeat_interval),
        footprint: outline(&welcome.plan.footprint),
        safety_zones: SafetyZones {
            driving: zones(&welcome.plan.driving),
            docking: zones(&welcome.plan.docking),
        },
    };
    encode("connection_established", documented, unix, added)
}

/// `subscription_confirmed`
pub fn subscription_confirmed(stream: Stream, request_id: Option<&str>, unix: Duration) -> String {
    let documented = Subscription { subscription_type: stream.as_str() };
    encode("subscription_confirmed", documented, unix, Trailer::of(request_id))
}

/// `unsubscription_confirmed`
pub fn unsubscription_confirmed(
    stream: Stream,
    request_id: Option<&str>,
    unix: Duration,
) -> String {
    let documented = Subscription { subscription_type: stream.as_str() };
    encode("unsubscription_confirmed", documented, unix, Trailer::of(request_id))
}

/// `robot_control_response`
pub fn robot_control_response(
    command: &RobotCommand,
    outcome: &Result<String, Failure>,
    request_id: Option<&str>,
    unix: Duration,
) -> String {
    response("robot_control_response", command.as_str(), outcome, request_id, unix)
}

/// `lidar_control_response`
pub fn lidar_control_response(
    command: &LidarCommand,
    outcome: &Result<String, Failure>,
    request_id: Option<&str>,
    unix: Duration,
) -> String {
    response("lidar_control_response", command.as_str(), outcome, request_id, unix)
}

/// `control_response`
pub fn control_response(
    action: ControlAction,
    outcome: &Result<String, Failure>,
    request_id: Option<&str>,
    unix: Duration,
) -> String {
    #[derive(Serialize)]
    struct Documented<'a> {
        action: &'static str,
        success: bool,
        message: &'a str,
    }
    let (success, message, code) = told(outcome);
    let documented = Documented { action: action.as_str(), success, message };
    encode("control_response", documented, unix, Trailer { request_id, code })
}

/// `pong`
pub fn pong(request_id: Option<&str>, unix: Duration) -> String {
    encode("pong", Nothing {}, unix, Trailer::of(request_id))
}

/// `error`: something was not understood.
pub fn error(code: ErrorCode, message: &str, request_id: Option<&str>, unix: Duration) -> String {
    #[derive(Serialize)]
    struct Documented<'a> {
        message: &'a str,
    }
    encode("error", Documented { message }, unix, Trailer { request_id, code: Some(code) })
}

/// `authenticated`: a newer token was accepted.
pub fn authenticated(
    role: Role,
    token_expires_at: Duration,
    request_id: Option<&str>,
    unix: Duration,
) -> String {
    #[derive(Serialize)]
    struct Added<'a> {
        role: &'static str,
        token_expires_at: String,
        #[serde(flatten)]
        trailer: Trailer<'a>,
    }
    let added = Added {
        role: role.as_str(),
        token_expires_at: timestamp(token_expires_at),
        trailer: Trailer::of(request_id),
    };
    encode("authenticated", Nothing {}, unix, added)
}

/// RFC 3339 in UTC with microseconds and `Z`, as everywhere in the protocol. A time beyond the year 9999 is told as
/// its end.
pub fn timestamp(unix: Duration) -> String {
    let time = i64::try_from(unix.as_micros())
        .ok()
        .and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok())
        .unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.6}")
}

fn response(
    kind: &'static str,
    command: &'static str,
    outcome: &Result<String, Failure>,
    request_id: Option<&str>,
    unix: Duration,
) -> String {
    #[derive(Serialize)]
    struct Documented<'a> {
        command: &'static str,
        success: bool,
        message: &'a str,
    }
    let (success, message, code) = told(outcome);
    encode(kind, Documented { command, success, message }, unix, Trailer { request_id, code })
}

/// Whether it was done, the text for people, and the code of a failure.
fn told(outcome: &Result<String, Failure>) -> (bool, &str, Option<ErrorCode>) {
    match outcome {
        Ok(message) => (true, message, None),
        Err(failure) => (false, &failure.message, Some(failure.code)),
    }
}

/// The shape of every message: the documented fields, the time, then what we add.
#[derive(Serialize)]
struct Message<A, B> {
    r#type: &'static str,
    #[serde(flatten)]
    documented: A,
    timestamp: String,
    #[serde(flatten)]
    added: B,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Subscription {
    subscription_type: &'static str,
}

/// What comes back with an answer.
#[derive(Serialize)]
struct Trailer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<ErrorCode>,
}

impl Trailer<'_> {
    fn of(request_id: Option<&str>) -> Trailer<'_> {
        Trailer { request_id, code: None }
    }
}

/// What comes with every update of a stream.
#[derive(Serialize)]
struct Origin {
    seq: u64,
    stamp: Option<String>,
}

impl Origin {
    fn new(seq: u64, stamp: Option<Duration>) -> Origin {
        Origin { seq, stamp: stamp.map(timestamp) }
    }
}

fn encode(
    kind: &'static str,
    documented: impl Serialize,
    unix: Duration,
    added: impl Serialize,
) -> String {
    json(&Message { r#type: kind, documented, timestamp: timestamp(unix), added })
}

/// Writing these types cannot fail: their keys are strings, and memory has no write errors. Should it do so after a
/// change, the client gets `null` and the robot goes on.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_has_six_digits_and_a_z() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (1, "1970-01-01T00:00:00.000001Z"),
            (1_738_060_200_123_456, "2025-01-28T10:30:00.123456Z"),
            (1_738_060_200_500_000, "2025-01-28T10:30:00.500000Z"),
            (1_709_164_800_000_000, "2024-02-29T00:00:00.000000Z"),
            (u64::MAX, "9999-12-30T22:00:00.999999Z"),
        ] {
            assert_eq!(timestamp(Duration::from_micros(micros)), expected);
        }
        assert_eq!(timestamp(Duration::MAX), timestamp(Duration::from_micros(u64::MAX)));
        assert_eq!(timestamp(Duration::from_nanos(999)), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn what_a_client_sent_is_escaped() {
        let unix = Duration::from_secs(1);
        let text =
            error(ErrorCode::InvalidMessage, "Invalid message type: \"\u{1}\n", Some("\"}"), unix);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["message"], "Invalid message type: \"\u{1}\n");
        assert_eq!(value["request_id"], "\"}");
    }
}
