//! A rate that is kept on average.

use std::time::Duration;

/// Keeps a mean rate and lets single values come early, as a source's jitter wants it (GCRA, ITU-T I.371).
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    due: Duration,
}

impl Pace {
    /// Whether one more may go now.
    pub fn allows(&mut self, now: Duration, period: Duration) -> bool {
        let allowed = now >= self.opens(period);
        if allowed {
            self.due = self.due.max(now.saturating_sub(period / 2)) + period;
        }
        allowed
    }

    /// From when on one more may go.
    pub fn opens(&self, period: Duration) -> Duration {
        self.due.saturating_sub(period / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(50);

    fn passed(times: impl IntoIterator<Item = u64>) -> usize {
        let mut pace = Pace::default();
        times.into_iter().filter(|ms| pace.allows(Duration::from_millis(*ms), PERIOD)).count()
    }

    #[test]
    fn twenty_scans_a_second_pass_with_their_jitter_and_more_do_not() {
        assert_eq!(passed((0..200).map(|n| n * 50)), 200);
        assert_eq!(passed((0..200).map(|n| n * 50 + [0, 12, 3, 19][n as usize % 4])), 200);
        let of_forty_hz = passed((0..400).map(|n| n * 25));
        assert!((200..=202).contains(&of_forty_hz), "{of_forty_hz}");
        assert_eq!(passed((0..100).map(|n| n * 100)), 100);
    }

    #[test]
    fn it_says_when_it_opens() {
        let mut pace = Pace::default();
        let early = [(); 3].map(|()| pace.allows(Duration::from_secs(1), PERIOD));
        assert_eq!(early, [true, true, false], "one may come early");
        let opens = pace.opens(PERIOD);
        assert!(opens > Duration::from_secs(1));
        assert!(!pace.allows(opens - Duration::from_nanos(1), PERIOD));
        assert!(pace.allows(opens, PERIOD));
    }
}
