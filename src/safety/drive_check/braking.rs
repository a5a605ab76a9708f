//! When a robot began to brake, and when it stood, as its odometry shows it.

use std::time::Duration;

/// One odometry message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// m/s, forward positive.
    pub speed: f64,
    /// Its arrival.
    pub at: Duration,
}

/// Watches the speed fall.
///
/// The drive's own command cannot be seen, only the speed that follows. So two instants are looked for: when the speed
/// fell below half of what it was, and when it fell below the speed of rest, each interpolated between the two
/// messages around it. The straight line through both, continued back to the full speed, is where braking began. A
/// drive that brakes slowly is thereby not blamed for a slow watchdog. The uncertainty is one period of the odometry.
#[derive(Debug)]
pub struct Braking {
    cruise: f64,
    rest_speed: f64,
    newest: Sample,
    slower: Option<Duration>,
    at_rest: Option<Duration>,
}

impl Braking {
    /// Of a robot that drives at `cruise`, at least three times `rest_speed`; both m/s. `newest` is its last
    /// odometry before.
    pub fn new(cruise: f64, rest_speed: f64, newest: Sample) -> Braking {
        Braking { cruise, rest_speed, newest, slower: None, at_rest: None }
    }

    /// Odometry came. A speed that rises again was noise, and what was found before is forgotten.
    pub fn sample(&mut self, sample: Sample) {
        let before = std::mem::replace(&mut self.newest, sample);
        let fell = |found: &mut Option<Duration>, level: f64| {
            if sample.speed.abs() >= level {
                *found = None;
            } else if found.is_none() {
                *found = Some(crossing(before, sample, level));
            }
        };
        fell(&mut self.slower, SLOWER * self.cruise);
        fell(&mut self.at_rest, self.rest_speed);
    }

    /// Whether the newest odometry says that it stands.
    pub fn stands(&self) -> bool {
        self.at_rest.is_some()
    }

    /// Time from `since` to the beginning of the braking, and to rest; `None` until it has stood for [`SETTLED`].
    pub fn result(&self, since: Duration) -> Option<(Duration, Duration)> {
        let (slower, at_rest) = (self.slower?, self.at_rest?);
        if self.newest.at.saturating_sub(at_rest) < SETTLED {
            return None;
        }
        let share = SLOWER - self.rest_speed / self.cruise;
        let whole = at_rest.saturating_sub(slower).as_secs_f64() / share;
        let first = Duration::try_from_secs_f64((1.0 - SLOWER) * whole).unwrap_or_default();
        let began = slower.saturating_sub(first);
        Some((began.saturating_sub(since), at_rest.saturating_sub(since)))
    }
}

/// When the speed was at `level` between two samples, the first above and the second below it.
fn crossing(above: Sample, below: Sample, level: f64) -> Duration {
    let (high, low) = (above.speed.abs(), below.speed.abs());
    let share = ((high - level) / (high - low)).clamp(0.0, 1.0);
    let between = below.at.saturating_sub(above.at);
    above.at + between.mul_f64(if share.is_finite() { share } else { 1.0 })
}

/// Of the speed before; far from the noise of an odometry.
const SLOWER: f64 = 0.5;

/// A robot that stands for this long has stopped.
const SETTLED: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds a robot that drives 0.05 m/s and brakes from `began` on, s after the silence; odometry every `period`.
    fn check(began: f64, deceleration: f64, period: f64, tolerance: f64) {
        let driving = Sample { speed: 0.05, at: Duration::from_secs(10) };
        let mut braking = Braking::new(0.05, 0.01, driving);
        let mut at = 0.0;
        while at < 3.0 {
            let speed = (0.05 - deceleration * f64::max(at - began, 0.0)).max(0.0);
            let at_time = Duration::from_secs_f64(10.0 + at);
            braking.sample(Sample { speed, at: at_time });
            at += period;
        }
        let (acted, rest) = braking.result(Duration::from_secs(10)).unwrap();
        let expected_rest = began + 0.04 / deceleration;
        let (acted, rest) = (acted.as_secs_f64(), rest.as_secs_f64());
        assert!((acted - began).abs() <= tolerance, "{began}, {deceleration}: {acted}");
        assert!((rest - expected_rest).abs() <= tolerance, "{began}, {deceleration}: {rest}");
    }

    #[test]
    fn the_beginning_is_found_to_a_period_of_the_odometry_however_the_drive_brakes() {
        check(0.5, 0.1, 0.02, 1e-9); // straight between all samples
        check(0.5, 1.0, 0.02, 0.02);
        check(0.513, 1.0, 0.02, 0.02);
        check(0.507, 100.0, 0.02, 0.02); // at once
        check(1.5, 0.05, 0.02, 0.02);
        check(0.5, 1.0, 0.1, 0.1); // odometry at 10 Hz
        check(0.0, 1.0, 0.02, 0.02);
    }

    #[test]
    fn a_dip_is_noise_and_a_robot_that_goes_on_has_no_result() {
        let sample = |speed: f64, ms: u64| Sample { speed, at: Duration::from_millis(ms) };
        let mut braking = Braking::new(0.05, 0.01, sample(0.05, 0));
        for (speed, ms) in [(0.02, 20), (0.0, 40), (0.05, 60), (0.03, 80)] {
            braking.sample(sample(speed, ms));
        }
        assert_eq!(braking.result(Duration::ZERO), None);
        for ms in (100..420).step_by(20) {
            assert_eq!(braking.result(Duration::ZERO), None, "{ms}");
            braking.sample(sample(0.0, ms));
        }
        let (acted, rest) = braking.result(Duration::ZERO).unwrap();
        assert!(acted >= Duration::from_millis(60), "{acted:?}");
        assert!(rest <= Duration::from_millis(100), "{rest:?}");
    }
}
