//! How good a scan is, from 0 to 1.
//!
//! `0.4 usable + 0.3 coverage + 0.2 rate + 0.1 age`: the share of beams that say something; the share that hit,
//! against what this place usually gives; the measured scan rate against the nominal one; how fresh the scan is.

use std::time::Duration;

use super::{Beam, Scan};

/// Judges scans, and learns what this place usually gives.
#[derive(Debug)]
pub struct Quality {
    nominal_period: f64,
    /// Usual share of beams that hit; `None` before the first scan.
    usual_hits: Option<f64>,
    arrived: Option<Duration>,
    /// Smoothed time between scans, s.
    period: Option<f64>,
}

impl Quality {
    /// Knows nothing yet; `nominal_period` in s.
    pub fn new(nominal_period: f64) -> Quality {
        Quality { nominal_period, usual_hits: None, arrived: None, period: None }
    }

    /// The quality of a scan that arrived at `at`, now that it is `now`.
    pub fn of(&mut self, scan: &Scan, at: Duration, now: Duration) -> f64 {
        let (_, _, beams) = scan.geometry();
        let share =
            |wanted: fn(&Beam) -> bool| scan.beams().filter(wanted).count() as f64 / beams as f64;
        let usable = share(|beam| *beam != Beam::Invalid);
        let hits = share(|beam| matches!(beam, Beam::Hit(_) | Beam::TooClose(_)));
        let freshness = 1.0 - now.saturating_sub(at).as_secs_f64() / OLD;
        let quality = 0.4 * usable
            + 0.3 * self.coverage(hits)
            + 0.2 * self.rate(at)
            + 0.1 * freshness.max(0.0);
        quality.clamp(0.0, 1.0)
    }

    /// Hits against the usual share, which rises at once and forgets slowly.
    fn coverage(&mut self, hits: f64) -> f64 {
        let usual = match self.usual_hits {
            Some(usual) => (usual + FORGET * (hits - usual)).max(hits),
            None => hits,
        };
        self.usual_hits = Some(usual);
        if usual > 0.0 { hits / usual } else { 0.0 }
    }

    /// Scans are left out after this one: the time until the next says nothing of the LiDAR.
    pub fn rest(&mut self) {
        self.arrived = None;
    }

    fn rate(&mut self, at: Duration) -> f64 {
        if let Some(before) = self.arrived.replace(at) {
            let period = at.saturating_sub(before).as_secs_f64();
            self.period =
                Some(self.period.map_or(period, |known| known + SMOOTH * (period - known)));
        }
        match self.period {
            Some(period) if period > self.nominal_period => self.nominal_period / period,
            _ => 1.0,
        }
    }
}

/// A scan this old, s, has no freshness left.
const OLD: f64 = 0.5;

/// Share by which the usual hits move towards fewer hits with each scan: about a minute at 20 Hz.
const FORGET: f64 = 0.001;

/// Weight of the newest time between scans.
const SMOOTH: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::{super::RawScan, *};

    fn raw(hits: usize, invalid: usize, none: usize) -> RawScan {
        let ranges = [vec![1.0; hits], vec![f32::NAN; invalid], vec![f32::INFINITY; none]].concat();
        RawScan {
            angle_increment: 0.01,
            range_min: 0.1,
            range_max: 10.0,
            ranges: ranges.into(),
            ..RawScan::default()
        }
    }

    fn scan(hits: usize, invalid: usize, none: usize) -> Scan {
        Scan::new(&raw(hits, invalid, none)).unwrap()
    }

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 0.01, "{value} instead of {expected}");
    }

    #[test]
    fn a_full_scan_on_time_is_perfect_and_each_fault_costs_its_share() {
        let period = Duration::from_millis(50);
        let mut quality = Quality::new(0.05);
        for turn in 0..20 {
            close(quality.of(&scan(100, 0, 0), period * turn, period * turn), 1.0);
        }
        // Half of the beams say nothing: 0.2 of the usable, 0.15 of the coverage.
        close(quality.of(&scan(50, 50, 0), period * 20, period * 20), 0.65);
        // Half of the beams return nothing, which is a statement: 0.15 of the coverage.
        close(quality.of(&scan(50, 0, 50), period * 21, period * 21), 0.85);
        // A quarter of a second old: half of the freshness.
        close(quality.of(&scan(100, 0, 0), period * 22, period * 27), 0.95);
    }

    #[test]
    fn half_the_rate_costs_half_of_the_rate_share() {
        let mut quality = Quality::new(0.05);
        let mut last = 0.0;
        for turn in 0..100 {
            let at = Duration::from_millis(100) * turn;
            last = quality.of(&scan(100, 0, 0), at, at);
        }
        close(last, 0.9);
    }

    #[test]
    fn the_time_in_which_nobody_looked_at_scans_does_not_count() {
        let mut quality = Quality::new(0.05);
        for seconds in 0..10 {
            for turn in 0..10 {
                let at = Duration::from_secs(seconds) + Duration::from_millis(50) * turn;
                close(quality.of(&scan(100, 0, 0), at, at), 1.0);
            }
            quality.rest();
        }
    }

    #[test]
    fn a_blind_lidar_has_no_coverage() {
        let mut quality = Quality::new(0.05);
        close(quality.of(&scan(0, 100, 0), Duration::ZERO, Duration::ZERO), 0.3);
    }
}
