//! Whether the drive obeys: after zero was published, the robot has to come to rest.

use std::time::Duration;

use super::super::{GateConfig, Velocity};

/// Waits for rest after each motion.
#[derive(Debug, Default)]
pub struct Obedience {
    /// The last velocity other than zero.
    last: Velocity,
    /// When the robot must stand at the latest.
    due: Option<Duration>,
}

impl Obedience {
    /// What was decided at `now`, with the deceleration of `config`'s robot in m/s².
    pub fn decided(&mut self, velocity: Velocity, config: &GateConfig, now: Duration) {
        if !velocity.is_zero() {
            *self = Obedience { last: velocity, due: None };
        } else if !self.last.is_zero() {
            let last = std::mem::take(&mut self.last);
            let braking = (last.linear.abs() / config.deceleration)
                .max(last.angular.abs() / config.angular_acceleration);
            let time = Duration::from_secs_f64(braking) + LATENCY;
            self.due = Some(now + time.max(PATIENCE));
        }
    }

    /// Whether it is time to look, once for each motion.
    pub fn is_due(&mut self, now: Duration) -> bool {
        self.due.take_if(|due| now >= *due).is_some()
    }
}

/// From the decision to the brakes, and from the wheels back to the odometry.
const LATENCY: Duration = Duration::from_millis(250);

/// Even a slow robot has so long.
const PATIENCE: Duration = Duration::from_secs(1);
