//! Who drives: one connection at a time, and visibly so.

use std::time::Duration;

use super::{Caller, ConnectionId, LinkLoss, Refusal};

/// The one connection that may move the robot, and what keeps others from it.
#[derive(Debug, Default)]
pub struct Control {
    holder: Option<Holder>,
    /// A driver's link was lost: whoever drives next has to say so, by `stop` or `acquire`, since the commands of a
    /// client that connects again may be those that it had queued.
    orphaned: bool,
    /// Somebody else stopped these drivers: they have to let go until then.
    barred: Vec<(ConnectionId, Duration)>,
}

/// The connection in control.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// Who.
    pub caller: Caller,
    /// Since when.
    pub since: Duration,
    until: Duration,
}

impl Control {
    /// Who drives now.
    pub fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// Whether this connection is in control.
    pub fn is_held_by(&self, connection: ConnectionId) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.caller.connection == connection)
    }

    /// Whether this connection could have control: by asking for it (`explicit`), or by a first motion.
    pub fn admits(
        &self,
        connection: ConnectionId,
        explicit: bool,
        now: Duration,
    ) -> Result<(), Refusal> {
        if self.is_held_by(connection) {
            return Ok(());
        }
        if let Some(holder) = &self.holder {
            return Err(Refusal::NotInControl(holder.caller.username.clone()));
        }
        if self.is_barred(connection, now) {
            return Err(Refusal::StoppedByOther);
        }
        if self.orphaned && !explicit {
            return Err(Refusal::DriverLost);
        }
        Ok(())
    }

    /// Whether somebody else has just stopped this driver.
    pub fn is_barred(&self, connection: ConnectionId, now: Duration) -> bool {
        self.barred.iter().any(|(barred, until)| *barred == connection && now < *until)
    }

    /// Gives control, or keeps it, until `until`; whether the holder changed. The caller was [admitted](Self::admits),
    /// or takes over.
    pub fn hold(&mut self, caller: &Caller, until: Duration, now: Duration) -> bool {
        self.orphaned = false;
        match &mut self.holder {
            Some(holder) if holder.caller.connection == caller.connection => {
                holder.until = until;
                false
            }
            _ => {
                self.holder = Some(Holder { caller: caller.clone(), since: now, until });
                true
            }
        }
    }

    /// Keeps control for `hold` from now on, if anybody has it.
    pub fn keep(&mut self, until: Duration) {
        if let Some(holder) = &mut self.holder {
            holder.until = until;
        }
    }

    /// Takes control from this connection; whether it had it.
    pub fn release(&mut self, connection: ConnectionId) -> bool {
        let held = self.is_held_by(connection);
        if held {
            self.holder = None;
        }
        held
    }

    /// The link of a connection is gone; whether it was in control.
    pub fn link_lost(&mut self, connection: ConnectionId, loss: LinkLoss) -> bool {
        let held = self.release(connection);
        self.orphaned |= held && loss != LinkLoss::Left;
        held
    }

    /// Somebody sent `stop`; whether that took control from somebody else.
    pub fn stopped_by(&mut self, caller: ConnectionId, now: Duration) -> bool {
        match self.holder.take_if(|holder| holder.caller.connection != caller) {
            Some(holder) => {
                self.barred.retain(|(_, until)| now < *until);
                self.barred.push((holder.caller.connection, now + BARRED));
                true
            }
            None => false,
        }
    }

    /// Somebody who is there now, and not in a network that held their words back, sent `stop`: whoever moves the robot next does so
    /// on purpose.
    pub fn attended(&mut self) {
        self.orphaned = false;
    }

    /// The bridge did not run for a while: nobody is in control, and nobody is by accident.
    pub fn lose(&mut self) -> bool {
        self.orphaned |= self.holder.is_some();
        self.holder.take().is_some()
    }

    /// Ends a hold that ran out; whether it did.
    pub fn expire(&mut self, now: Duration) -> bool {
        self.holder.take_if(|holder| now >= holder.until).is_some()
    }
}

/// Somebody else's stop keeps a driver away for this long.
const BARRED: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);
    const LATER: Duration = Duration::from_secs(105);

    fn caller(connection: u64) -> Caller {
        Caller {
            connection: ConnectionId(connection),
            user_id: connection,
            username: format!("user{connection}").into(),
        }
    }

    fn held_by(connection: u64) -> Control {
        let mut control = Control::default();
        assert!(control.hold(&caller(connection), LATER, NOW));
        control
    }

    #[test]
    fn one_holds_and_the_others_are_told_who() {
        let control = held_by(1);
        for explicit in [false, true] {
            assert_eq!(control.admits(ConnectionId(1), explicit, NOW), Ok(()));
            let refused = control.admits(ConnectionId(2), explicit, NOW);
            assert_eq!(refused, Err(Refusal::NotInControl("user1".into())));
        }
    }

    #[test]
    fn after_a_lost_link_control_has_to_be_asked_for_or_the_robot_stopped() {
        for loss in [LinkLoss::Closed, LinkLoss::Silent, LinkLoss::TokenExpired] {
            let mut control = held_by(1);
            assert!(control.link_lost(ConnectionId(1), loss));
            assert_eq!(control.admits(ConnectionId(2), false, NOW), Err(Refusal::DriverLost));
            assert_eq!(control.admits(ConnectionId(2), true, NOW), Ok(()));
            control.stopped_by(ConnectionId(3), NOW);
            assert_eq!(control.admits(ConnectionId(2), false, NOW), Err(Refusal::DriverLost));
            control.attended();
            assert_eq!(control.admits(ConnectionId(2), false, NOW), Ok(()));
        }
    }

    #[test]
    fn a_driver_that_leaves_in_order_leaves_nothing_behind() {
        let mut control = held_by(1);
        assert!(control.link_lost(ConnectionId(1), LinkLoss::Left));
        assert_eq!(control.admits(ConnectionId(2), false, NOW), Ok(()));
    }

    #[test]
    fn a_driver_that_a_suspension_cost_control_has_to_ask_for_it() {
        let mut control = Control::default();
        assert!(!control.lose());
        assert_eq!(control.admits(ConnectionId(1), false, NOW), Ok(()), "nobody drove");
        let mut control = held_by(1);
        assert!(control.lose());
        for connection in [1, 2] {
            let connection = ConnectionId(connection);
            assert_eq!(control.admits(connection, false, NOW), Err(Refusal::DriverLost));
            assert_eq!(control.admits(connection, true, NOW), Ok(()));
        }
    }

    #[test]
    fn a_link_that_did_not_drive_is_no_loss() {
        let mut control = held_by(1);
        assert!(!control.link_lost(ConnectionId(2), LinkLoss::Closed));
        assert!(control.is_held_by(ConnectionId(1)));
    }

    #[test]
    fn somebody_elses_stop_takes_control_away_for_a_while_and_the_own_one_does_not() {
        let mut control = held_by(1);
        assert!(!control.stopped_by(ConnectionId(1), NOW));
        assert!(control.is_held_by(ConnectionId(1)));
        assert!(control.stopped_by(ConnectionId(2), NOW));
        for explicit in [false, true] {
            let soon = NOW + BARRED - Duration::from_millis(1);
            let refused = control.admits(ConnectionId(1), explicit, soon);
            assert_eq!(refused, Err(Refusal::StoppedByOther));
            assert_eq!(control.admits(ConnectionId(1), explicit, NOW + BARRED), Ok(()));
        }
        assert_eq!(control.admits(ConnectionId(2), false, NOW), Ok(()));
    }

    #[test]
    fn each_of_several_drivers_that_were_stopped_is_kept_away_for_its_time() {
        let mut control = Control::default();
        let times = [NOW, NOW + BARRED / 2, NOW + BARRED];
        for (connection, now) in (1..).zip(times) {
            control.hold(&caller(connection), LATER, now);
            assert!(control.stopped_by(ConnectionId(9), now));
        }
        let barred = [1, 2, 3].map(|at| control.is_barred(ConnectionId(at), NOW + BARRED));
        assert_eq!(barred, [false, true, true]);
        assert_eq!(control.barred.len(), 2, "what is over is forgotten");
    }

    #[test]
    fn who_holds_already_holds_for_longer_and_who_takes_over_holds_instead() {
        let second = Duration::from_secs(1);
        let mut control = held_by(1);
        assert!(!control.hold(&caller(1), LATER + second, NOW + second));
        assert_eq!(control.holder().unwrap().since, NOW);
        assert!(!control.expire(LATER));
        assert!(control.hold(&caller(2), LATER, NOW + second));
        assert!(control.is_held_by(ConnectionId(2)));
        assert_eq!(control.holder().unwrap().since, NOW + second);
        control.keep(LATER + second);
        assert!(!control.expire(LATER));
    }

    #[test]
    fn a_hold_runs_out() {
        let mut control = held_by(1);
        assert!(!control.expire(LATER - Duration::from_millis(1)));
        assert!(control.expire(LATER));
        assert_eq!(control.holder(), None);
        assert_eq!(control.admits(ConnectionId(2), false, LATER), Ok(()));
    }
}
