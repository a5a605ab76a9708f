//! What the rest of the bridge and of the robot learn of each decision.

use std::time::Duration;

use super::Motion;
use crate::{
    protocol::server::DockingCommand,
    robot::PublishError,
    safety::{
        Decision, EmergencyStop, Outcome, Summary,
        control::Holder,
        facts::Graph,
        gate::{MotionState, QUIET_TICK, Ticket},
        surroundings::FieldSet,
        zone::Stop,
    },
};

/// What the rest of the bridge knows of the motion.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Who drives.
    pub holder: Option<Holder>,
    /// The latched emergency stop.
    pub emergency_stop: Option<EmergencyStop>,
    /// The motion that goes on.
    pub motion: Option<MotionState>,
    /// The newest decision.
    pub safety: Summary,
    /// A critical zone ended the last motion and is still occupied.
    pub held: bool,
    /// Which zones count, and which of them are occupied.
    pub zones: Zones,
    /// Where the robot stands with its dock.
    pub dock: Dock,
    /// What is wrong with the scans themselves, if anything.
    pub scan_fault: Option<Stop>,
    /// Who is on the topics that matter.
    pub graph: Graph,
}

/// The field set that counts, and which of its zones are occupied.
#[derive(Debug, Clone, PartialEq)]
pub struct Zones {
    /// Which set.
    pub set: FieldSet,
    /// One a zone, in the order of the set.
    pub occupied: Vec<bool>,
}

/// Where the robot stands with its dock, as far as the bridge knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dock {
    /// Nothing was docked or undocked since the bridge started.
    #[default]
    Unknown,
    /// On its way, since then.
    Under(DockingCommand, Duration),
    /// On the dock.
    On,
    /// Off the dock.
    Off,
    /// The last attempt failed.
    Failed,
}

impl Default for Zones {
    fn default() -> Zones {
        Zones { set: FieldSet::Driving, occupied: Vec::new() }
    }
}

impl Motion {
    /// A motion's command is answered with success once its first velocity has left.
    pub(super) fn measure(&mut self, outcome: &Outcome) {
        let is_it = |(ticket, _): &mut (Ticket, Duration)| {
            (ticket.connection, ticket.number) == (outcome.connection, outcome.ticket)
        };
        if let Some((_, at)) = self.asked.take_if(is_it)
            && outcome.result.is_ok()
        {
            let took = self.wiring.clock.now().saturating_sub(at);
            self.wiring.metrics.command_to_velocity(took);
        }
    }

    /// On every change and as a heartbeat, so that the rest of the robot can notice silence.
    pub(super) fn tell_emergency_stop(&mut self, now: Duration) -> Result<(), PublishError> {
        let active = self.gate.latched().is_some();
        let due = self
            .told_emergency_stop
            .is_none_or(|(told, at)| told != active || now.saturating_sub(at) >= HEARTBEAT);
        if due {
            self.wiring.outputs.emergency_stop(active)?;
            self.told_emergency_stop = Some((active, now));
        }
        Ok(())
    }

    /// On every change and ten times a second, for the rest of the robot and for engineers.
    fn tell_safety(&mut self, summary: &Summary, now: Duration) -> Result<(), PublishError> {
        let changed = |known: &Summary| {
            (known.action, known.reason, &known.zone)
                != (summary.action, summary.reason, &summary.zone)
        };
        let due = self.safety_pace.allows(now, SAFETY_PERIOD);
        if due || self.told_safety.as_ref().is_none_or(changed) {
            let known = self.told_safety.as_ref().and_then(|known| known.reason);
            if let Some(reason) = summary.reason.filter(|reason| known != Some(*reason)) {
                self.wiring.metrics.decided(reason.as_str());
            }
            let holder = self.gate.holder().map(|holder| &*holder.caller.username);
            self.wiring.outputs.safety(summary, holder)?;
            self.told_safety = Some(summary.clone());
        }
        Ok(())
    }

    pub(super) fn report(
        &mut self,
        decision: &Decision,
        now: Duration,
    ) -> Result<(), PublishError> {
        let safety = self.gate.summary(decision, now);
        self.tell_safety(&safety, now)?;
        let (set, occupied) = self.gate.zones();
        let report = Report {
            holder: self.gate.holder().cloned(),
            emergency_stop: self.gate.latched().cloned(),
            motion: self.gate.motion(now),
            safety,
            held: self.gate.is_held(),
            zones: Zones { set, occupied },
            dock: self.dock,
            scan_fault: self.gate.scan_fault(now),
            graph: self.gate.known_graph(),
        };
        let holder = report.holder.as_ref().map(|holder| holder.caller.connection);
        if *self.wiring.holder.borrow() != holder {
            let before = self.wiring.holder.send_replace(holder);
            for (connection, drives) in [(before, false), (holder, true)] {
                if let Some(connection) = connection {
                    self.wiring.hub.control(connection, drives);
                }
            }
        }
        self.wiring.report.send_if_modified(|known| {
            let changed = *known != report;
            *known = report;
            changed
        });
        Ok(())
    }
}

/// Time between repetitions on `~/safety`.
const SAFETY_PERIOD: Duration = Duration::from_millis(100);

/// Time between repetitions on `emergency_stop`. The decision that finds one due may come a [`QUIET_TICK`] later, and that is a
/// second.
const HEARTBEAT: Duration = Duration::from_secs(1).saturating_sub(QUIET_TICK);
