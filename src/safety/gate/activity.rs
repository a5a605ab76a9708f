//! What the robot is doing for whom, and which velocity that wants.

use std::time::Duration;

use super::super::{ConnectionId, GateConfig, MotionKind, Velocity, limit};

/// What goes on.
#[derive(Debug)]
pub enum Activity {
    /// Nothing.
    Idle,
    /// A motion that an operator commanded.
    Motion(Motion),
    /// Docking or undocking; the docking controller steers.
    Docking(Docking),
}

/// A motion that an operator commanded.
#[derive(Debug)]
pub struct Motion {
    /// Whose.
    pub ticket: Ticket,
    /// Which way.
    pub kind: MotionKind,
    /// Within the limits.
    pub target: Velocity,
    /// When it ends.
    pub until: Duration,
    /// What the driver is told once the robot begins; `None` when told.
    pub announcement: Option<String>,
    /// More was asked than the robot may.
    pub clamped: bool,
}

/// Docking or undocking.
#[derive(Debug)]
pub struct Docking {
    /// Whose.
    pub ticket: Ticket,
    /// What the docking controller asked for last, and when.
    pub wanted: Option<(Velocity, Duration)>,
    /// When it has failed.
    pub until: Duration,
}

/// Which command, of which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The connection.
    pub connection: ConnectionId,
    /// Its number for the command.
    pub number: u64,
    /// The newest call of the stop latch when the command was parsed.
    pub after: u64,
}

/// A motion that goes on, for the status.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MotionState {
    /// Which way.
    pub kind: MotionKind,
    /// What was asked, within the limits.
    pub requested: Velocity,
    /// What is published.
    pub actual: Velocity,
    /// Time left.
    pub remaining: Duration,
}

impl Activity {
    /// The connection whose command is being carried out.
    pub fn driver(&self) -> Option<ConnectionId> {
        match self {
            Activity::Idle => None,
            Activity::Motion(motion) => Some(motion.ticket.connection),
            Activity::Docking(docking) => Some(docking.ticket.connection),
        }
    }

    /// The velocity that this wants now. A docking controller that fell silent wants none.
    pub fn target(&self, config: &GateConfig, now: Duration) -> Velocity {
        match self {
            Activity::Idle => Velocity::default(),
            Activity::Motion(motion) => motion.target,
            Activity::Docking(docking) => match docking.wanted {
                Some((wanted, at)) if now.saturating_sub(at) < DOCK_VELOCITY_TIMEOUT => Velocity {
                    linear: limit::within(wanted.linear, config.docking_speed),
                    angular: limit::within(wanted.angular, config.max_angular_speed),
                },
                _ => Velocity::default(),
            },
        }
    }
}

impl Motion {
    /// A motion at `speed`, of the `asked` one what the limits leave; in m/s or rad/s.
    pub fn new(
        ticket: Ticket,
        kind: MotionKind,
        asked: f64,
        speed: f64,
        duration: Duration,
        now: Duration,
    ) -> Motion {
        let clamped = speed < asked;
        let unit = if kind.is_turn() { "rad/s" } else { "m/s" };
        let limited =
            if clamped { format!(", limited from {asked} {unit}") } else { String::new() };
        let seconds = duration.as_secs_f64();
        Motion {
            ticket,
            kind,
            target: kind.velocity(speed),
            until: now.saturating_add(duration),
            announcement: Some(format!(
                "{} at {speed} {unit} for {seconds} s{limited}",
                kind.in_words()
            )),
            clamped,
        }
    }
}

/// A docking velocity older than this is none.
const DOCK_VELOCITY_TIMEOUT: Duration = Duration::from_millis(500);
