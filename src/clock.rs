//! The two clocks of the bridge: monotonic for every deadline, wall for what people and tokens read.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

/// Tells the time; cheap to clone.
///
/// Core code never asks it: it is handed `now`. The monotonic side follows tokio's clock, so a test that pauses
/// that clock pauses the whole program.
#[derive(Clone)]
pub struct Clock {
    start: Instant,
    wall: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl Clock {
    /// The machine's clocks. A wall clock before 1970 counts as 1970.
    #[allow(clippy::disallowed_methods)] // the one place where the wall clock is read
    pub fn system() -> Clock {
        Clock::with_wall(|| {
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
        })
    }

    /// A clock whose wall side is given as time since the Unix epoch; for tests.
    pub fn with_wall(wall: impl Fn() -> Duration + Send + Sync + 'static) -> Clock {
        Clock { start: Self::instant(), wall: Arc::new(wall) }
    }

    /// A clock that starts at `unix` and follows tokio's clock on both sides; for tests with a paused clock.
    pub fn virtual_from(unix: Duration) -> Clock {
        let start = Self::instant();
        Clock { start, wall: Arc::new(move || unix + Self::instant().duration_since(start)) }
    }

    /// Monotonic time since this clock was made.
    pub fn now(&self) -> Duration {
        Self::instant().duration_since(self.start)
    }

    /// Wall time since the Unix epoch.
    pub fn unix(&self) -> Duration {
        (self.wall)()
    }

    /// The wall time that it was at `now`, if the wall clock was not set since then.
    pub fn unix_at(&self, now: Duration) -> Duration {
        self.unix().saturating_sub(self.now().saturating_sub(now))
    }

    /// Time until the next whole `period` of this clock. Those who look around now and then do so together, and the machine
    /// wakes up once for all of them.
    pub fn until_next(&self, period: Duration) -> Duration {
        let past = self.now().as_nanos() % period.as_nanos();
        period - Duration::from_nanos(u64::try_from(past).unwrap_or(0))
    }

    #[allow(clippy::disallowed_methods)] // the one place where the monotonic clock is read
    fn instant() -> Instant {
        Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_is_told_by_the_wall_clock_as_it_is_now() {
        let clock = Clock::virtual_from(Duration::from_secs(1000));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(clock.unix_at(Duration::from_secs(20)), Duration::from_secs(1020));
        assert_eq!(clock.unix_at(clock.now()), clock.unix());
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_period_begins_at_a_whole_one_and_never_now() {
        let clock = Clock::virtual_from(Duration::ZERO);
        let period = Duration::from_millis(200);
        for (now, left) in [(0, 200), (1, 199), (199, 1), (200, 200), (450, 150)] {
            tokio::time::advance(Duration::from_millis(now) - clock.now()).await;
            assert_eq!(clock.until_next(period), Duration::from_millis(left), "{now} ms");
        }
    }
}
