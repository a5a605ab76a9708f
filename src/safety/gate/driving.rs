//! Who drives, asked for in so many words: acquire, release, take over.

use std::time::Duration;

use super::{
    super::{Caller, ConnectionId, LinkLoss, Reason, Refusal, SafetyEvent},
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
        self.is_current(ticket, now)?;
        self.control.admits(caller.connection, true, now)?;
        if !self.control.is_held_by(caller.connection) || matches!(self.activity, Activity::Idle) {
            self.take_control(caller, now + self.config.control_hold, now);
        }
        self.answer(ticket, Ok(IN_CONTROL.to_owned()));
        Ok(())
    }

    /// Gives control back; a motion ends.
    pub fn release(
        &mut self,
        caller: &Caller,
        ticket: Ticket,
        now: Duration,
    ) -> Result<(), Refusal> {
        if !self.control.is_held_by(caller.connection) {
            return Err(Refusal::NotYours);
        }
        self.end(Reason::Released, now);
        self.control.release(caller.connection);
        self.events.push(SafetyEvent::ControlChanged(None, Reason::Released));
        self.answer(ticket, Ok("Nobody is in control".to_owned()));
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
        self.is_current(ticket, now)?;
        if self.control.is_barred(caller.connection, now) {
            return Err(Refusal::StoppedByOther);
        }
        if !self.control.is_held_by(caller.connection) {
            self.halt(Reason::TakenOver, now);
            let until = now + self.config.control_hold;
            self.control.hold(caller, until, now);
            let holder = Some(caller.clone());
            self.events.push(SafetyEvent::ControlChanged(holder, Reason::TakenOver));
        }
        self.answer(ticket, Ok(IN_CONTROL.to_owned()));
        Ok(())
    }

    /// A `stop` was said by somebody who is there now: after a lost driver, others may move the robot again.
    pub fn attended(&mut self) {
        self.control.attended();
    }

    /// A message of this connection came; long motions need them.
    pub fn heard(&mut self, connection: ConnectionId, now: Duration) {
        if let Activity::Motion(motion) = &mut self.activity
            && motion.ticket.connection == connection
        {
            motion.heard = motion.heard.max(now);
        }
    }

    /// A connection is gone: if it drove, the robot stops and control is free.
    pub fn link_lost(&mut self, connection: ConnectionId, loss: LinkLoss, now: Duration) {
        if self.activity.driver() == Some(connection) {
            self.end(loss.into(), now);
        }
        if self.control.link_lost(connection, loss) {
            self.events.push(SafetyEvent::ControlChanged(None, loss.into()));
        }
    }
}

const IN_CONTROL: &str = "You are in control";
