//! People who walk through the hall along fixed routes and wait for the robot.

use std::time::Duration;

use nalgebra::Point2;

use super::hall::Disc;

/// A route that one person walks for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Visited in turn, then again from the first, m. The person starts at the first.
    pub way_points: Vec<Point2<f64>>,
    /// m/s
    pub speed: f64,
    /// Rest at each way-point.
    pub pause: Duration,
}

/// One person, seen by the LiDAR as a disc.
#[derive(Debug, Clone)]
pub(super) struct Person {
    route: Route,
    position: Point2<f64>,
    next: usize,
    resting: f64,
}

impl Person {
    /// `None` for a route without way-points.
    pub(super) fn new(route: Route) -> Option<Person> {
        let position = *route.way_points.first()?;
        Some(Person { route, position, next: 0, resting: 0.0 })
    }

    pub(super) fn outline(&self) -> Disc {
        Disc { center: self.position, radius: PERSON_RADIUS }
    }

    /// Walks for `dt` seconds; waits rather than come closer to a robot that is near.
    pub(super) fn walk(&mut self, dt: f64, robot: Disc) {
        if self.resting > 0.0 {
            self.resting -= dt;
            return;
        }
        let way = self.route.way_points[self.next] - self.position;
        let step = self.route.speed * dt;
        if way.norm() <= step {
            self.next = (self.next + 1) % self.route.way_points.len();
            self.resting = self.route.pause.as_secs_f64();
            return;
        }
        let ahead = self.position + way.normalize() * step;
        let (gap, gap_ahead) = (robot.distance(self.position), robot.distance(ahead));
        if gap_ahead - PERSON_RADIUS >= PERSONAL_SPACE || gap_ahead > gap {
            self.position = ahead;
        }
    }
}

const PERSON_RADIUS: f64 = 0.18;
/// Between the outlines of a person and the robot, m.
const PERSONAL_SPACE: f64 = 0.6;

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(seconds: f64, robot: [f64; 2]) -> Point2<f64> {
        let way_points = vec![Point2::origin(), Point2::new(4.0, 0.0)];
        let route = Route { way_points, speed: 1.0, pause: Duration::ZERO };
        let mut person = Person::new(route).into_iter().collect::<Vec<_>>().remove(0);
        for _ in 0..(seconds * 100.0) as u32 {
            person.walk(0.01, Disc { center: robot.into(), radius: 0.35 });
        }
        person.position
    }

    #[test]
    fn a_person_walks_the_route_to_and_fro() {
        for (seconds, x) in [(2.0, 2.0), (3.9, 3.9), (6.0, 2.0), (10.0, 2.0)] {
            let position = walk(seconds, [0.0, 50.0]);
            assert!((position.x - x).abs() < 0.06, "{seconds} s: {position}");
        }
    }

    #[test]
    fn a_person_waits_in_front_of_the_robot_and_never_touches_it() {
        let position = walk(60.0, [3.0, 0.0]);
        let gap = 3.0 - 0.35 - PERSON_RADIUS - position.x;
        assert!((PERSONAL_SPACE..PERSONAL_SPACE + 0.02).contains(&gap), "{gap}");
    }

    #[test]
    fn a_person_walks_away_from_a_robot_that_came_near() {
        let position = walk(1.0, [-0.6, 0.0]);
        assert!(position.x > 0.9, "{position}");
    }
}
