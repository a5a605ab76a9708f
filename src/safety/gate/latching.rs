//! The emergency stop: latched by anybody, released by an operator, never moving anything.

use std::time::Duration;

use super::{
    super::{Caller, EmergencyStop, Reason, Refusal, SafetyEvent, StopSource},
    Gate, Ticket,
    feeding::PRESSED,
};
use crate::auth::Operator;

impl Gate {
    /// Latches the emergency stop. Latched already, it only ends what moves.
    pub fn emergency_stop(
        &mut self,
        source: StopSource,
        by: Option<Caller>,
        sequence: u64,
        now: Duration,
    ) {
        self.stopped_at = self.stopped_at.max(sequence);
        self.halt(Reason::EmergencyStop, now);
        if self.emergency_stop.is_none() {
            let reason = match (&by, source) {
                (Some(caller), _) => format!("Pressed by {}", caller.username),
                (None, StopSource::Hardware) => PRESSED.to_owned(),
                (None, _) => "Called as a ROS service".to_owned(),
            };
            self.latch(source, by, reason, now);
        }
    }

    /// Releases the latch, if the robot is known to stand still. Never starts a motion.
    pub fn reset(
        &mut self,
        caller: &Caller,
        ticket: Ticket,
        _proof: Operator,
        now: Duration,
    ) -> Result<(), Refusal> {
        if self.emergency_stop.is_some() && ticket.after < self.stopped_at {
            return Err(Refusal::Aborted(Reason::EmergencyStop));
        }
        self.release_latch(Some(caller.clone()), now)?;
        self.answer(ticket, Ok(RELEASED.to_owned()));
        Ok(())
    }

    /// The same, asked for by the ROS service; `after`: the newest stop when it was asked.
    pub fn reset_by_service(&mut self, after: u64, now: Duration) -> Result<&'static str, Refusal> {
        if self.emergency_stop.is_some() && after < self.stopped_at {
            return Err(Refusal::Aborted(Reason::EmergencyStop));
        }
        self.release_latch(None, now)?;
        Ok(RELEASED)
    }

    /// Everything that was parsed before this number of the stop latch is void.
    pub fn void_before(&mut self, sequence: u64) {
        self.stopped_at = self.stopped_at.max(sequence);
    }

    pub(super) fn latch(
        &mut self,
        source: StopSource,
        by: Option<Caller>,
        reason: String,
        now: Duration,
    ) {
        let stop = EmergencyStop { source, by, since: now, reason };
        self.events.push(SafetyEvent::EmergencyStopEngaged(stop.clone()));
        self.emergency_stop = Some(stop);
    }

    fn release_latch(&mut self, by: Option<Caller>, now: Duration) -> Result<(), Refusal> {
        if self.shutting_down {
            return Err(Refusal::ShuttingDown);
        }
        if self.emergency_stop.is_none() {
            return Err(Refusal::NotLatched);
        }
        if now < self.void_until {
            return Err(Refusal::Aborted(Reason::Suspended));
        }
        if let Some(problem) = self.hardware_problem(now) {
            return Err(Refusal::HardwareStop(problem));
        }
        if !self.at_rest(now) {
            return Err(Refusal::NotAtRest);
        }
        self.emergency_stop = None;
        self.events.push(SafetyEvent::EmergencyStopReset(by));
        Ok(())
    }
}

const RELEASED: &str = "Emergency stop released";
