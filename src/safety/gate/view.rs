//! What others may know of the Gate.

use std::time::Duration;

use super::{
    super::{
        Decision, EmergencyStop, Summary, Velocity,
        control::Holder,
        facts::Graph,
        surroundings::FieldSet,
        zone::{Kind, Limit, Stop},
    },
    Activity, Gate, MotionState, Ticket,
    ticks::QUIET_GAP,
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
        self.facts.rests(self.config.rest_speed, self.config.odom_timeout, now) == Some(true)
    }

    /// Whether this decision stands until something happens: nobody drives, nothing is published, and the robot is known to stand.
    /// Nothing that it rests upon becomes too old before the next one, however late that may be in a [doze](Gate::doze).
    pub fn is_quiet(&self, decision: &Decision, now: Duration) -> bool {
        let until = now + QUIET_GAP;
        decision.velocity.is_none()
            && matches!(self.activity, Activity::Idle)
            && self.control.holder().is_none()
            && self.at_rest(until)
            && self.scan_fault(until) == self.scan_fault(now)
            && self.hardware_problem(until) == self.hardware_problem(now)
    }

    /// What is wrong with the scans themselves, if anything.
    pub fn scan_fault(&self, now: Duration) -> Option<Stop> {
        self.surroundings.fault(now)
    }

    /// Who is on the topics that matter, as far as it was told.
    pub fn known_graph(&self) -> Graph {
        self.facts.graph
    }

    /// Whether a critical zone ended the last motion and is still occupied.
    pub fn is_held(&self) -> bool {
        let occupied = self.surroundings.zones(FieldSet::Driving).occupied(Kind::Critical);
        self.held && matches!(self.activity, Activity::Idle) && occupied.is_some()
    }

    /// The field set that counts, and which of its zones are occupied, in their order.
    pub fn zones(&self) -> (FieldSet, Vec<bool>) {
        let set = self.field_set();
        let states = self.surroundings.zones(set).states();
        (set, states.map(|(.., occupied)| occupied).collect())
    }

    /// A decision of this moment in full.
    pub fn summary(&self, decision: &Decision, now: Duration) -> Summary {
        let zone = decision.reason.zone();
        let told_again = decision.reason == self.ended && matches!(self.activity, Activity::Idle);
        let set = if told_again { self.ended_in } else { self.field_set() };
        Summary {
            action: decision.reason.action(),
            reason: Some(decision.reason),
            zone: zone.and_then(|zone| self.surroundings.name(set, zone)),
            limit: decision.limit.map(|Limit { linear, angular, .. }| Velocity { linear, angular }),
            requested: self.activity.target(&self.config, now),
            allowed: self.output,
        }
    }
}
