//! Who drives, asked for in so many words: acquire, release, take over.

use std::time::Duration;

use super::{
    super::{Caller, Reason, Refusal, SafetyEvent},
    Activity, Gate, Ticket,
};
use crate::auth::{Administrator, Operator};

impl Gate {
    /// Takes control without moving, or keeps it.
    pub fn acquire(
        &mut self,
        caller: &Caller,
        ticket: Ticket,
        _proof: Operator,
        now: Duration,
    ) -> Result<(), Refusal> {
        self.admit_driver(ticket, now)?;
        self.control.admits(caller.connection, true, now)?;
        if !self.control.is_held_by(caller.connection) || matches!(self.activity, Activity::Idle) {
            self.take_control(caller, now + self.config.control_hold, now);
        }
        Ok(())
    }

    /// Gives control back; a motion ends.
    pub fn release(&mut self, caller: &Caller, now: Duration) -> Result<(), Refusal> {
        if !self.control.is_held_by(caller.connection) {
            return Err(Refusal::NotYours);
        }
        self.end(Reason::Released, now);
        self.control.release(caller.connection);
        self.events.push(SafetyEvent::ControlChanged(None, Reason::Released));
        Ok(())
    }

    /// Takes control from whoever has it; the robot stops first.
    pub fn take_over(
        &mut self,
        caller: &Caller,
        ticket: Ticket,
        _proof: Administrator,
        now: Duration,
    ) -> Result<(), Refusal> {
        self.admit_driver(ticket, now)?;
        if !self.control.is_held_by(caller.connection) {
            self.halt(Reason::TakenOver, now);
            let until = now + self.config.control_hold;
            self.control.hold(caller, until, now);
            let holder = Some(caller.clone());
            self.events.push(SafetyEvent::ControlChanged(holder, Reason::TakenOver));
        }
        Ok(())
    }

    /// Control can be had while the robot cannot move, but not by a command that a stop has overtaken.
    fn admit_driver(&self, ticket: Ticket, now: Duration) -> Result<(), Refusal> {
        if self.shutting_down {
            return Err(Refusal::ShuttingDown);
        }
        if ticket.after < self.stopped_at {
            return Err(Refusal::Aborted(Reason::Stopped));
        }
        if now < self.void_until {
            return Err(Refusal::Aborted(Reason::Suspended));
        }
        Ok(())
    }
}
