//! How much of something a client has used: in a sliding window, or by a refilling bucket.

use std::{collections::VecDeque, time::Duration};

/// Counts events within a sliding window.
pub struct Window {
    limit: usize,
    length: Duration,
    times: VecDeque<Duration>,
}

impl Window {
    /// Full at the `limit`-th event within `length`.
    pub fn new(limit: usize, length: Duration) -> Window {
        Window { limit, length, times: VecDeque::new() }
    }

    /// Counts one event at `now`; whether the window is full with it.
    pub fn full(&mut self, now: Duration) -> bool {
        while self.times.front().is_some_and(|first| now.saturating_sub(*first) >= self.length) {
            self.times.pop_front();
        }
        self.times.push_back(now);
        self.times.len() >= self.limit
    }
}

/// A token bucket: `burst` at once, `per_second` sustained.
pub struct Bucket {
    per_second: f64,
    burst: f64,
    level: f64,
    filled: Duration,
}

impl Bucket {
    /// A full bucket.
    pub fn new(per_second: u32, burst: u32, now: Duration) -> Bucket {
        let burst = f64::from(burst);
        Bucket { per_second: f64::from(per_second), burst, level: burst, filled: now }
    }

    /// Takes one at `now`, if there is one.
    pub fn take(&mut self, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.filled).as_secs_f64();
        self.level = (self.level + elapsed * self.per_second).min(self.burst);
        self.filled = now;
        let enough = self.level >= 1.0;
        if enough {
            self.level -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_window_is_full_at_its_limit_and_time_alone_empties_it() {
        let mut window = Window::new(3, ms(1000));
        let full: Vec<bool> = [0, 400, 999, 1000, 1399, 3000].map(|t| window.full(ms(t))).into();
        assert_eq!(full, [false, false, true, true, true, false]);
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(20, 40, ms(0));
        assert_eq!((0..50).filter(|_| bucket.take(ms(0))).count(), 40);
        assert_eq!((0..50).filter(|_| bucket.take(ms(500))).count(), 10);
        assert_eq!((0..100).filter(|_| bucket.take(ms(60_000))).count(), 40);
    }
}
