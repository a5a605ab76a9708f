//! What was said, when it arrived, and what the robot's side did: all that the rules need.

use std::time::Duration;

use oht50_bridge::sim::Velocity;
use serde_json::Value;

use super::link::Link;
use crate::robot::UNIX;

/// Everything about one run.
#[derive(Default)]
pub struct Run {
    pub connections: Vec<Connection>,
    pub messages: Vec<Message>,
    pub events: Vec<Event>,
    /// Every velocity that was published, and when.
    pub published: Vec<(Duration, Velocity)>,
}

/// A connection; its number is its place in [`Run::connections`], and a user of its own.
pub struct Connection {
    pub role: Role,
    pub link: Link,
    /// When the server learned that it is gone, be it by a Close.
    pub gone: Option<Duration>,
    /// Whether that was a Close.
    pub closed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub enum Role {
    Viewer,
    Operator,
    Administrator,
}

/// One message of a client.
#[derive(Debug, Clone)]
pub struct Message {
    pub connection: usize,
    pub said: Said,
    pub sent: Duration,
    /// Its last byte on its link.
    pub end: u64,
    /// When the server had all of it.
    pub arrived: Option<Duration>,
    /// When the server answered it, and whether with success.
    pub answered: Option<(Duration, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Said {
    Motion(Wanted),
    Stop,
    EmergencyStop,
    Reset,
    Acquire,
    Release,
    TakeOver,
    /// Anything else in a text message.
    Word,
    Pong,
    Close,
}

/// What a motion may do at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    pub velocity: Velocity,
    /// How long it runs unless it is repeated.
    pub runs_for: Duration,
    /// Whether no other motion of the run wants the same velocity.
    pub unique: bool,
}

/// What the bridge told everybody.
#[derive(Debug, Clone)]
pub struct Event {
    pub at: Duration,
    pub name: String,
    /// The connection that drives from now on.
    pub holder: Option<usize>,
    pub cause: String,
}

impl Run {
    /// Completes what is known only at the end.
    pub fn complete(&mut self) {
        for message in &mut self.messages {
            message.arrived = self.connections[message.connection].link.arrived(message.end);
        }
        for (number, connection) in self.connections.iter_mut().enumerate() {
            let closes = self.messages.iter().find(|message| {
                message.connection == number
                    && message.said == Said::Close
                    && message.arrived.is_some()
            });
            let close = closes.and_then(|message| message.arrived);
            let broken = connection.link.broken();
            connection.closed = close.is_some_and(|at| broken.is_none_or(|broken| at <= broken));
            connection.gone = [close, broken].into_iter().flatten().min();
        }
    }
}

impl Event {
    /// An event as it came; `None` for other messages.
    pub fn of(message: &Value) -> Option<Event> {
        let data = &message["data"];
        Some(Event {
            at: stamp(message),
            name: message["event"].as_str()?.to_owned(),
            holder: data["user_id"].as_u64().map(|user_id| user_id as usize - 1),
            cause: data["cause"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

/// When the bridge wrote a message, in the run's time.
pub fn stamp(message: &Value) -> Duration {
    let stamp: jiff::Timestamp = message["timestamp"].as_str().unwrap().parse().unwrap();
    Duration::from_nanos(stamp.as_nanosecond() as u64) - UNIX
}
