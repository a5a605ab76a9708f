//! What the LiDAR sees: scans become points in the robot's base frame, and a measure of how good they are.
//!
//! A [`Picture`] has points and a quality, for people. Nothing in here stops the robot: safety reads the raw points by
//! itself.

use std::{sync::Arc, time::Duration};

use nalgebra::{Isometry2, Point2};

pub mod quality;
pub mod scan;

use quality::Quality;
pub use scan::{Beam, Scan, ScanError};

/// One sweep of the LiDAR as a driver sends it (`sensor_msgs/LaserScan`), before any judgement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RawScan {
    /// Time of the first beam, seconds since the epoch of the ROS clock.
    pub stamp: f64,
    /// What the ROS clock said when the scan arrived, s.
    pub ros_now: f64,
    /// Frame of the LiDAR.
    pub frame_id: Arc<str>,
    /// Angle of the first beam, rad, counter-clockwise from the LiDAR's x axis.
    pub angle_min: f64,
    /// Angle between beams, rad; negative for a LiDAR mounted upside down.
    pub angle_increment: f64,
    /// Shorter ranges are too close to be measured, m.
    pub range_min: f64,
    /// Longer ranges are no return, m.
    pub range_max: f64,
    /// One range a beam, m; NaN, infinities, zero and negative numbers are what drivers make of a missing return.
    pub ranges: Vec<f32>,
}

/// How the LiDAR is mounted and how its beams are read.
#[derive(Debug, Clone, PartialEq)]
pub struct LidarConfig {
    /// Pose of the LiDAR in the robot's base frame (REP 103).
    pub base_from_laser: Isometry2<f64>,
    /// Nominal time between scans, s; used by the quality.
    pub scan_period: f64,
}

/// What a scan shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Where beams hit, in the base frame, m.
    pub points: Vec<[f64; 2]>,
    /// 0 to 1, see [`quality`].
    pub quality: f64,
    /// The scan's own time stamp, s.
    pub stamp: f64,
}

/// Turns scans into pictures; one owner, `app/perception.rs`.
#[derive(Debug)]
pub struct Perception {
    config: LidarConfig,
    directions: Directions,
    quality: Quality,
    shown_range: f64,
}

/// Sines and cosines of a scan's beams, kept as long as its geometry stays.
#[derive(Debug, Default)]
struct Directions {
    geometry: (f64, f64, usize),
    units: Vec<(f64, f64)>,
}

impl Perception {
    /// Shows the whole range of the LiDAR.
    pub fn new(config: LidarConfig) -> Perception {
        let quality = Quality::new(config.scan_period);
        Perception {
            config,
            directions: Directions::default(),
            quality,
            shown_range: f64::INFINITY,
        }
    }

    /// Shows nothing beyond `range` metres from the LiDAR.
    pub fn set_range(&mut self, range: f64) {
        self.shown_range = range;
    }

    /// What this scan shows; it arrived at `at`, and now it is `now`.
    pub fn look(&mut self, scan: &Scan, at: Duration, now: Duration) -> Picture {
        let units = self.directions.of(scan);
        let base_from_laser = self.config.base_from_laser;
        let points = scan
            .beams()
            .zip(units)
            .filter_map(|(beam, (cos, sin))| match beam {
                Beam::Hit(range) | Beam::TooClose(range) if range <= self.shown_range => {
                    let point = base_from_laser * Point2::new(range * cos, range * sin);
                    Some([point.x, point.y])
                }
                _ => None,
            })
            .collect();
        let quality = self.quality.of(scan, at, now);
        Picture { points, quality, stamp: scan.stamp() }
    }
}

impl Directions {
    fn of(&mut self, scan: &Scan) -> &[(f64, f64)] {
        let geometry = scan.geometry();
        if self.geometry != geometry {
            let (first, increment, count) = geometry;
            self.geometry = geometry;
            self.units.clear();
            self.units.extend((0..count).map(|index| {
                let (sin, cos) = (first + index as f64 * increment).sin_cos();
                (cos, sin)
            }));
        }
        &self.units
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, PI};

    use nalgebra::Vector2;

    use super::*;

    fn scan(ranges: &[f32]) -> Scan {
        Scan::new(&RawScan {
            angle_min: -FRAC_PI_2,
            angle_increment: FRAC_PI_2,
            range_min: 0.2,
            range_max: 10.0,
            ranges: ranges.to_vec(),
            ..RawScan::default()
        })
        .unwrap()
    }

    fn check(base_from_laser: Isometry2<f64>, ranges: &[f32], expected: &[[f64; 2]]) {
        let mut perception = Perception::new(LidarConfig { base_from_laser, scan_period: 0.05 });
        let picture = perception.look(&scan(ranges), Duration::ZERO, Duration::ZERO);
        assert_eq!(picture.points.len(), expected.len(), "{:?}", picture.points);
        for (point, expected) in picture.points.iter().zip(expected) {
            let off = (point[0] - expected[0]).hypot(point[1] - expected[1]);
            assert!(off < 1e-6, "{point:?} instead of {expected:?}");
        }
    }

    #[test]
    fn points_stand_in_the_base_frame() {
        let ahead = Isometry2::new(Vector2::new(0.5, 0.0), 0.0);
        check(ahead, &[1.0, 2.0, 3.0], &[[0.5, -1.0], [2.5, 0.0], [0.5, 3.0]]);
        let backwards = Isometry2::new(Vector2::new(-0.5, 0.1), PI);
        check(backwards, &[1.0, 2.0, 3.0], &[[-0.5, 1.1], [-2.5, 0.1], [-0.5, -2.9]]);
    }

    #[test]
    fn only_what_returned_is_shown() {
        let none = Isometry2::identity();
        check(none, &[f32::INFINITY, f32::NAN, 0.0], &[]);
        check(none, &[-1.0, 11.0, f32::NEG_INFINITY], &[]);
        check(none, &[0.1, 0.05, 10.0], &[[0.0, -0.1], [0.0, 10.0]]);
    }

    #[test]
    fn a_set_range_crops_what_is_shown() {
        let config = LidarConfig { base_from_laser: Isometry2::identity(), scan_period: 0.05 };
        let mut perception = Perception::new(config);
        perception.set_range(2.5);
        let picture = perception.look(&scan(&[1.0, 2.0, 3.0]), Duration::ZERO, Duration::ZERO);
        assert_eq!(picture.points.len(), 2);
    }

    #[test]
    fn a_changed_number_of_beams_is_projected_anew() {
        let config = LidarConfig { base_from_laser: Isometry2::identity(), scan_period: 0.05 };
        let mut perception = Perception::new(config);
        for ranges in [&[1.0f32, 1.0][..], &[1.0, 1.0, 1.0, 1.0], &[1.0]] {
            let picture = perception.look(&scan(ranges), Duration::ZERO, Duration::ZERO);
            assert_eq!(picture.points.len(), ranges.len());
        }
    }
}
