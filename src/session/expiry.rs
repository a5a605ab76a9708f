//! The end of a token, and the warning before it.

use std::time::Duration;

use super::Time;
use crate::auth::Principal;

/// When the token ends: by the wall clock or by the time that was left at its acceptance, whichever is first.
pub struct Expiry {
    unix: Duration,
    now: Duration,
    warned: bool,
}

impl Expiry {
    /// The end of this principal's token, accepted now.
    pub fn of(principal: &Principal, time: Time) -> Expiry {
        let left = principal.expires_at.saturating_sub(time.unix);
        // A token issued for less than the warning's time is not warned about.
        let warned = left <= EXPIRY_WARNING;
        Expiry { unix: principal.expires_at, now: time.now.saturating_add(left), warned }
    }

    /// When something is to be done about it next, monotonic.
    pub fn deadline(&self) -> Duration {
        if self.warned { self.now } else { self.now.saturating_sub(EXPIRY_WARNING) }
    }

    /// Whether it has come.
    pub fn passed(&self, time: Time) -> bool {
        time.unix >= self.unix || time.now >= self.now
    }

    /// Whether the client is to be warned now; says so once.
    pub fn warn(&mut self, time: Time) -> bool {
        let due = !self.warned && time.now >= self.now.saturating_sub(EXPIRY_WARNING);
        self.warned |= due;
        due
    }
}

/// How long before its expiry a client is told.
const EXPIRY_WARNING: Duration = Duration::from_secs(60);
