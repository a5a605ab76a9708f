//! What others may know of the Gate.

use std::time::Duration;

use super::{
    super::{EmergencyStop, control::Holder},
    Activity, Gate, MotionState, Ticket,
};

impl Gate {
    /// Whether something happened that nobody was told of yet.
    pub fn has_news(&self) -> bool {
        !self.events.is_empty() || !self.outcomes.is_empty()
    }

    /// Who drives.
    pub fn holder(&self) -> Option<&Holder> {
        self.control.holder()
    }

    /// The latched emergency stop.
    pub fn latched(&self) -> Option<&EmergencyStop> {
        self.emergency_stop.as_ref()
    }

    /// The motion that goes on.
    pub fn motion(&self, now: Duration) -> Option<MotionState> {
        match &self.activity {
            Activity::Motion(motion) => Some(MotionState {
                kind: motion.kind,
                requested: motion.target,
                actual: self.output,
                remaining: motion.until.saturating_sub(now),
            }),
            _ => None,
        }
    }

    /// The docking that goes on.
    pub fn docking(&self) -> Option<Ticket> {
        match &self.activity {
            Activity::Docking(docking) => Some(docking.ticket),
            _ => None,
        }
    }

    /// Whether fresh odometry says that the robot stands still.
    pub fn at_rest(&self, now: Duration) -> bool {
        self.facts.at_rest(self.config.rest_speed, self.config.odom_timeout, now)
    }
}
