//! Whether a scan can be believed: too few hits, a blackout, a frozen picture.

use std::time::Duration;

use super::{
    ScanView, Stop,
    beams::{Beams, Seen},
    body::BINS,
    config::ZoneConfig,
};

/// Compares scans with those before.
#[derive(Debug, Clone)]
pub struct Health {
    previous: Vec<f32>,
    /// How many scans in a row are identical, the newest included.
    identical: u32,
    /// Directions that hit in the last good scan.
    hit_before: [bool; BINS],
    /// Scans in a row with a blackout, and the arrival of the first.
    dark: u32,
    dark_since: Duration,
}

impl Health {
    /// Knows no scan.
    pub fn new() -> Health {
        Health {
            previous: Vec::new(),
            identical: 0,
            hit_before: [false; BINS],
            dark: 0,
            dark_since: Duration::ZERO,
        }
    }

    /// What is wrong with a scan, if anything; the most restrictive.
    pub fn judge(
        &mut self,
        scan: &ScanView,
        beams: &Beams,
        config: &ZoneConfig,
        arrival: Duration,
    ) -> Option<Stop> {
        let few = (beams.hits.len() as f64) < config.min_hit_share * beams.count as f64;
        let faults = [
            (few || beams.count == 0).then_some(Stop::FewHits),
            self.is_dark(beams, config, arrival).then_some(Stop::Blackout),
            self.is_frozen(scan, config).then_some(Stop::Frozen),
        ];
        faults.into_iter().flatten().min()
    }

    fn is_frozen(&mut self, scan: &ScanView, config: &ZoneConfig) -> bool {
        // By bits, since NaN is not equal to itself.
        let same = self.previous.len() == scan.ranges.len()
            && self
                .previous
                .iter()
                .zip(scan.ranges)
                .all(|(one, other)| one.to_bits() == other.to_bits());
        self.identical = if same { self.identical.saturating_add(1) } else { 1 };
        self.previous.clear();
        self.previous.extend_from_slice(scan.ranges);
        self.identical >= config.frozen_count
    }

    /// For more than one scan.
    fn is_dark(&mut self, beams: &Beams, config: &ZoneConfig, arrival: Duration) -> bool {
        if self.lost(beams) < config.blackout.to_degrees() {
            self.dark = 0;
            for (before, seen) in self.hit_before.iter_mut().zip(&beams.seen) {
                *before = *seen == Seen::Hit;
            }
            return false;
        }
        if self.dark == 0 {
            self.dark_since = arrival;
        }
        self.dark = self.dark.saturating_add(1);
        if arrival.saturating_sub(self.dark_since) >= PATIENCE {
            for (before, seen) in self.hit_before.iter_mut().zip(&beams.seen) {
                *before &= *seen != Seen::Free;
            }
        }
        self.dark > 1
    }

    /// Degrees that hit in the last good scan and lie in one piece without any hit now; the most of such pieces.
    fn lost(&self, beams: &Beams) -> f64 {
        let (mut most, mut run, mut between) = (0, 0, 0);
        // Twice around, so that a piece across the rear is one.
        (0..BINS).chain(0..BINS).for_each(|bin| {
            match beams.seen[bin] {
                Seen::Hit => (run, between) = (0, 0),
                Seen::Nothing => between += 1,
                Seen::Failed | Seen::Free => {
                    // Beams a little over a degree apart leave a bin out now and then.
                    run = if between <= LEFT_OUT { run + between } else { 0 };
                    run += usize::from(self.hit_before[bin]);
                    between = 0;
                }
            }
            most = most.max(run);
        });
        most.min(BINS) as f64
    }
}

/// How long directions that return nothing may be a blackout; then the surroundings changed, and nothing is there.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many directions in a row without a beam are part of what surrounds them.
const LEFT_OUT: usize = 2;
