//! What a LiDAR sees of its own robot: shown, and followed by nobody.

use std::f64::consts::TAU;

use nalgebra::{Isometry2, Point2};

use super::projection::Hit;

/// Where hits are the robot's own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OwnBody {
    footprint: Vec<Point2<f64>>,
    sectors: Vec<[f64; 2]>,
    /// Square of how far the footprint reaches from the base frame's origin, m²: most hits are farther.
    reach: f64,
}

impl OwnBody {
    /// Everything inside the footprint, m, base frame, none where that is empty; and everything between two angles,
    /// counter-clockwise, rad, in the LiDAR's frame.
    pub fn new(footprint: Vec<Point2<f64>>, sectors: Vec<[f64; 2]>) -> OwnBody {
        let reach = footprint.iter().map(|it| it.coords.norm_squared()).fold(0.0, f64::max);
        OwnBody { footprint, sectors, reach }
    }

    /// Whether this hit is the robot itself.
    pub fn has(&self, hit: &Hit, laser_from_base: &Isometry2<f64>) -> bool {
        if hit.point.coords.norm_squared() <= self.reach && self.encloses(hit.point) {
            return true;
        }
        if self.sectors.is_empty() {
            return false;
        }
        let point = laser_from_base * hit.point;
        let angle = point.y.atan2(point.x);
        self.sectors.iter().any(|[from, to]| {
            let past = |angle: f64| (angle - from).rem_euclid(TAU);
            past(angle) <= past(*to)
        })
    }

    /// A ray to the right crosses the outline an odd number of times from inside.
    fn encloses(&self, point: Point2<f64>) -> bool {
        let ends = self.footprint.iter().cycle().skip(1);
        let crosses = |(start, end): (&Point2<f64>, &Point2<f64>)| {
            let (y, dy) = (point.y - start.y, end.y - start.y);
            (y < 0.0) != (y < dy) && point.x - start.x < y / dy * (end.x - start.x)
        };
        self.footprint.iter().zip(ends).filter(|edge| crosses(*edge)).count() % 2 == 1
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    fn check(own: &OwnBody, laser_from_base: Isometry2<f64>, [x, y]: [f64; 2], expected: bool) {
        let hit = Hit { beam: 0, range: 1.0, point: Point2::new(x, y) };
        assert_eq!(own.has(&hit, &laser_from_base), expected, "{x} {y}");
    }

    #[test]
    fn the_footprint_and_masked_angles_are_the_robot() {
        let corners = [[0.4, 0.3], [-0.4, 0.3], [-0.4, -0.3], [0.4, -0.3]];
        let body = OwnBody::new(corners.map(Point2::from).to_vec(), vec![]);
        for (point, expected) in
            [([0.0, 0.0], true), ([0.39, -0.29], true), ([0.41, 0.0], false), ([0.0, 1.0], false)]
        {
            check(&body, Isometry2::identity(), point, expected);
        }
        // Whichever way it is drawn.
        let mut triangle = [[0.5, 0.0], [-0.5, 0.4], [-0.5, -0.4]].map(Point2::from).to_vec();
        for _ in 0..2 {
            let body = OwnBody::new(triangle.clone(), vec![]);
            for (point, expected) in [
                ([0.1, 0.15], true),
                ([0.1, 0.17], false),
                ([0.1, -0.15], true),
                ([0.1, -0.17], false),
                ([-0.4, 0.35], true),
                ([-0.4, 0.37], false),
                ([-0.51, 0.0], false),
            ] {
                check(&body, Isometry2::identity(), point, expected);
            }
            triangle.reverse();
        }
        // A mast behind a LiDAR that looks backwards is ahead of the robot.
        let mast = OwnBody::new(vec![], vec![[3.0, -3.0]]);
        let backwards = Isometry2::rotation(PI);
        for (point, expected) in [([1.0, 0.1], true), ([1.0, 0.2], false), ([-1.0, 0.0], false)] {
            check(&mast, backwards, point, expected);
        }
        check(&OwnBody::default(), backwards, [0.0, 0.0], false);
    }
}
