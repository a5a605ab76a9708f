//! The robot's body in motion: how fast its points move, where it goes, and what it takes to stop.

use std::f64::consts::{PI, TAU};

use nalgebra::{Isometry2, Point2, UnitComplex, Vector2};

use super::geometry::Polygon;
use crate::safety::Velocity;

/// Directions as they are kept: one a degree, in the LiDAR's frame, from -pi on.
pub const BINS: usize = 360;

/// The footprint with its LiDAR.
#[derive(Debug, Clone)]
pub struct Body {
    /// Outline of the robot.
    pub footprint: Polygon,
    /// Where the LiDAR is, base frame.
    pub laser: Point2<f64>,
    /// How it is turned.
    pub rotation: UnitComplex<f64>,
    /// Up to this distance from the footprint, m, distances are exact.
    pub reach: f64,
    laser_from_base: Isometry2<f64>,
    /// Points along the outline, close to each other.
    outline: Vec<Point2<f64>>,
}

/// Where a motion takes the body beyond where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// The directions in which that area lies, as the LiDAR sees it: what stands there may be met.
    pub bins: [bool; BINS],
    /// Those of them that must be seen: without what a curve swings out by less than a leg's half.
    pub entered: [bool; BINS],
    /// How far from the LiDAR the parts of the outline that lead into these are at the start, m.
    pub lead: f64,
}

/// What decides how far the robot still goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stopping {
    /// From a thing's appearance to the brakes, s.
    pub reaction: f64,
    /// m/s²
    pub deceleration: f64,
    /// What is left in the end, m.
    pub margin: f64,
}

impl Body {
    /// `reach`: up to where distances are wanted exactly, m.
    pub fn new(footprint: Polygon, base_from_laser: Isometry2<f64>, reach: f64) -> Body {
        let length: f64 = footprint.edges().map(|(start, end)| (end - start).norm()).sum();
        let spacing = SPACING.max(length / MOST_POINTS);
        let mut outline = Vec::new();
        for (start, end) in footprint.edges() {
            let parts = ((end - start).norm() / spacing).ceil().max(1.0);
            outline.extend(
                (0..parts as usize).map(|part| start + (end - start) * (part as f64 / parts)),
            );
        }
        Body {
            footprint,
            laser: Point2::from(base_from_laser.translation.vector),
            rotation: base_from_laser.rotation,
            reach,
            laser_from_base: base_from_laser.inverse(),
            outline,
        }
    }

    /// Distance of `point` from the footprint, m; beyond the reach a lower bound.
    pub fn distance(&self, point: Point2<f64>) -> f64 {
        self.footprint.distance_within(point, self.reach)
    }

    /// Speed of the fastest point of the robot, m/s.
    pub fn speed(&self, velocity: Velocity) -> f64 {
        let speed = |point: &Point2<f64>| velocity_at(velocity, *point).norm();
        self.footprint.vertices().iter().map(speed).fold(0.0, f64::max)
    }

    /// Whether the motion increases the distance to `point`, at this instant.
    pub fn leaves(&self, point: Point2<f64>, velocity: Velocity) -> bool {
        let nearest = self.footprint.nearest(point);
        let away = point - nearest;
        let speed = self.speed(velocity);
        self.footprint.distance(point) > 0.0
            && velocity_at(velocity, nearest).dot(&away) < -LEAVING * speed * away.norm()
    }

    /// Where the body goes until its fastest point has moved `length` m with this velocity.
    pub fn sweep(&self, velocity: Velocity, length: f64) -> Sweep {
        let mut sweep = Sweep { bins: [false; BINS], entered: [false; BINS], lead: 0.0 };
        let speed = self.speed(velocity);
        if speed == 0.0 {
            return sweep;
        }
        let mut time = length / speed;
        if velocity.angular.abs() * time > TAU {
            time = TAU / velocity.angular.abs();
        }
        for step in 1..=STEPS {
            let before = pose_after(velocity, time * (step - 1) as f64 / STEPS as f64);
            let pose = pose_after(velocity, time * step as f64 / STEPS as f64);
            // What leads: the direction of the neighbour on the outline, and whether it is in the entered area.
            let mut neighbour = self.outline.last().and_then(|last| self.outside(pose * last));
            for point in &self.outline {
                let here = self.outside(pose * point);
                if let Some((bin, far)) = here {
                    let start = self.bin(before * point);
                    mark(&mut sweep.bins, bin, start);
                    if far {
                        sweep.lead = sweep.lead.max((point - self.laser).norm());
                        mark(&mut sweep.entered, bin, start);
                    }
                    if let Some((neighbour, also_far)) = neighbour {
                        mark(&mut sweep.bins, bin, neighbour);
                        if far && also_far {
                            mark(&mut sweep.entered, bin, neighbour);
                        }
                    }
                }
                neighbour = here;
            }
        }
        sweep
    }

    /// A point of the base frame that the LiDAR sees in the middle of `bin` at `range`.
    pub fn point(&self, bin: usize, range: f64) -> Point2<f64> {
        let angle = (bin as f64 + 0.5).to_radians() - PI;
        self.laser + self.rotation * Vector2::new(angle.cos(), angle.sin()) * range
    }

    /// The direction of a point outside of the footprint, and whether it is far outside.
    fn outside(&self, point: Point2<f64>) -> Option<(usize, bool)> {
        let least = self.footprint.distance_at_least(point);
        let distance = if least > FAR_OUTSIDE { least } else { self.footprint.distance(point) };
        (distance > OUTSIDE).then(|| (self.bin(point), distance > FAR_OUTSIDE))
    }

    fn bin(&self, point: Point2<f64>) -> usize {
        let point = self.laser_from_base * point;
        bin_of(point.y.atan2(point.x))
    }
}

impl Stopping {
    /// Distance from a speed to rest, with the margin, m.
    pub fn distance(&self, speed: f64) -> f64 {
        self.path(speed) + self.margin
    }

    /// The way from a speed to rest, without the margin, m.
    pub fn path(&self, speed: f64) -> f64 {
        speed * self.reaction + speed * speed / (2.0 * self.deceleration)
    }

    /// The highest speed, m/s, that needs no more than `distance`.
    pub fn speed(&self, distance: f64) -> f64 {
        let room = (distance - self.margin).max(0.0);
        let Stopping { reaction, deceleration, .. } = *self;
        // The root of v²/2a + vT = room, in the form that loses no digits.
        let root = (reaction * reaction + 2.0 * room / deceleration).sqrt();
        if room == 0.0 { 0.0 } else { 2.0 * room / (reaction + root) }
    }
}

/// The direction that an angle in the LiDAR's frame, rad, of any turn, belongs to.
pub fn bin_of(angle: f64) -> usize {
    ((angle + PI).rem_euclid(TAU).to_degrees() as usize).min(BINS - 1)
}

fn velocity_at(velocity: Velocity, point: Point2<f64>) -> Vector2<f64> {
    Vector2::new(velocity.linear - velocity.angular * point.y, velocity.angular * point.x)
}

fn pose_after(velocity: Velocity, time: f64) -> Isometry2<f64> {
    let turn = velocity.angular * time;
    let way = velocity.linear * time;
    // sin(x)/x and (1 - cos(x))/x, also where x is next to nothing.
    let (along, aside) = if turn.abs() < 1e-6 {
        (1.0, turn / 2.0)
    } else {
        (turn.sin() / turn, (1.0 - turn.cos()) / turn)
    };
    Isometry2::new(Vector2::new(way * along, way * aside), turn)
}

/// Marks the directions from one bin to another, the short way; all of them where that is ambiguous, since the outline
/// then passes by the LiDAR itself.
fn mark(bins: &mut [bool; BINS], from: usize, to: usize) {
    let ahead = (to + BINS - from) % BINS;
    let (start, count) = if ahead <= BINS / 2 { (from, ahead) } else { (to, BINS - ahead) };
    if count > AMBIGUOUS {
        *bins = [true; BINS];
        return;
    }
    for offset in 0..=count {
        bins[(start + offset) % BINS] = true;
    }
}

/// Distance between points of the outline, m.
const SPACING: f64 = 0.15;

/// About as many points of the outline are followed at most.
const MOST_POINTS: f64 = 96.0;

/// Poses that a sweep is made of.
const STEPS: usize = 8;

/// What is less than this outside of the footprint, m, is on it.
const OUTSIDE: f64 = 0.001;

/// What is less than this outside, m, is no area that is entered: a round robot is drawn with corners, and turns all the
/// same; a long one swings its rear out a little in every curve.
const FAR_OUTSIDE: f64 = 0.03;

/// A jump in direction of more degrees than this has no short way.
const AMBIGUOUS: usize = 150;

/// Share of its speed by which a motion must leave a point.
const LEAVING: f64 = 0.01;

#[cfg(test)]
mod tests {
    use std::f64::consts::FRAC_PI_2;

    use super::*;

    #[test]
    fn a_motion_is_an_arc_and_a_straight_line_where_it_hardly_turns() {
        let rows = [
            ((1.0, FRAC_PI_2), (1.0 / FRAC_PI_2, 1.0 / FRAC_PI_2, FRAC_PI_2)),
            ((-1.0, FRAC_PI_2), (-1.0 / FRAC_PI_2, -1.0 / FRAC_PI_2, FRAC_PI_2)),
            ((1.0, -PI), (0.0, -2.0 / PI, -PI)),
            ((1.0, 1e-3), (1.0 - 1e-6 / 6.0, 5e-4, 1e-3)),
            ((1.0, 1e-7), (1.0, 5e-8, 1e-7)),
            ((0.0, 0.5), (0.0, 0.0, 0.5)),
        ];
        for ((linear, angular), (x, y, turn)) in rows {
            let pose = pose_after(Velocity { linear: linear / 2.0, angular: angular / 2.0 }, 2.0);
            let off = pose.translation.vector - Vector2::new(x, y);
            let turned = UnitComplex::new(turn).angle_to(&pose.rotation);
            assert!(off.norm() < 1e-9 && turned.abs() < 1e-9, "{linear} {angular}: {pose}");
        }
    }

    #[test]
    fn directions_are_marked_the_short_way_and_all_where_there_is_none() {
        let rows: [(usize, usize, &[usize]); 5] = [
            (5, 9, &[5, 6, 7, 8, 9]),
            (9, 5, &[5, 6, 7, 8, 9]),
            (358, 1, &[0, 1, 358, 359]),
            (1, 358, &[0, 1, 358, 359]),
            (7, 7, &[7]),
        ];
        for (from, to, expected) in rows {
            let mut bins = [false; BINS];
            mark(&mut bins, from, to);
            let marked: Vec<usize> = (0..BINS).filter(|bin| bins[*bin]).collect();
            assert_eq!(marked, expected, "{from} to {to}");
        }
        for (to, expected) in [(150, 151), (151, BINS), (209, BINS), (210, 151)] {
            let mut bins = [false; BINS];
            mark(&mut bins, 0, to);
            assert_eq!(bins.iter().filter(|marked| **marked).count(), expected, "to {to}");
        }
    }

    fn body(corners: [[f64; 2]; 4]) -> Body {
        let footprint = corners.map(|[x, y]| Point2::new(x, y)).to_vec();
        Body::new(Polygon::new(footprint).unwrap(), Isometry2::translation(0.2, 0.0), 3.0)
    }

    #[test]
    fn each_point_of_a_turning_body_has_its_own_velocity() {
        let velocity = Velocity { linear: 1.0, angular: 2.0 };
        assert_eq!(velocity_at(velocity, Point2::new(0.5, 0.25)), Vector2::new(0.5, 1.0));
        assert_eq!(velocity_at(velocity, Point2::new(-0.5, -0.25)), Vector2::new(1.5, -1.0));
        // Longer to the left, so that the fastest point is on the right.
        let body = body([[0.2, 0.1], [-0.2, 0.1], [-0.2, -0.4], [0.2, -0.4]]);
        assert!((body.speed(velocity) - 1.8_f64.hypot(0.4)).abs() < 1e-12);
    }

    #[test]
    fn a_motion_leaves_a_point_that_it_goes_away_from_by_more_than_a_hundredth() {
        let body = body([[0.4, 0.3], [-0.4, 0.3], [-0.4, -0.3], [0.4, -0.3]]);
        let backwards = Velocity { linear: -0.5, angular: 0.0 };
        for distance in [0.01, 0.1, 1.0] {
            for (share, expected) in [(0.03_f64, true), (0.005, false), (-0.03, false)] {
                let away = Vector2::new(share, (1.0 - share * share).sqrt());
                let point = Point2::new(0.4, 0.3) + away * distance;
                let leaves = body.leaves(point, backwards);
                assert_eq!(leaves, expected, "{distance} {share}");
            }
        }
    }

    #[test]
    fn several_turns_sweep_what_one_does() {
        let body = body([[0.3, 0.2], [-1.0, 0.2], [-1.0, -0.2], [0.3, -0.2]]);
        let turning = Velocity { linear: 0.1, angular: 0.5 };
        let turn = body.speed(turning) * TAU / 0.5;
        let once = body.sweep(turning, turn);
        assert!(once.bins.contains(&true));
        for turns in [1.3, 2.5, 10.0] {
            assert!(body.sweep(turning, turn * turns) == once, "{turns} turns");
        }
    }

    #[test]
    fn every_angle_has_its_direction() {
        for (angle, bin) in
            [(-PI, 0), (-PI - 4e-16, 359), (-3e-16, 179), (0.001, 180), (7.0 * PI, 0)]
        {
            assert_eq!(bin_of(angle), bin, "{angle}");
        }
    }

    #[test]
    fn a_direction_of_the_lidar_is_where_it_looks_in_the_base_frame() {
        let corners = [[0.4, 0.3], [-0.4, 0.3], [-0.4, -0.3], [0.4, -0.3]];
        let footprint = corners.map(|[x, y]| Point2::new(x, y)).to_vec();
        let mount = Isometry2::new(Vector2::new(0.2, -0.1), FRAC_PI_2);
        let body = Body::new(Polygon::new(footprint).unwrap(), mount, 3.0);
        for (bin, x, y) in [(180, 0.0, 2.0), (270, -2.0, 0.0), (0, 0.0, -2.0), (90, 2.0, 0.0)] {
            let off = body.point(bin, 2.0) - Point2::new(0.2 + x, y - 0.1);
            assert!(off.norm() < 0.02, "bin {bin}: {off}");
            assert_eq!(body.bin(body.point(bin, 2.0)), bin);
        }
    }
}
