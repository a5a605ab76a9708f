//! Where a followed thing was seen lately: what has left a place is seen through there.

use nalgebra::Point2;

/// The sightings of the last half second, thinned.
#[derive(Debug, Clone, PartialEq)]
pub struct Trail {
    marks: [Mark; MARKS],
    newest: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Mark {
    stamp: f64,
    points: [Point2<f64>; POINTS],
}

impl Default for Trail {
    fn default() -> Trail {
        let none = Mark { stamp: f64::NEG_INFINITY, points: [Point2::origin(); POINTS] };
        Trail { marks: [none; MARKS], newest: 0 }
    }
}

impl Trail {
    /// Keeps some of the `count` points, in the odometry frame, that were seen at `stamp` seconds; `point` gives each.
    pub fn mark(&mut self, stamp: f64, count: usize, point: impl Fn(usize) -> Point2<f64>) {
        if count == 0 || stamp < self.marks[self.newest].stamp + APART {
            return;
        }
        self.newest = (self.newest + 1) % MARKS;
        let points = std::array::from_fn(|index| point((2 * index + 1) * count / (2 * POINTS)));
        self.marks[self.newest] = Mark { stamp, points };
    }

    /// Points seen at about `stamp` seconds.
    pub fn at(&self, stamp: f64) -> Option<&[Point2<f64>]> {
        let off = |mark: &&Mark| (mark.stamp - stamp).abs();
        let mark = self.marks.iter().min_by(|one, other| off(one).total_cmp(&off(other)))?;
        (off(&mark) <= NEAR).then_some(&mark.points)
    }
}

/// Sightings that are kept, and points of each.
const MARKS: usize = 12;
const POINTS: usize = 8;
/// Sightings lie at least this far apart, s.
const APART: f64 = 0.04;
/// How far a sighting may be from the time that is meant, s.
const NEAR: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_where_a_thing_was_some_time_ago() {
        let mut trail = Trail::default();
        assert_eq!(trail.at(0.0), None);
        for scan in 0..100 {
            let now = f64::from(scan) * 0.01;
            trail.mark(now, 3, |index| Point2::new(now, index as f64));
        }
        let before = trail.at(0.59).unwrap();
        assert!(before.iter().all(|point| (point.x - 0.59).abs() <= 0.02), "{before:?}");
        let along: Vec<_> = before.iter().map(|point| point.y).collect();
        assert_eq!(along, [0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
        assert_eq!(trail.at(0.3), None, "too long ago");
    }
}
