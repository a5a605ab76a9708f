//! Chance that is the same for the same seed.

use std::time::Duration;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// Dice of their own for a part of the scenario.
    pub fn split(&mut self) -> Dice {
        Dice(self.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.next() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// Whole milliseconds, as the paused clock has them.
    pub fn seconds(&mut self, low: f64, high: f64) -> Duration {
        Duration::from_millis((self.between(low, high) * 1000.0).round() as u64)
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// One of these, as often as its weight says.
    pub fn pick<T: Copy>(&mut self, weighted: &[(u32, T)]) -> T {
        let sum: u32 = weighted.iter().map(|(weight, _)| weight).sum();
        let mut left = (self.next() % u64::from(sum)) as u32;
        for (weight, item) in weighted {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *item,
            }
        }
        unreachable!("the weights were summed up")
    }
}
