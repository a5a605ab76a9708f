//! The emergency stop: latched by anybody, released by an operator, never moving anything.

use std::time::Duration;

use super::{
    super::{Caller, EmergencyStop, Reason, Refusal, SafetyEvent, StopSource},
    Gate, Ticket,
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
            let reason = match &by {
                Some(caller) => format!("Pressed by {}", caller.username),
                None => source.as_str().to_owned(),
            };
            let stop = EmergencyStop { source, by, since: now, reason };
            self.events.push(SafetyEvent::EmergencyStopEngaged(stop.clone()));
            self.emergency_stop = Some(stop);
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
        if self.shutting_down {
            return Err(Refusal::ShuttingDown);
        }
        if self.emergency_stop.is_none() {
            return Err(Refusal::NotLatched);
        }
        if ticket.after < self.stopped_at {
            return Err(Refusal::Aborted(Reason::EmergencyStop));
        }
        if now < self.void_until {
            return Err(Refusal::Aborted(Reason::Suspended));
        }
        if !self.at_rest(now) {
            return Err(Refusal::NotAtRest);
        }
        self.emergency_stop = None;
        self.events.push(SafetyEvent::EmergencyStopReset(caller.clone()));
        self.answer(ticket, Ok("Emergency stop released".to_owned()));
        Ok(())
    }

    /// Everything that was parsed before this number of the stop latch is void.
    pub fn void_before(&mut self, sequence: u64) {
        self.stopped_at = self.stopped_at.max(sequence);
    }
}
