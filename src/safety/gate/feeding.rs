//! What the Gate is told of the robot and its surroundings, and what it makes of that at each tick.

use std::time::Duration;

use super::{
    super::{
        EmergencyStop, Reason, Refusal, SafetyEvent, StopSource, Velocity,
        facts::{Graph, HardwareStop, Measured},
        surroundings::FieldSet,
        zone::{ScanView, Verdict},
    },
    Activity, Gate, stop_of,
};

impl Gate {
    /// A scan whose header is usable came.
    pub fn scan(&mut self, scan: &ScanView, arrival: Duration) {
        self.surroundings.scan(scan, arrival);
    }

    /// The robot's own measure of its motion came.
    pub fn odometry(&mut self, measured: Measured, at: Duration) {
        self.facts.odometry(measured, at);
    }

    /// Who is on the topics that matter.
    pub fn graph(&mut self, graph: Graph) {
        self.facts.graph = graph;
    }

    /// The robot's own emergency stop says whether it is pressed.
    pub fn hardware_stop(&mut self, pressed: bool, at: Duration) {
        self.facts.hardware_stop(pressed, at);
    }

    /// Whether the audit log can be written. Without it nothing new moves; what moves goes on.
    pub fn audited(&mut self, writable: bool) {
        self.facts.audited = writable;
    }

    /// The field set that counts now.
    pub(super) fn field_set(&self) -> FieldSet {
        match self.activity {
            Activity::Docking(_) => FieldSet::Docking,
            Activity::Idle | Activity::Motion(_) => FieldSet::Driving,
        }
    }

    /// What the surroundings allow of a velocity.
    pub(super) fn verdict(&self, wanted: Velocity, now: Duration) -> Verdict {
        self.verdict_by(self.field_set(), wanted, now)
    }

    /// Refuses what the surroundings would stop at once.
    pub(super) fn allows(&self, wanted: Velocity, now: Duration) -> Result<(), Refusal> {
        self.allows_by(FieldSet::Driving, wanted, now)
    }

    /// The same with this field set.
    pub(super) fn allows_by(
        &self,
        set: FieldSet,
        wanted: Velocity,
        now: Duration,
    ) -> Result<(), Refusal> {
        match stop_of(self.verdict_by(set, wanted, now)) {
            Some(stop) => {
                let zone = stop.zone().and_then(|zone| self.surroundings.name(set, zone));
                Err(Refusal::Held(stop, zone))
            }
            None => Ok(()),
        }
    }

    fn verdict_by(&self, set: FieldSet, wanted: Velocity, now: Duration) -> Verdict {
        let actual = self.facts.actual(self.config.odom_timeout, now).map(Measured::velocity);
        self.surroundings.verdict(set, wanted, actual, now)
    }

    /// Tells what changed in what the LiDAR shows.
    pub(super) fn look_around(&mut self, now: Duration) {
        let fault = self.surroundings.fault(now);
        if fault.is_none() != self.scans_were_good {
            self.scans_were_good = fault.is_none();
            let age = self.surroundings.scanned().map(|at| now.saturating_sub(at));
            self.events.push(match fault {
                Some(stop) => SafetyEvent::ScanLost(stop, age),
                None => SafetyEvent::ScanRestored,
            });
        }
        for (name, kind, occupied) in self.surroundings.changes() {
            self.events.push(match occupied {
                true => SafetyEvent::ZoneEntered(name, kind),
                false => SafetyEvent::ZoneCleared(name, kind),
            });
        }
    }

    /// The robot's own emergency stop latches this one.
    pub(super) fn look_at_hardware(&mut self, now: Duration) {
        if self.emergency_stop.is_some() {
            return;
        }
        let reason = match self.hardware_problem(now) {
            Some(HardwareStop::Pressed) => PRESSED,
            // Motion waits for its first word; only if it stays away somebody has to look.
            Some(HardwareStop::Silent) if self.facts.has_listened(now) >= HARDWARE_TIMEOUT => {
                "The robot's own emergency stop is silent"
            }
            _ => return,
        };
        self.halt(Reason::EmergencyStop, now);
        self.latch(StopSource::Hardware, None, reason.to_owned(), now);
    }

    /// What keeps the robot's own emergency stop from being known as released.
    pub(super) fn hardware_problem(&self, now: Duration) -> Option<HardwareStop> {
        if !self.config.hardware_stop {
            return None;
        }
        self.facts.hardware_problem(HARDWARE_TIMEOUT, now)
    }

    /// A robot that goes on after zero is out of control: others have to know, and nothing may make it worse.
    pub(super) fn look_at_drive(&mut self, now: Duration) {
        let measured = self.facts.newest_rest(self.config.rest_speed);
        if !self.obedience.is_broken(measured) || self.facts.graph.cmd_vel_shared {
            return;
        }
        let reason = "The robot moves on after zero was commanded".to_owned();
        if self.emergency_stop.is_none() {
            self.halt(Reason::EmergencyStop, now);
            self.latch(StopSource::Disobeyed, None, reason, now);
        } else {
            // Latched already, and for another reason: people have to know all the same.
            let stop =
                EmergencyStop { source: StopSource::Disobeyed, by: None, since: now, reason };
            self.events.push(SafetyEvent::EmergencyStopEngaged(stop));
        }
    }
}

/// Why the robot's own emergency stop latched this one, for people.
pub(super) const PRESSED: &str = "Pressed on the robot";

/// The robot's own emergency stop has to say something this often.
const HARDWARE_TIMEOUT: Duration = Duration::from_secs(1);
