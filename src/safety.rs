//! When the robot moves, and when it stops: commands, scans, odometry and ticks in, a [`Decision`] out.
//!
//! The [`Gate`] is the only maker of [`SafeVelocity`], besides the commissioning test ([`drive_check`]) that runs instead
//! of it; and the robot accepts nothing else, so a command that was not checked does not compile. Everything here is pure:
//! `now` is an argument, monotonic, since the bridge's start.
//!
//! [`control`] says who drives, [`limit`] how fast, [`latch`] is the lane that stops take around every queue.
//! [`zone`] says what the surroundings allow.

use std::{sync::Arc, time::Duration};

pub mod control;
pub mod drive_check;
pub mod facts;
pub mod gate;
pub mod latch;
pub mod limit;
mod reason;
pub mod surroundings;
pub mod zone;

pub use gate::Gate;
pub use reason::{Action, Reason, Refusal};
pub use surroundings::Surroundings;

/// One WebSocket connection; never reused within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Who asks for something: a connection and the user behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The connection; control belongs to it, not to the user.
    pub connection: ConnectionId,
    /// `user_id` of the token.
    pub user_id: u64,
    /// `sub` of the token.
    pub username: Arc<str>,
}

/// Why a connection counts as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkLoss {
    /// The client closed it in order.
    Left,
    /// Reset, ended without a Close, or closed by the bridge.
    Closed,
    /// It does not answer; the connection may still be there.
    Silent,
    /// Its token ran out, or was revoked.
    TokenExpired,
}

/// The four documented motions, and the joystick's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each says what its wire name says
pub enum MotionKind {
    MoveForward,
    MoveBackward,
    TurnLeft,
    TurnRight,
    Drive,
}

/// A motion as an operator asks for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MotionRequest {
    /// Which way.
    pub kind: MotionKind,
    /// How fast.
    pub speed: Speed,
    /// How long, 0 to 3600 s; `None`: `command_hold`.
    pub duration: Option<Duration>,
    /// Whether it ends after `command_hold` unless it is repeated, whatever its duration.
    pub hold_to_run: bool,
}

/// How fast an operator wants to go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// At the configured default.
    Default,
    /// At a magnitude, m/s for moves, rad/s for turns, 0 to 10.
    Magnitude(f64),
    /// At a velocity, both axes signed, each -10 to 10: [`MotionKind::Drive`].
    Velocity(Velocity),
}

/// The Gate's configuration; every value is checked by `config`.
#[derive(Debug, Clone, PartialEq)]
pub struct GateConfig {
    /// Highest speed, m/s.
    pub max_linear_speed: f64,
    /// Highest turn rate, rad/s.
    pub max_angular_speed: f64,
    /// Growth of the speed, m/s².
    pub linear_acceleration: f64,
    /// Growth of the turn rate, rad/s².
    pub angular_acceleration: f64,
    /// Speed of a move that names none, m/s.
    pub default_linear_speed: f64,
    /// Turn rate of a turn that names none, rad/s.
    pub default_angular_speed: f64,
    /// Below this the robot counts as at rest, m/s (and rad/s).
    pub rest_speed: f64,
    /// How long a motion without a duration runs.
    pub command_hold: Duration,
    /// How long control is kept after the last command ran out.
    pub control_hold: Duration,
    /// Braking of the loaded robot, m/s².
    pub deceleration: f64,
    /// Odometry older than this says nothing about rest or motion.
    pub odom_timeout: Duration,
    /// Highest speed while docking or undocking, m/s.
    pub docking_speed: f64,
    /// Docking that takes longer is stopped.
    pub docking_timeout: Duration,
    /// How docking is steered.
    pub docking_controller: DockingController,
    /// A motion that goes on for longer needs a message of its driver every second.
    pub max_unattended_move: Duration,
    /// Whether the robot has an emergency stop of its own that tells its state.
    pub hardware_stop: bool,
}

/// How docking is steered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DockingController {
    /// By velocities that leave through the Gate.
    Velocities,
    /// By a controller that drives by itself, and stops when it is cancelled.
    Cancellable,
    /// Not at all.
    None,
}

/// A velocity for the robot's base.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Velocity {
    /// m/s, forward positive.
    pub linear: f64,
    /// rad/s, counter-clockwise positive.
    pub angular: f64,
}

/// A velocity that passed the Gate: finite, limited, commanded by whoever drives. Only the Gate makes it, and the
/// commissioning test in its place; the robot accepts nothing else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SafeVelocity(Velocity);

/// What the Gate decided at one instant, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// To be published at once; `None`: nothing, so that others may use the topic.
    pub velocity: Option<SafeVelocity>,
    /// The most restrictive reason that held.
    pub reason: Reason,
    /// What the surroundings leave of the speed, where they do not leave all.
    pub limit: Option<zone::Limit>,
}

/// A decision in full, for people and for the rest of the robot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// What it does to what is asked.
    pub action: Action,
    /// Why; `None` before the first decision.
    pub reason: Option<Reason>,
    /// The zone behind the reason.
    pub zone: Option<Arc<str>>,
    /// Highest speed (m/s) and turn rate (rad/s) that the surroundings leave, without sign, where they do not leave all.
    pub limit: Option<Velocity>,
    /// What the driver or the docking controller asks for.
    pub requested: Velocity,
    /// What is published.
    pub allowed: Velocity,
}

/// Who or what latched the emergency stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSource {
    /// An operator, over the WebSocket.
    Web,
    /// The ROS service.
    Service,
    /// The robot's own emergency stop.
    Hardware,
    /// Zero was published, and the robot moved on.
    Disobeyed,
    /// It was latched when the bridge last ended.
    Restored {
        /// Since then; wall time since the Unix epoch.
        unix: Duration,
    },
    /// The file that keeps the latch could not be read.
    StateUnreadable,
}

/// A latched emergency stop.
#[derive(Debug, Clone, PartialEq)]
pub struct EmergencyStop {
    /// Where it came from.
    pub source: StopSource,
    /// Who, where it was a person.
    pub by: Option<Caller>,
    /// Since when; at the earliest since the start.
    pub since: Duration,
    /// For people.
    pub reason: String,
}

/// What others are told about.
#[derive(Debug, Clone, PartialEq)]
pub enum SafetyEvent {
    /// The emergency stop latched.
    EmergencyStopEngaged(EmergencyStop),
    /// It was released; by the ROS service where nobody is named.
    EmergencyStopReset(Option<Caller>),
    /// Who drives changed, and why.
    ControlChanged(Option<Caller>, Reason),
    /// A motion ran its time.
    MotionFinished(MotionKind),
    /// A motion was ended early; by which zone, if by one.
    MotionAborted(MotionKind, Reason, Option<Arc<str>>),
    /// Docking or undocking was ended early.
    DockingAborted(Reason),
    /// The scans ceased or cannot be believed, and the age of the newest one.
    ScanLost(zone::Stop, Option<Duration>),
    /// They are back.
    ScanRestored,
    /// Something came into a zone.
    ZoneEntered(Arc<str>, zone::Kind),
    /// The zone is clear.
    ZoneCleared(Arc<str>, zone::Kind),
}

/// The end of a command that was accepted: to be answered to its connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Who asked.
    pub connection: ConnectionId,
    /// With which ticket.
    pub ticket: u64,
    /// What came of it, in words.
    pub result: Result<String, Refusal>,
}

impl GateConfig {
    /// The speed of a motion that names none, m/s or rad/s.
    pub fn default_speed(&self, kind: MotionKind) -> f64 {
        if kind.is_turn() { self.default_angular_speed } else { self.default_linear_speed }
    }

    /// The velocity that a request asks for.
    pub fn asked(&self, request: &MotionRequest) -> Velocity {
        match request.speed {
            Speed::Default => request.kind.velocity(self.default_speed(request.kind)),
            Speed::Magnitude(speed) => request.kind.velocity(speed),
            Speed::Velocity(velocity) => velocity,
        }
    }

    /// How long a request runs unless it is repeated.
    pub fn runs_for(&self, request: &MotionRequest) -> Duration {
        match request.duration {
            Some(duration) if request.hold_to_run => duration.min(self.command_hold),
            Some(duration) => duration,
            None => self.command_hold,
        }
    }
}

impl SafeVelocity {
    /// Standing still, which is always safe.
    pub const STOP: SafeVelocity = SafeVelocity(Velocity { linear: 0.0, angular: 0.0 });

    /// m/s, forward positive.
    pub fn linear(self) -> f64 {
        self.0.linear
    }

    /// rad/s, counter-clockwise positive.
    pub fn angular(self) -> f64 {
        self.0.angular
    }

    /// Whether it stops the robot.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl Velocity {
    /// Whether it stops the robot.
    pub fn is_zero(self) -> bool {
        self == Velocity::default()
    }
}

impl MotionKind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            MotionKind::MoveForward => "move_forward",
            MotionKind::MoveBackward => "move_backward",
            MotionKind::TurnLeft => "turn_left",
            MotionKind::TurnRight => "turn_right",
            MotionKind::Drive => "drive",
        }
    }

    /// For people.
    pub fn in_words(self) -> &'static str {
        match self {
            MotionKind::MoveForward => "Moving forward",
            MotionKind::MoveBackward => "Moving backward",
            MotionKind::TurnLeft => "Turning left",
            MotionKind::TurnRight => "Turning right",
            MotionKind::Drive => "Driving",
        }
    }

    /// Whether it turns on the spot.
    pub fn is_turn(self) -> bool {
        matches!(self, MotionKind::TurnLeft | MotionKind::TurnRight)
    }

    /// The velocity of this motion at a magnitude in m/s or rad/s; a magnitude alone drives nowhere.
    pub fn velocity(self, speed: f64) -> Velocity {
        match self {
            MotionKind::MoveForward => Velocity { linear: speed, angular: 0.0 },
            MotionKind::MoveBackward => Velocity { linear: -speed, angular: 0.0 },
            MotionKind::TurnLeft => Velocity { linear: 0.0, angular: speed },
            MotionKind::TurnRight => Velocity { linear: 0.0, angular: -speed },
            MotionKind::Drive => Velocity::default(),
        }
    }
}

impl StopSource {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            StopSource::Web => "web",
            StopSource::Service => "service",
            StopSource::Hardware => "hardware",
            StopSource::Disobeyed => "disobeyed",
            StopSource::Restored { .. } => "restored",
            StopSource::StateUnreadable => "state_unreadable",
        }
    }
}
