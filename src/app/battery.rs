//! When to warn of a low battery: once, and again only after it had recovered.

/// Watches the state of charge.
#[derive(Debug)]
pub struct Watch {
    /// Percent.
    low: f64,
    told: bool,
}

impl Watch {
    /// Warns below `low` percent.
    pub fn new(low: f64) -> Watch {
        Watch { low, told: false }
    }

    /// Whether this state of charge, 0 to 1, is to be told of.
    pub fn warns(&mut self, fraction: f64) -> bool {
        let percent = fraction * 100.0;
        if percent >= self.low + RECOVERED {
            self.told = false;
        }
        let due = percent < self.low && !self.told;
        self.told |= due;
        due
    }
}

/// Percent above the limit from which on the battery counts as recovered, so that a reading that wavers warns once.
const RECOVERED: f64 = 5.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_battery_is_low_once_until_it_has_recovered() {
        let mut watch = Watch::new(20.0);
        let readings = [0.5, 0.2, 0.199, 0.201, 0.19, 0.249, 0.19, 0.25, 0.19];
        let told: Vec<_> = readings.into_iter().map(|fraction| watch.warns(fraction)).collect();
        assert_eq!(told, [false, false, true, false, false, false, false, false, true]);
    }
}
