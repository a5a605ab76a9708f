//! What comes into a conversation and what goes out of it.

use std::time::Duration;

use crate::{
    auth::{Administrator, Operator, Role},
    protocol::{Answer, CloseReason, Options, Stream, audit::Entry, client::LidarCommand},
    safety::{Caller, MotionRequest, latch::Alive},
};

use super::liveness::Payload;

/// What happens to a conversation.
#[derive(Debug)]
pub enum Input<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary,
    /// A ping of the client.
    Ping,
    /// A pong of the client.
    Pong(&'a [u8]),
    /// Whether this connection is in control of the robot.
    Control(bool),
    /// An answer from the robot's side.
    Answer(Answer),
    /// Zero was published for every stop up to this number.
    StopsServed(u64),
    /// Keys or deny list are others than before.
    AccessChanged,
    /// The time of [`Session::deadline`](super::Session::deadline) has come.
    Tick,
    /// The bridge wants the connection closed.
    Close(CloseReason),
}

/// What the connection has to do, in this order.
#[derive(Debug)]
pub enum Output {
    /// Send a text message.
    Send(String),
    /// Send a ping.
    Ping(Payload),
    /// Start a stream.
    Subscribe(Stream, Options),
    /// A stream's messages up to this number have arrived.
    Acknowledge(Stream, u64),
    /// End a stream.
    Unsubscribe(Stream),
    /// Hand a command to the robot's side; if it has no room, feed back an [`Answer`] with `busy`.
    Command(Command),
    /// A newer token was accepted.
    Renewed {
        /// What it is good for.
        role: Role,
        /// Its end, since the Unix epoch.
        expires_at: Duration,
    },
    /// Zero was published for a stop this long after it came.
    Stopped(Duration),
    /// Keep this in the audit log.
    Audit(Entry),
    /// Send a Close; nothing but stops is listened to after it.
    Close(CloseReason),
}

/// A command on its way to the robot's side.
#[derive(Debug)]
pub struct Command {
    /// Who asks.
    pub caller: Caller,
    /// To be returned with the answer; unique within the connection.
    pub ticket: u64,
    /// What, with the proof that the caller may.
    pub action: Action,
    /// The newest call of the stop latch when this was parsed: a stop with a higher number voids it.
    pub after: u64,
    /// A command whose link is gone is void.
    pub alive: Alive,
    /// When it came, monotonic.
    pub at: Duration,
}

/// What can be asked of the robot's side.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Move or turn.
    Motion(Operator, MotionRequest),
    /// Drive onto the dock.
    Dock(Operator),
    /// Leave it.
    Undock(Operator),
    /// Release the emergency stop.
    ResetEmergencyStop(Operator),
    /// Take control without moving.
    Acquire(Operator),
    /// Give it back.
    Release(Operator),
    /// Take it from whoever has it.
    TakeOver(Administrator),
    /// Command the LiDAR.
    Lidar(Operator, LidarCommand),
}
