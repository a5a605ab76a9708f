//! Docking and undocking: the docking controller steers, and its velocities leave through the Gate like any other.

use std::time::Duration;

use super::{
    super::{Caller, DockingController, Reason, Refusal, Velocity, surroundings::FieldSet},
    Activity, Docking, Gate, Ticket,
};
use crate::auth::Operator;

impl Gate {
    /// The docking controller begins; its velocities pass until [`docking_ended`](Gate::docking_ended).
    pub fn begin_docking(
        &mut self,
        caller: &Caller,
        ticket: Ticket,
        _proof: Operator,
        now: Duration,
    ) -> Result<(), Refusal> {
        if self.config.docking_controller == DockingController::None {
            return Err(Refusal::NoDocking);
        }
        self.admit(caller, ticket, now)?;
        if !matches!(self.activity, Activity::Idle) {
            return Err(match self.activity {
                Activity::Docking(_) => Refusal::Docking,
                _ => Refusal::NotAtRest,
            });
        }
        // Who drives by itself begins at once; others are held until the robot stands.
        let at_rest = self.at_rest(now);
        let by_itself = self.config.docking_controller == DockingController::Cancellable;
        if by_itself && !at_rest {
            return Err(Refusal::NotAtRest);
        }
        self.is_on_record()?;
        self.allows_by(FieldSet::Docking, Velocity::default(), now)?;
        let until = now + self.config.docking_timeout;
        self.take_control(caller, until + self.config.control_hold, now);
        self.activity = Activity::Docking(Docking { ticket, wanted: None, until, stood: at_rest });
        self.obedience.suspend();
        Ok(())
    }

    /// A velocity of the docking controller; counts only while docking, once the robot stood.
    pub fn dock_velocity(&mut self, wanted: Velocity, now: Duration) {
        let at_rest = self.at_rest(now);
        let steers = self.config.docking_controller == DockingController::Velocities;
        if let Activity::Docking(docking) = &mut self.activity
            && steers
        {
            docking.stood |= at_rest;
            if !docking.stood {
                return;
            }
            docking.wanted = Some((wanted, now));
        }
    }

    /// The docking controller is done; whether that docking was still going on.
    pub fn docking_ended(&mut self, ticket: Ticket, now: Duration) -> bool {
        let current =
            matches!(&self.activity, Activity::Docking(docking) if docking.ticket == ticket);
        if current {
            self.rest(Reason::Finished, now);
        }
        current
    }
}
