//! What a client may say: a text frame becomes a domain command, or a refusal with its documented text.

use std::fmt;

use super::{
    ErrorCode, Options, Stream,
    json::{self, Json, Object},
};
use crate::safety::{MotionKind, MotionRequest, Speed};

mod options;
mod parameters;

use parameters::{FREQUENCY, LINEAR, LidarParameters, RANGE, RobotParameters};

/// Reads one text message. It never panics, whatever the text.
///
/// `stop` and `emergency_stop` are never refused for their other fields: once type and command are read, they stand.
/// The texts of refusals are those of `docs/PROTOCOL.md`.
pub fn parse(text: &str) -> Result<Request, Refused> {
    let object = json::object(text).map_err(|_| Refused {
        request_id: None,
        code: ErrorCode::InvalidJson,
        message: "Invalid JSON format".to_owned(),
    })?;
    let id = request_id(&object);
    match message(&object) {
        Ok(message) if message.is_stop() => Ok(Request { id: id.unwrap_or_default(), message }),
        Ok(message) => match id {
            Ok(id) => Ok(Request { id, message }),
            Err(Fault { code, message }) => Err(Refused { request_id: None, code, message }),
        },
        Err(Fault { code, message }) => {
            Err(Refused { request_id: id.unwrap_or_default(), code, message })
        }
    }
}

/// One message of a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// `request_id`, to be returned with the answer; at most 64 characters.
    pub id: Option<String>,
    /// What is asked.
    pub message: ClientMessage,
}

/// Everything a client can ask.
#[derive(Clone, PartialEq)]
pub enum ClientMessage {
    /// Start a stream on this connection.
    Subscribe(Stream, Options),
    /// End it.
    Unsubscribe(Stream),
    /// A stream's messages up to this number have been dealt with.
    Acknowledge(Stream, u64),
    /// `robot_control`.
    Robot(RobotCommand),
    /// `lidar_control`.
    Lidar(LidarCommand),
    /// `control`: who drives.
    Control(ControlAction),
    /// Application-level ping.
    Ping,
    /// Extend the connection with a newer token of the same user.
    Authenticate {
        /// The JSON Web Token; never logged.
        token: String,
    },
}

impl ClientMessage {
    /// Its `type`.
    pub fn kind(&self) -> &'static str {
        match self {
            ClientMessage::Subscribe(..) => "subscribe",
            ClientMessage::Unsubscribe(_) => "unsubscribe",
            ClientMessage::Acknowledge(..) => "ack",
            ClientMessage::Robot(_) => "robot_control",
            ClientMessage::Lidar(_) => "lidar_control",
            ClientMessage::Control(_) => "control",
            ClientMessage::Ping => "ping",
            ClientMessage::Authenticate { .. } => "authenticate",
        }
    }

    /// Whether it only ever stops the robot.
    pub fn is_stop(&self) -> bool {
        matches!(self, ClientMessage::Robot(RobotCommand::Stop | RobotCommand::EmergencyStop))
    }
}

/// Leaves the token out, so that no log can hold it.
impl fmt::Debug for ClientMessage {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            ClientMessage::Subscribe(stream, options) => {
                f.debug_tuple("Subscribe").field(stream).field(options).finish()
            }
            ClientMessage::Acknowledge(stream, seq) => {
                f.debug_tuple("Acknowledge").field(stream).field(seq).finish()
            }
            ClientMessage::Unsubscribe(stream) => {
                f.debug_tuple("Unsubscribe").field(stream).finish()
            }
            ClientMessage::Robot(command) => f.debug_tuple("Robot").field(command).finish(),
            ClientMessage::Lidar(command) => f.debug_tuple("Lidar").field(command).finish(),
            ClientMessage::Control(action) => f.debug_tuple("Control").field(action).finish(),
            ClientMessage::Ping => f.write_str("Ping"),
            ClientMessage::Authenticate { .. } => f.write_str("Authenticate { .. }"),
        }
    }
}

/// What is counted of a message that was not understood: its own words may be anything.
pub const NOT_UNDERSTOOD: &str = "invalid";

/// `robot_control`'s commands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RobotCommand {
    /// `move_forward`, `move_backward`, `turn_left`, `turn_right`, `drive`.
    Motion(MotionRequest),
    /// End any motion.
    Stop,
    /// Latch the emergency stop.
    EmergencyStop,
    /// Release the latch; `parameters.confirm` must be true.
    ResetEmergencyStop {
        /// `parameters.confirm`.
        confirmed: bool,
    },
    /// Drive onto the charging dock.
    Dock,
    /// Leave it.
    Undock,
}

impl RobotCommand {
    /// The name on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            RobotCommand::Motion(request) => request.kind.as_str(),
            RobotCommand::Stop => "stop",
            RobotCommand::EmergencyStop => "emergency_stop",
            RobotCommand::ResetEmergencyStop { .. } => "reset_emergency_stop",
            RobotCommand::Dock => "dock",
            RobotCommand::Undock => "undock",
        }
    }
}

wire_names! {
    /// What can be done about who drives.
    pub enum ControlAction {
        /// Take control without moving.
        Acquire = "acquire",
        /// Give it back.
        Release = "release",
        /// Take it from whoever has it.
        TakeOver = "take_over",
    }
}

/// `lidar_control`'s commands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LidarCommand {
    /// Start the LiDAR's motor.
    StartScan,
    /// Stop it.
    StopScan,
    /// Scan frequency in Hz, 1 to 50.
    SetFrequency(f64),
    /// Crop what is shown beyond this range in metres, 0.1 to 20.
    SetRange(f64),
}

impl LidarCommand {
    /// The name on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            LidarCommand::StartScan => "start_scan",
            LidarCommand::StopScan => "stop_scan",
            LidarCommand::SetFrequency(_) => "set_frequency",
            LidarCommand::SetRange(_) => "set_range",
        }
    }
}

/// A text frame that was not understood; answered by an `error`.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// `request_id`, where it could be read.
    pub request_id: Option<String>,
    /// For programs.
    pub code: ErrorCode,
    /// The documented text.
    pub message: String,
}

/// What is wrong with a message.
struct Fault {
    code: ErrorCode,
    message: String,
}

impl Fault {
    /// The type or an enumeration.
    fn message(text: impl Into<String>) -> Fault {
        Fault { code: ErrorCode::InvalidMessage, message: text.into() }
    }

    /// Something in `parameters`.
    fn parameter(text: impl Into<String>) -> Fault {
        Fault { code: ErrorCode::InvalidParameter, message: text.into() }
    }
}

fn request_id(object: &Object) -> Result<Option<String>, Fault> {
    match object.get("request_id") {
        None => Ok(None),
        Some(Json::Text(id)) if id.chars().count() <= MAX_TEXT => Ok(Some(id.clone())),
        Some(_) => Err(Fault::message(format!(
            "request_id must be a string of at most {MAX_TEXT} characters"
        ))),
    }
}

fn message(object: &Object) -> Result<ClientMessage, Fault> {
    if matches!(object.get("type"), None | Some(Json::Null)) {
        return Err(Fault::message("Message type is required"));
    }
    match name(object, "type") {
        "subscribe" => {
            let stream = stream(object)?;
            Ok(ClientMessage::Subscribe(stream, options::read(object, stream)?))
        }
        "ack" => Ok(ClientMessage::Acknowledge(stream(object)?, seq(object)?)),
        "unsubscribe" => stream(object).map(ClientMessage::Unsubscribe),
        "robot_control" => robot_command(object).map(ClientMessage::Robot),
        "lidar_control" => lidar_command(object).map(ClientMessage::Lidar),
        "control" => {
            let action = name(object, "action");
            ControlAction::ALL
                .iter()
                .find(|known| known.as_str() == action)
                .map(|known| ClientMessage::Control(*known))
                .ok_or_else(|| unknown("Invalid control action", action))
        }
        "ping" => Ok(ClientMessage::Ping),
        "authenticate" => match object.get("token") {
            Some(Json::Text(token)) => Ok(ClientMessage::Authenticate { token: token.clone() }),
            _ => Err(Fault::message("Token must be a string")),
        },
        other => Err(unknown("Invalid message type", other)),
    }
}

fn stream(object: &Object) -> Result<Stream, Fault> {
    let name = name(object, "subscription_type");
    Stream::ALL
        .into_iter()
        .find(|stream| stream.as_str() == name)
        .ok_or_else(|| unknown("Invalid subscription type", name))
}

/// A number that an `f64` holds exactly.
fn seq(object: &Object) -> Result<u64, Fault> {
    match object.get("seq") {
        Some(Json::Number(seq)) if seq.fract() == 0.0 && (0.0..=LARGEST_SEQ).contains(seq) => {
            Ok(*seq as u64)
        }
        _ => Err(Fault::parameter("Seq must be a whole number, not negative")),
    }
}

fn robot_command(object: &Object) -> Result<RobotCommand, Fault> {
    let motion = |kind| {
        let parameters = RobotParameters::read(object, &["hold_to_run"])?;
        let RobotParameters { speed, duration, hold_to_run, .. } = parameters;
        let speed = speed.map_or(Speed::Default, Speed::Magnitude);
        Ok(RobotCommand::Motion(MotionRequest { kind, speed, duration, hold_to_run }))
    };
    match name(object, "command") {
        "stop" => Ok(RobotCommand::Stop),
        "emergency_stop" => Ok(RobotCommand::EmergencyStop),
        "move_forward" => motion(MotionKind::MoveForward),
        "move_backward" => motion(MotionKind::MoveBackward),
        "turn_left" => motion(MotionKind::TurnLeft),
        "turn_right" => motion(MotionKind::TurnRight),
        "drive" => {
            let parameters = RobotParameters::read(object, &["linear", "angular"])?;
            Ok(RobotCommand::Motion(MotionRequest {
                kind: MotionKind::Drive,
                speed: Speed::Velocity(parameters.velocity.ok_or_else(|| LINEAR.fault())?),
                duration: None,
                hold_to_run: true,
            }))
        }
        "dock" => RobotParameters::read(object, &[]).map(|_| RobotCommand::Dock),
        "undock" => RobotParameters::read(object, &[]).map(|_| RobotCommand::Undock),
        "reset_emergency_stop" => RobotParameters::read(object, &["confirm"]).map(
            |RobotParameters { confirmed, .. }| RobotCommand::ResetEmergencyStop { confirmed },
        ),
        other => Err(unknown("Invalid robot command", other)),
    }
}

fn lidar_command(object: &Object) -> Result<LidarCommand, Fault> {
    match name(object, "command") {
        "start_scan" => LidarParameters::read(object).map(|_| LidarCommand::StartScan),
        "stop_scan" => LidarParameters::read(object).map(|_| LidarCommand::StopScan),
        "set_frequency" => {
            let frequency = LidarParameters::read(object)?.frequency;
            frequency.map(LidarCommand::SetFrequency).ok_or_else(|| FREQUENCY.fault())
        }
        "set_range" => {
            let range = LidarParameters::read(object)?.range;
            range.map(LidarCommand::SetRange).ok_or_else(|| RANGE.fault())
        }
        other => Err(unknown("Invalid LiDAR command", other)),
    }
}

/// An enumeration's text; empty if it is missing or no string, which no enumeration knows.
fn name<'a>(object: &'a Object, key: &str) -> &'a str {
    match object.get(key) {
        Some(Json::Text(name)) => name,
        _ => "",
    }
}

fn unknown(text: &str, echo: &str) -> Fault {
    Fault::message(format!("{text}: {}", cut(echo)))
}

/// The first characters of what a client sent: an answer must not grow with the question.
fn cut(text: &str) -> &str {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// 2^53: beyond, whole numbers are not told apart.
const LARGEST_SEQ: f64 = 9_007_199_254_740_992.0;

/// Characters of a `request_id`, and of an echoed value.
const MAX_TEXT: usize = 64;

#[cfg(test)]
mod tests;
