//! A scan that can be trusted in form: its geometry is finite and its beams are classified.

use std::sync::Arc;

use super::RawScan;

/// A sweep with a usable geometry. Single beams may still be anything: see [`Beam`].
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    stamp: f64,
    stamp_nanoseconds: i64,
    angle_min: f64,
    angle_increment: f64,
    range_min: f64,
    range_max: f64,
    ranges: Arc<[f32]>,
}

/// What one beam says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Beam {
    /// Something stands at this range, m.
    Hit(f64),
    /// Something stands nearer than the LiDAR can measure, at about this range, m.
    TooClose(f64),
    /// Nothing within reach.
    NoReturn,
    /// Says nothing.
    Invalid,
}

/// Why a scan cannot be read at all.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScanError {
    /// No beam, or more than any LiDAR has.
    #[error("{0} beams; between 1 and {MOST_BEAMS} are read")]
    Beams(usize),
    /// A number of the header is not usable.
    #[error("{name} is {value}; it must be {rule}")]
    Header {
        /// Field of `sensor_msgs/LaserScan`.
        name: &'static str,
        /// What it holds.
        value: f64,
        /// What it must hold.
        rule: &'static str,
    },
}

impl Scan {
    /// Checks the header; the beams are judged one by one when they are read.
    pub fn new(raw: &RawScan) -> Result<Scan, ScanError> {
        Scan::check(raw)?;
        Ok(Scan {
            stamp: raw.stamp,
            stamp_nanoseconds: raw.stamp_nanoseconds,
            angle_min: raw.angle_min,
            angle_increment: raw.angle_increment,
            range_min: raw.range_min,
            range_max: raw.range_max,
            ranges: raw.ranges.clone(),
        })
    }

    /// Whether the header is usable.
    pub fn check(raw: &RawScan) -> Result<(), ScanError> {
        let beams = raw.ranges.len();
        if beams == 0 || beams > MOST_BEAMS {
            return Err(ScanError::Beams(beams));
        }
        let RawScan { stamp, angle_min, angle_increment, range_min, range_max, .. } = *raw;
        let widest = std::f64::consts::TAU * SLACK / beams.max(2) as f64;
        let rules = [
            ("stamp", stamp, stamp.is_finite(), "finite"),
            ("angle_min", angle_min, angle_min.abs() <= MOST_ANGLE, "within two turns"),
            (
                "angle_increment",
                angle_increment,
                angle_increment != 0.0 && angle_increment.abs() <= widest,
                "other than zero, and all beams within a turn",
            ),
            (
                "range_min",
                range_min,
                range_min >= 0.0 && range_min.is_finite(),
                "finite, not negative",
            ),
            (
                "range_max",
                range_max,
                range_max > range_min && range_max.is_finite(),
                "finite, more than range_min",
            ),
        ];
        for (name, value, holds, rule) in rules {
            if !holds {
                return Err(ScanError::Header { name, value, rule });
            }
        }
        Ok(())
    }

    /// Every beam, in the order of the sweep.
    pub fn beams(&self) -> impl Iterator<Item = Beam> + '_ {
        self.ranges.iter().map(|range| self.classify(f64::from(*range)))
    }

    /// Angle of the first beam (rad), angle between beams (rad), number of beams.
    pub fn geometry(&self) -> (f64, f64, usize) {
        (self.angle_min, self.angle_increment, self.ranges.len())
    }

    /// The sensor's time, s.
    pub fn stamp(&self) -> f64 {
        self.stamp
    }

    /// The same in ns, exactly.
    pub fn stamp_nanoseconds(&self) -> i64 {
        self.stamp_nanoseconds
    }

    fn classify(&self, range: f64) -> Beam {
        if range > self.range_max {
            Beam::NoReturn
        } else if range.is_nan() || range <= CODE {
            Beam::Invalid
        } else if range < self.range_min {
            Beam::TooClose(range)
        } else {
            Beam::Hit(range)
        }
    }
}

/// More beams than any planar LiDAR has.
const MOST_BEAMS: usize = 100_000;

/// Drivers count angles from -2 pi to 2 pi; twice that is a mistake.
const MOST_ANGLE: f64 = 4.0 * std::f64::consts::PI;

/// Drivers that count the first beam twice, or announce a few beams more, sweep a little over a turn.
const SLACK: f64 = 1.5;

/// Ranges up to this are codes of a driver, not distances, m.
const CODE: f64 = 0.05_f32 as f64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw() -> RawScan {
        RawScan {
            angle_increment: 0.1,
            range_min: 0.2,
            range_max: 10.0,
            ranges: [1.0; 8].into(),
            ..RawScan::default()
        }
    }

    #[test]
    fn each_beam_says_one_of_four_things() {
        let rows = [
            (1.0, Beam::Hit(1.0)),
            (10.0, Beam::Hit(10.0)),
            (10.5, Beam::NoReturn),
            (f32::INFINITY, Beam::NoReturn),
            (0.125, Beam::TooClose(0.125)),
            (0.02, Beam::Invalid),
            (0.0, Beam::Invalid),
            (-1.0, Beam::Invalid),
            (f32::NAN, Beam::Invalid),
            (f32::NEG_INFINITY, Beam::Invalid),
        ];
        for (range, expected) in rows {
            let scan = Scan::new(&RawScan { ranges: [range].into(), ..raw() }).unwrap();
            assert_eq!(scan.beams().next(), Some(expected), "{range}");
        }
    }

    #[test]
    fn a_header_that_cannot_be_read_is_named() {
        let rows = [
            (RawScan { ranges: [].into(), ..raw() }, "0 beams"),
            (RawScan { angle_increment: 0.0, ..raw() }, "angle_increment is 0"),
            (RawScan { angle_increment: f64::NAN, ..raw() }, "angle_increment is NaN"),
            (RawScan { angle_increment: 3.0, ..raw() }, "angle_increment is 3"),
            (RawScan { angle_min: f64::INFINITY, ..raw() }, "angle_min is inf"),
            (RawScan { range_min: -1.0, ..raw() }, "range_min is -1"),
            (RawScan { range_max: 0.1, ..raw() }, "range_max is 0.1"),
            (RawScan { stamp: f64::NAN, ..raw() }, "stamp is NaN"),
        ];
        for (raw, expected) in rows {
            let error = Scan::new(&raw).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(Scan::new(&RawScan { angle_increment: -0.1, ..raw() }).is_ok());
    }

    proptest! {
        #[test]
        fn no_scan_panics(
            ranges in proptest::collection::vec(any::<f32>(), 0..200),
            header in proptest::array::uniform5(any::<f64>()),
        ) {
            let [stamp, angle_min, angle_increment, range_min, range_max] = header;
            let ranges = ranges.into();
            let raw = RawScan {
                stamp, angle_min, angle_increment, range_min, range_max, ranges,
                ..RawScan::default()
            };
            if let Ok(scan) = Scan::new(&raw) {
                prop_assert_eq!(scan.beams().count(), raw.ranges.len());
            }
        }
    }
}
