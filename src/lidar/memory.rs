//! What the newest scans saw through: a thing stands where nothing stood only if it came there, and what has left a place
//! is seen through there.

use std::{collections::VecDeque, f64::consts::TAU};

use nalgebra::{Isometry2, Point2};

use super::{Beam, Scan};

/// The scans of the last moments, in the frame that things are followed in.
#[derive(Debug, Default)]
pub struct Memory {
    past: VecDeque<Past>,
}

#[derive(Debug, Default)]
struct Past {
    stamp: f64,
    geometry: (f64, f64, usize),
    laser_from_odom: Isometry2<f64>,
    /// How far each beam saw, m: infinite without a return, NaN where it says nothing.
    seen: Vec<f32>,
}

impl Memory {
    /// Keeps a scan; one that comes very soon after the last one is left out.
    pub fn keep(&mut self, scan: &Scan, odom_from_laser: Isometry2<f64>) {
        if self.past.back().is_some_and(|last| scan.stamp() < last.stamp + APART) {
            return;
        }
        let full = self.past.len() >= MOST;
        let mut past = full.then(|| self.past.pop_front()).flatten().unwrap_or_default();
        past.stamp = scan.stamp();
        past.geometry = scan.geometry();
        past.laser_from_odom = odom_from_laser.inverse();
        past.seen.clear();
        past.seen.extend(scan.beams().map(|beam| match beam {
            Beam::Hit(range) | Beam::TooClose(range) => range as f32,
            Beam::NoReturn => f32::INFINITY,
            Beam::Invalid => f32::NAN,
        }));
        self.past.push_back(past);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.past.clear();
    }

    /// The share of `points` that the scan of about `stamp` saw through; 0 without such a scan, or without points.
    pub fn seen_through(&self, points: impl Iterator<Item = Point2<f64>>, stamp: f64) -> f64 {
        let off = |past: &&Past| (stamp - past.stamp).abs();
        let nearest = self.past.iter().min_by(|one, other| off(one).total_cmp(&off(other)));
        let Some(past) = nearest.filter(|past| off(past) <= NEAR) else {
            return 0.0;
        };
        let (mut all, mut through) = (0, 0);
        for point in points {
            all += 1;
            through += u32::from(past.saw_through(point));
        }
        f64::from(through) / f64::from(all.max(1))
    }
}

impl Past {
    /// Whether the beam of this direction and both its neighbours went well beyond the point, as far as they say anything.
    fn saw_through(&self, point: Point2<f64>) -> bool {
        let point = self.laser_from_odom * point;
        let range = point.coords.norm();
        let (first, increment, count) = self.geometry;
        let step = increment.abs();
        let turned = ((point.y.atan2(point.x) - first) * increment.signum()).rem_euclid(TAU);
        let beams = |angle: f64| (angle / step).round().min(MANY) as usize;
        let (turn, beam) = (beams(TAU), beams(turned));
        let mut says = false;
        for beam in [beam + turn - 1, beam, beam + 1] {
            let Some(seen) = self.seen.get(beam % turn.max(count)) else { continue };
            if f64::from(*seen) <= range + BEYOND {
                return false;
            }
            says |= !seen.is_nan();
        }
        says
    }
}

/// How far back it is asked what had been there, s.
pub const AGO: f64 = 0.4;
/// How far the scan that is asked may be from the time that is meant, s.
const NEAR: f64 = 0.2;
/// Scans that are kept lie at least this far apart, s,
const APART: f64 = 0.04;
/// and are so many.
const MOST: usize = 16;
/// Beams that no scan has.
const MANY: f64 = 1e9;
/// A beam that saw through a point went at least this much farther, m.
const BEYOND: f64 = 0.1;

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::lidar::RawScan;

    fn scan(stamp: f64, first: f64, increment: f64, range: impl Fn(f64) -> f32) -> Scan {
        let beams = (TAU / increment.abs()).round() as usize;
        let angle = |beam: usize| first + beam as f64 * increment;
        let ranges = (0..beams).map(|beam| range(angle(beam).sin().atan2(angle(beam).cos())));
        Scan::new(&RawScan {
            stamp,
            angle_min: first,
            angle_increment: increment,
            range_min: 0.1,
            range_max: 20.0,
            ranges: ranges.collect(),
            ..RawScan::default()
        })
        .unwrap()
    }

    fn through(memory: &Memory, point: [f64; 2], stamp: f64) -> bool {
        memory.seen_through([Point2::from(point)].into_iter(), stamp) == 1.0
    }

    #[test]
    fn a_beam_sees_through_what_is_nearer_than_its_end_in_every_direction() {
        for (first, increment) in [(-PI, 0.01), (0.0, 0.01), (PI, -0.01), (1.0, TAU / 720.0)] {
            let mut memory = Memory::default();
            memory.keep(&scan(1.0, first, increment, |_| 3.0), Isometry2::identity());
            for angle in (0..63).map(|tenth| f64::from(tenth) / 10.0) {
                let at = |range: f64| [range * angle.cos(), range * angle.sin()];
                assert!(through(&memory, at(2.5), 1.0), "{first} {increment} {angle}");
                assert!(!through(&memory, at(2.95), 1.0), "{first} {increment} {angle}");
                assert!(!through(&memory, at(4.0), 1.0), "{first} {increment} {angle}");
            }
        }
    }

    #[test]
    fn a_thing_between_two_beams_is_not_seen_through() {
        let mut memory = Memory::default();
        let pole = |angle: f64| if angle.abs() < 0.008 { 2.0 } else { 5.0 };
        memory.keep(&scan(1.0, -PI, 0.01, pole), Isometry2::identity());
        assert!(!through(&memory, [2.0, 0.02], 1.0));
        assert!(!through(&memory, [2.0, -0.02], 1.0));
        assert!(through(&memory, [2.0, 0.2], 1.0));
    }

    #[test]
    fn each_direction_is_asked_of_the_beam_that_points_there() {
        for (first, increment) in [(-PI, 0.01), (0.5, 0.01), (1.0, TAU / 720.0), (2.0, -0.01)] {
            let mut memory = Memory::default();
            let pole = |angle: f64| if (angle - 1.0).abs() < 0.05 { 2.0 } else { 5.0 };
            memory.keep(&scan(1.0, first, increment, pole), Isometry2::identity());
            for tenth in -31..=31 {
                let angle = f64::from(tenth) / 10.0;
                let seen = through(&memory, [3.0 * angle.cos(), 3.0 * angle.sin()], 1.0);
                assert_eq!(seen, tenth != 10, "{first} {increment} {angle}");
            }
        }
    }

    #[test]
    fn of_several_points_the_share_is_told() {
        let mut memory = Memory::default();
        memory.keep(&scan(1.0, -PI, 0.01, |_| 3.0), Isometry2::identity());
        let share = |points: &[[f64; 2]]| {
            memory.seen_through(points.iter().map(|point| Point2::from(*point)), 1.0)
        };
        let (before, behind) = ([1.0, 1.0], [3.0, 3.0]);
        assert_eq!(share(&[before, behind, behind, behind]), 0.25);
        assert_eq!(share(&[before, before, behind, before]), 0.75);
        assert_eq!(share(&[]), 0.0);
    }

    #[test]
    fn a_scan_that_comes_very_soon_is_left_out_and_a_cleared_memory_knows_none() {
        let mut memory = Memory::default();
        let mut keep = |stamp: f64, range: f32| {
            memory.keep(&scan(stamp, -PI, 0.01, |_| range), Isometry2::identity());
            through(&memory, [2.0, 0.0], stamp)
        };
        assert!(!keep(1.0, 1.0));
        assert!(!keep(1.03, 5.0), "left out: the one before is asked");
        assert!(keep(1.05, 5.0));
        memory.clear();
        assert!(!through(&memory, [2.0, 0.0], 1.05));
    }

    #[test]
    fn no_return_is_free_and_an_invalid_beam_says_nothing() {
        let mut memory = Memory::default();
        let half = |angle: f64| if angle > 0.0 { f32::INFINITY } else { f32::NAN };
        memory.keep(&scan(1.0, -PI, 0.01, half), Isometry2::identity());
        assert!(through(&memory, [1.0, 1.0], 1.0));
        assert!(!through(&memory, [1.0, -1.0], 1.0));
    }

    #[test]
    fn the_scan_of_that_time_is_asked_from_where_the_lidar_was() {
        let mut memory = Memory::default();
        for (tick, range) in [(0, 1.0), (1, 5.0), (2, 1.0)] {
            let odom_from_laser = Isometry2::translation(10.0, 0.0);
            memory.keep(&scan(f64::from(tick) * 0.4, -PI, 0.01, |_| range), odom_from_laser);
        }
        assert!(!through(&memory, [12.0, 0.0], 0.1));
        assert!(through(&memory, [12.0, 0.0], 0.35));
        assert!(!through(&memory, [12.0, 0.0], 0.8));
        assert!(!through(&memory, [12.0, 0.0], 1.1), "no scan of that time");
    }
}
