//! When the Gate decided last, and whether the process ran since then.

use std::time::Duration;

/// The last tick, and how late the next may be.
#[derive(Debug)]
pub(super) struct Ticks {
    last: Option<Duration>,
    longest: Duration,
}

impl Default for Ticks {
    fn default() -> Ticks {
        Ticks { last: None, longest: SUSPENDED }
    }
}

impl Ticks {
    /// Whether there was none yet.
    pub(super) fn is_first(&self) -> bool {
        self.last.is_none()
    }

    /// A tick: the time since the one before (a first one stands for one period), and whether the process was suspended
    /// meanwhile.
    pub(super) fn tick(&mut self, now: Duration) -> (Duration, bool) {
        let since = self.last.replace(now).map_or(TICK, |before| now.saturating_sub(before));
        (since, since > std::mem::replace(&mut self.longest, SUSPENDED))
    }

    /// The next one may come after [`QUIET_TICK`].
    pub(super) fn doze(&mut self) {
        self.longest = QUIET_GAP;
    }
}

/// Time between decisions.
pub const TICK: Duration = Duration::from_millis(20);

/// Longest time between decisions after [`Gate::doze`](super::Gate::doze).
pub const QUIET_TICK: Duration = Duration::from_millis(210);

/// A longer gap between ticks means that the process did not run.
pub const SUSPENDED: Duration = Duration::from_millis(100);

/// The same after [`Gate::doze`](super::Gate::doze).
pub const QUIET_GAP: Duration = Duration::from_millis(250);
