//! The audit log's lines: who asked for what, from where, and what came of it; and what the bridge decided by itself.
//!
//! A line is one JSON object of the fields below and a newline; what is not known is left out. No field holds a token,
//! nor anything else that a client may write as it likes.

use std::{net::SocketAddr, time::Duration};

use serde::Serialize;

use super::{
    ErrorCode, Failure,
    client::{ControlAction, LidarCommand, RobotCommand},
    server::{self, Event, EventData, EventName, ZoneKind, event_data},
};
use crate::{
    auth::Role,
    safety::{Caller, MotionRequest, Speed},
};

/// What somebody asked for, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Since the Unix epoch.
    pub unix: Duration,
    /// Who.
    pub caller: Caller,
    /// What they may do; after `authenticate` by the newer token.
    pub role: Role,
    /// What was asked for.
    pub deed: Deed,
    /// What came of it.
    pub ending: Ending,
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deed {
    /// `robot_control`
    Robot(RobotCommand),
    /// `lidar_control`
    Lidar(LidarCommand),
    /// `control`
    Control(ControlAction),
    /// `authenticate`
    Authenticate,
    /// A message that was not understood. Its text is not kept: whatever the client sent may stand in it.
    Message,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// A stop, in the latch: this often since the connection's last line of that stop.
    Latched(u64),
    /// It was answered.
    Answered(Result<String, Failure>),
    /// The connection ended before the answer.
    Unanswered,
}

impl Entry {
    /// Command and result in one word each, and how often, for those who count; `None` for what was no command.
    pub fn tally(&self) -> Option<(&'static str, &'static str, u64)> {
        let (result, count) = match &self.ending {
            Ending::Latched(count) => ("latched", *count),
            Ending::Answered(Ok(_)) => ("success", 1),
            Ending::Answered(Err(failure)) => (failure.code.as_str(), 1),
            Ending::Unanswered => ("unanswered", 1),
        };
        Some((self.deed.command()?, result, count))
    }

    /// Whether it must be on the disk as soon as may be.
    pub fn is_stop(&self) -> bool {
        matches!(self.ending, Ending::Latched(_))
    }
}

/// What a connection from `address` asked for.
pub fn line(entry: &Entry, address: SocketAddr) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        time: String,
        kind: &'static str,
        connection: u64,
        user_id: u64,
        user: &'a str,
        role: &'static str,
        address: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        command: Option<&'static str>,
        #[serde(skip_serializing_if = "Parameters::is_empty")]
        parameters: Parameters,
        result: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<ErrorCode>,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
    }
    let Entry { unix, caller, role, deed, ending } = entry;
    let (result, count, code, message) = match ending {
        Ending::Latched(count) => ("latched", Some(*count), None, None),
        Ending::Answered(Ok(message)) => ("success", None, None, Some(message)),
        Ending::Answered(Err(failure)) => {
            ("failure", None, Some(failure.code), Some(&failure.message))
        }
        Ending::Unanswered => ("unanswered", None, None, None),
    };
    terminated(&Line {
        time: server::timestamp(*unix),
        kind: match deed {
            _ if entry.is_stop() => "stop",
            Deed::Message => "message",
            _ => "command",
        },
        connection: caller.connection.0,
        user_id: caller.user_id,
        user: cut(&caller.username),
        role: role.as_str(),
        address: address.to_string(),
        command: deed.command(),
        parameters: Parameters::of(deed),
        result,
        count,
        code,
        message: message.filter(|_| *deed != Deed::Message).map(|text| cut(text)),
    })
}

/// What the bridge decided, or noticed, by itself.
pub fn event(event: &Event, unix: Duration) -> String {
    happened(event.name.as_str(), &event.message, event_data(&event.data), unix)
}

/// The bridge started; why the emergency stop was latched then, if it was.
pub fn started(robot_id: u64, emergency_stop: Option<&str>, unix: Duration) -> String {
    #[derive(Serialize)]
    struct Data<'a> {
        robot_id: u64,
        emergency_stop: Option<&'a str>,
    }
    let message = concat!("oht50_bridge ", env!("CARGO_PKG_VERSION"), " started");
    happened("started", message, Data { robot_id, emergency_stop: emergency_stop.map(cut) }, unix)
}

/// This many lines before this one could not be kept.
pub fn lost(count: u64, unix: Duration) -> String {
    #[derive(Serialize)]
    struct Data {
        count: u64,
    }
    happened("lines_lost", "Lines could not be written", Data { count }, unix)
}

/// Whether an event must be on the disk as soon as may be, as a stop's line must.
pub fn is_stop(event: &Event) -> bool {
    matches!(event.data, EventData::EmergencyStop { .. })
}

/// Whether an event is worth a line: who passes at some distance, and that docking goes on, is not.
pub fn is_kept(event: &Event) -> bool {
    match event.data {
        EventData::Zone { kind, .. } => kind == ZoneKind::Critical,
        _ => event.name != EventName::DockingProgress,
    }
}

impl Deed {
    fn command(&self) -> Option<&'static str> {
        match self {
            Deed::Robot(command) => Some(command.as_str()),
            Deed::Lidar(command) => Some(command.as_str()),
            Deed::Control(action) => Some(action.as_str()),
            Deed::Authenticate => Some("authenticate"),
            Deed::Message => None,
        }
    }
}

/// As in the protocol; what was not given, or has no effect, is left out.
#[derive(Default, PartialEq, Serialize)]
struct Parameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linear: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    angular: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_to_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<f64>,
}

impl Parameters {
    fn of(deed: &Deed) -> Parameters {
        let none = Parameters::default();
        match *deed {
            Deed::Robot(RobotCommand::Motion(request)) => Parameters::of_motion(&request),
            Deed::Robot(RobotCommand::ResetEmergencyStop { confirmed }) => {
                Parameters { confirm: Some(confirmed), ..none }
            }
            Deed::Robot(
                RobotCommand::Stop
                | RobotCommand::EmergencyStop
                | RobotCommand::Dock
                | RobotCommand::Undock,
            ) => none,
            Deed::Lidar(LidarCommand::SetFrequency(frequency)) => {
                Parameters { frequency: Some(frequency), ..none }
            }
            Deed::Lidar(LidarCommand::SetRange(range)) => Parameters { range: Some(range), ..none },
            Deed::Lidar(LidarCommand::StartScan | LidarCommand::StopScan) => none,
            Deed::Control(_) | Deed::Authenticate | Deed::Message => none,
        }
    }

    fn of_motion(request: &MotionRequest) -> Parameters {
        let MotionRequest { kind: _, speed, duration, hold_to_run } = request;
        let held = Parameters {
            duration: duration.map(|duration| duration.as_secs_f64()),
            hold_to_run: hold_to_run.then_some(true),
            ..Parameters::default()
        };
        match speed {
            Speed::Default => held,
            Speed::Magnitude(speed) => Parameters { speed: Some(*speed), ..held },
            Speed::Velocity(velocity) => Parameters {
                linear: Some(velocity.linear),
                angular: Some(velocity.angular),
                ..held
            },
        }
    }

    fn is_empty(&self) -> bool {
        *self == Parameters::default()
    }
}

fn happened(name: &str, message: &str, data: impl Serialize, unix: Duration) -> String {
    #[derive(Serialize)]
    struct Line<'a, D> {
        time: String,
        kind: &'static str,
        event: &'a str,
        message: &'a str,
        data: D,
    }
    let time = server::timestamp(unix);
    terminated(&Line { time, kind: "event", event: name, message: cut(message), data })
}

/// JSON escapes every newline within it.
fn terminated(value: &impl Serialize) -> String {
    let mut line = server::json(value);
    line.push('\n');
    line
}

/// Names come out of tokens and texts from the robot's side: a line must not grow with them.
fn cut(text: &str) -> &str {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Characters of a name or a message.
const LONGEST_TEXT: usize = 256;

#[cfg(test)]
mod tests;
