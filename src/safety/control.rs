//! Who drives: one connection at a time.

use std::{sync::Arc, time::Duration};

use super::{Caller, ConnectionId};

/// The one connection that may move the robot, and until when without a further command.
///
/// Explicit acquire, release and take-over belong here when they come; today control is taken by the first accepted
/// motion and ends with its hold or with its connection.
#[derive(Debug, Default)]
pub struct Control {
    holder: Option<Holder>,
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

    /// Whether this connection could drive: nobody else does. Otherwise the name of who drives.
    pub fn admits(&self, connection: ConnectionId) -> Result<(), Arc<str>> {
        match &self.holder {
            Some(holder) if holder.caller.connection != connection => {
                Err(holder.caller.username.clone())
            }
            _ => Ok(()),
        }
    }

    /// Gives control, or keeps it, until `until`; whether the holder changed. The caller was [admitted](Self::admits).
    pub fn hold(&mut self, caller: &Caller, until: Duration, now: Duration) -> bool {
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

    /// Takes control from this connection; whether it had it.
    pub fn release(&mut self, connection: ConnectionId) -> bool {
        let held = self.holder.as_ref().is_some_and(|held| held.caller.connection == connection);
        if held {
            self.holder = None;
        }
        held
    }

    /// Takes control from whoever has it; whether anybody had.
    pub fn clear(&mut self) -> bool {
        self.holder.take().is_some()
    }

    /// Ends a hold that ran out; whether it did.
    pub fn expire(&mut self, now: Duration) -> bool {
        let over = self.holder.as_ref().is_some_and(|holder| now >= holder.until);
        if over {
            self.holder = None;
        }
        over
    }
}
