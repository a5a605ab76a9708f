//! The docking controller: drives the robot onto its charger and off again, by asking for velocities.
//!
//! It moves nothing itself. Its velocities have to come back to the drive as commands, so whoever relays them can
//! refuse; the controller then sees no progress and gives up.

use std::{
    f64::consts::{PI, TAU},
    time::Duration,
};

use nalgebra::{Isometry2, Point2, UnitComplex, Vector2};

use super::drive::Velocity;

/// Where the charger stands and how the robot gets there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DockConfig {
    /// Pose of the robot's base when docked; the charger is behind it, since the robot docks backwards.
    pub pose: Isometry2<f64>,
    /// Depth and width of the charger, m.
    pub size: Vector2<f64>,
    /// Speed of all docking motion, m/s.
    pub speed: f64,
    /// Docking is refused from farther away, m.
    pub max_distance: f64,
    /// How far undocking drives, m.
    pub undock_distance: f64,
    /// Without progress for this long the controller gives up.
    pub patience: Duration,
    /// Every docking fails after two seconds; for tests of the rest of the robot.
    pub fails: bool,
}

/// What a docking manoeuvre came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Docked {
    /// At the charger.
    Docked,
    /// Clear of it.
    Undocked,
}

/// Why a docking manoeuvre was refused or given up.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[allow(missing_docs)]
pub enum DockError {
    #[error("another docking manoeuvre is running")]
    Busy,
    #[error("the robot is already docked")]
    AlreadyDocked,
    #[error("the robot is not docked")]
    NotDocked,
    #[error("the dock is {distance:.1} m away, farther than {limit:.1} m")]
    TooFar { distance: f64, limit: f64 },
    #[error("the emergency stop is active")]
    EmergencyStop,
    #[error("blocked: no progress for {} s", .0.as_secs_f64())]
    Blocked(Duration),
    #[error("the robot reached the dock beside its contacts")]
    Missed,
    #[error("the contacts of the dock do not answer")]
    NoContact,
    #[error("cancelled")]
    Cancelled,
}

/// A manoeuvre under way.
#[derive(Debug, Clone)]
pub(super) struct Manoeuvre {
    phase: Phase,
    started: Duration,
    /// Smallest error of this phase so far, and when it was reached.
    best: f64,
    progressed: Duration,
    velocity: Velocity,
}

/// Steps of a manoeuvre, in their order; undocking is `Leave` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    TurnToStaging,
    DriveToStaging,
    TurnToDock,
    Reverse,
    Leave,
}

impl DockConfig {
    /// Whether a robot at `base` touches the contacts.
    pub(super) fn holds(&self, base: Isometry2<f64>) -> bool {
        let at = self.pose.inv_mul(&base);
        at.translation.vector.norm() < CONTACT_DISTANCE && at.rotation.angle().abs() < CONTACT_ANGLE
    }

    pub(super) fn dock(&self, base: Isometry2<f64>, now: Duration) -> Result<Manoeuvre, DockError> {
        if self.holds(base) {
            return Err(DockError::AlreadyDocked);
        }
        let at = self.pose.inv_mul(&base);
        let distance = at.translation.vector.norm();
        if distance > self.max_distance {
            return Err(DockError::TooFar { distance, limit: self.max_distance });
        }
        let (x, y) = (at.translation.x, at.translation.y);
        let lined_up = x > 0.0 && y.abs() < 0.02 + 0.1 * x && at.rotation.angle().abs() < 0.2;
        let phase = if lined_up { Phase::Reverse } else { Phase::TurnToStaging };
        Ok(Manoeuvre::new(phase, now))
    }

    pub(super) fn undock(
        &self,
        base: Isometry2<f64>,
        now: Duration,
    ) -> Result<Manoeuvre, DockError> {
        if self.holds(base) {
            Ok(Manoeuvre::new(Phase::Leave, now))
        } else {
            Err(DockError::NotDocked)
        }
    }
}

impl Manoeuvre {
    fn new(phase: Phase, now: Duration) -> Manoeuvre {
        Manoeuvre {
            phase,
            started: now,
            best: f64::INFINITY,
            progressed: now,
            velocity: Velocity::ZERO,
        }
    }

    /// The velocity it asks for now.
    pub(super) fn velocity(&self) -> Velocity {
        self.velocity
    }

    /// Looks where the robot is; `Some` when the manoeuvre has ended.
    pub(super) fn tick(
        &mut self,
        config: &DockConfig,
        base: Isometry2<f64>,
        now: Duration,
    ) -> Option<Result<Docked, DockError>> {
        if config.fails && self.phase != Phase::Leave && now - self.started >= INJECTED_FAILURE {
            return Some(Err(DockError::NoContact));
        }
        let at = config.pose.inv_mul(&base);
        let (mut error, mut velocity) = self.phase.steer(config, at);
        while error <= self.phase.tolerance() {
            let Some(next) = self.phase.next() else {
                return Some(self.outcome(config, base));
            };
            *self = Manoeuvre { started: self.started, ..Manoeuvre::new(next, now) };
            (error, velocity) = next.steer(config, at);
        }
        self.velocity = velocity;
        if error < self.best - PROGRESS {
            (self.best, self.progressed) = (error, now);
        }
        let blocked = now - self.progressed >= config.patience;
        blocked.then_some(Err(DockError::Blocked(config.patience)))
    }

    fn outcome(&self, config: &DockConfig, base: Isometry2<f64>) -> Result<Docked, DockError> {
        match self.phase {
            Phase::Leave => Ok(Docked::Undocked),
            _ if config.holds(base) => Ok(Docked::Docked),
            _ => Err(DockError::Missed),
        }
    }
}

impl Phase {
    fn next(self) -> Option<Phase> {
        match self {
            Phase::TurnToStaging => Some(Phase::DriveToStaging),
            Phase::DriveToStaging => Some(Phase::TurnToDock),
            Phase::TurnToDock => Some(Phase::Reverse),
            Phase::Reverse | Phase::Leave => None,
        }
    }

    /// The error at which a phase is done: rad for turns, m otherwise.
    fn tolerance(self) -> f64 {
        match self {
            Phase::TurnToStaging | Phase::TurnToDock => 0.03,
            Phase::DriveToStaging => 0.05,
            Phase::Reverse | Phase::Leave => 0.01,
        }
    }

    /// What is left to do and the velocity that does it. `at` is the base in the dock's frame: its x axis leads
    /// away from the charger, and the docked robot is at its origin.
    fn steer(self, config: &DockConfig, at: Isometry2<f64>) -> (f64, Velocity) {
        let to_staging = at.inverse_transform_point(&Point2::new(STAGING_DISTANCE, 0.0)).coords;
        let bearing = to_staging.y.atan2(to_staging.x);
        let heading = UnitComplex::angle(&at.rotation);
        let turn = |error: f64| Velocity { linear: 0.0, angular: turn_rate(error) };
        match self {
            // Already there: a bearing would mean nothing.
            Phase::TurnToStaging if to_staging.norm() <= Phase::DriveToStaging.tolerance() => {
                (0.0, Velocity::ZERO)
            }
            Phase::TurnToStaging => (bearing.abs(), turn(bearing)),
            Phase::DriveToStaging => {
                let linear = config.speed * bearing.cos().max(0.0);
                (to_staging.norm(), Velocity { linear, angular: turn_rate(bearing) })
            }
            Phase::TurnToDock => (heading.abs(), turn(-heading)),
            Phase::Reverse => {
                let x = at.translation.x;
                // Critically damped in the distance from the axis: y'' = -HEADING_GAIN y' - AXIS_GAIN speed y.
                let angular = -HEADING_GAIN * heading + AXIS_GAIN * at.translation.y;
                let linear = -approach(x, config.speed);
                (
                    x.max(0.0),
                    Velocity { linear, angular: angular.clamp(-MAX_TURN_RATE, MAX_TURN_RATE) },
                )
            }
            Phase::Leave => {
                let left = config.undock_distance - at.translation.x;
                let linear = approach(left, config.speed);
                (left.max(0.0), Velocity { linear, angular: turn_rate(-heading) })
            }
        }
    }
}

/// Slows down over the last decimetres, but never so much that the robot would not arrive.
fn approach(distance: f64, speed: f64) -> f64 {
    (0.8 * distance).clamp(0.02, speed.max(0.02))
}

fn turn_rate(error: f64) -> f64 {
    let error = (error + PI).rem_euclid(TAU) - PI;
    (1.5 * error).clamp(-MAX_TURN_RATE, MAX_TURN_RATE)
}

/// From the docked pose to where reversing starts, m.
const STAGING_DISTANCE: f64 = 1.0;
const CONTACT_DISTANCE: f64 = 0.03;
const CONTACT_ANGLE: f64 = 0.1;
/// Less than this is no progress, m or rad.
const PROGRESS: f64 = 0.01;
const MAX_TURN_RATE: f64 = 0.4;
/// 1/s
const HEADING_GAIN: f64 = 1.0;
/// rad/(s m): HEADING_GAIN squared over four times the speed of 0.1 m/s.
const AXIS_GAIN: f64 = 2.5;
const INJECTED_FAILURE: Duration = Duration::from_secs(2);
