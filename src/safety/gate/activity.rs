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
    /// When it began.
    pub begun: Duration,
    /// When it ends.
    pub until: Duration,
    /// When a message of its driver came last.
    pub heard: Duration,
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
    /// The robot stood still since, as docking begins.
    pub stood: bool,
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
                Some((wanted, at)) if now.saturating_sub(at) < DOCK_VELOCITY_TIMEOUT => {
                    limit::clamp(wanted, config)
                }
                _ => Velocity::default(),
            },
        }
    }
}

impl Motion {
    /// Whether its time is over. However short, it is carried out once, if the next decision does not come late itself.
    pub fn has_run(&self, now: Duration) -> bool {
        let begun = self.announcement.is_none() || now >= self.until + LATE;
        now >= self.until && begun
    }

    /// Whether it has gone on for longer than `limit` and its driver said nothing for a second.
    pub fn is_unattended(&self, limit: Duration, now: Duration) -> bool {
        now.saturating_sub(self.begun) > limit && now.saturating_sub(self.heard) > ATTENTION
    }

    /// A motion at `target`, which is what the limits leave of the `asked` velocity.
    pub fn new(
        ticket: Ticket,
        kind: MotionKind,
        asked: Velocity,
        target: Velocity,
        duration: Duration,
        now: Duration,
    ) -> Motion {
        let clamped = target != asked;
        let limited =
            if clamped { format!(", limited from {}", speed(kind, asked)) } else { String::new() };
        Motion {
            ticket,
            kind,
            target,
            begun: now,
            until: now.saturating_add(duration),
            heard: now,
            announcement: Some(format!(
                "{} at {} for {} s{limited}",
                kind.in_words(),
                speed(kind, target),
                duration.as_secs_f64()
            )),
            clamped,
        }
    }
}

/// A velocity in the words of its motion.
fn speed(kind: MotionKind, velocity: Velocity) -> String {
    let Velocity { linear, angular } = velocity;
    match kind {
        MotionKind::Drive => format!("{linear} m/s and {angular} rad/s"),
        kind if kind.is_turn() => format!("{} rad/s", angular.abs()),
        _ => format!("{} m/s", linear.abs()),
    }
}

/// A decision that comes so late is no answer to a command any more.
const LATE: Duration = Duration::from_millis(50);

/// How often a driver must be heard from once a motion has become long.
const ATTENTION: Duration = Duration::from_secs(1);

/// A docking velocity older than this is none.
const DOCK_VELOCITY_TIMEOUT: Duration = Duration::from_millis(500);
