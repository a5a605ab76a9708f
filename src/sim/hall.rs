//! Where the robot drives: walls and columns, what a beam hits in them and how much room they leave.

use nalgebra::{Isometry2, Point2, Vector2};

/// A straight piece of wall; infinitely thin, and solid from both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wall {
    /// One end, m.
    pub from: Point2<f64>,
    /// The other end, m.
    pub to: Point2<f64>,
    /// Glass stops the robot but no beam.
    pub glass: bool,
}

/// A column, or a person at the height of the LiDAR.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Disc {
    /// m
    pub center: Point2<f64>,
    /// m
    pub radius: f64,
}

/// All that stands still.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hall {
    /// Outer walls, partitions, the sides of the dock.
    pub walls: Vec<Wall>,
    /// Round columns.
    pub columns: Vec<Disc>,
}

impl Hall {
    /// Adds the four sides of a rectangle that is centred on `pose` and measures `size` along its axes, m.
    pub fn add_rectangle(&mut self, pose: Isometry2<f64>, size: Vector2<f64>) {
        let half = size / 2.0;
        let corner = |x: f64, y: f64| pose * Point2::new(x * half.x, y * half.y);
        let corners = [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
        for i in 0..4 {
            self.walls.push(Wall::solid(corners[i], corners[(i + 1) % 4]));
        }
    }

    /// Distance from `point` to the nearest wall or column, m; negative inside a column.
    pub fn clearance(&self, point: Point2<f64>) -> f64 {
        let walls = self.walls.iter().map(|wall| wall.distance(point));
        let columns = self.columns.iter().map(|column| column.distance(point));
        walls.chain(columns).fold(f64::INFINITY, f64::min)
    }

    /// Distance along a beam to what it hits first, m; infinite if nothing. `direction` has length 1.
    pub fn cast(&self, origin: Point2<f64>, direction: Vector2<f64>) -> f64 {
        let walls =
            self.walls.iter().filter(|wall| !wall.glass).map(|wall| wall.cast(origin, direction));
        let columns = self.columns.iter().map(|column| column.cast(origin, direction));
        walls.chain(columns).fold(f64::INFINITY, f64::min)
    }
}

impl Wall {
    /// A wall that beams see.
    pub fn solid(from: Point2<f64>, to: Point2<f64>) -> Wall {
        Wall { from, to, glass: false }
    }

    /// A wall that beams pass through.
    pub fn glass(from: Point2<f64>, to: Point2<f64>) -> Wall {
        Wall { from, to, glass: true }
    }

    // Plain numbers from here on: this is the innermost loop, 400 000 times a second, in unoptimised builds too.

    fn distance(&self, point: Point2<f64>) -> f64 {
        let (x, y) = (self.to.x - self.from.x, self.to.y - self.from.y);
        let (px, py) = (point.x - self.from.x, point.y - self.from.y);
        let fraction = ((px * x + py * y) / (x * x + y * y)).clamp(0.0, 1.0);
        (px - fraction * x).hypot(py - fraction * y)
    }

    fn cast(&self, origin: Point2<f64>, direction: Vector2<f64>) -> f64 {
        let (x, y) = (self.to.x - self.from.x, self.to.y - self.from.y);
        let (ox, oy) = (self.from.x - origin.x, self.from.y - origin.y);
        // Zero for a parallel beam: the quotients become infinite or NaN, and the comparison below fails.
        let cross = direction.x * y - direction.y * x;
        let distance = (ox * y - oy * x) / cross;
        let fraction = (ox * direction.y - oy * direction.x) / cross;
        if distance >= 0.0 && (0.0..=1.0).contains(&fraction) { distance } else { f64::INFINITY }
    }
}

impl Disc {
    /// Distance from `point` to the outline, m; negative inside.
    pub fn distance(&self, point: Point2<f64>) -> f64 {
        (point.x - self.center.x).hypot(point.y - self.center.y) - self.radius
    }

    /// As [`Hall::cast`].
    pub fn cast(&self, origin: Point2<f64>, direction: Vector2<f64>) -> f64 {
        let (x, y) = (self.center.x - origin.x, self.center.y - origin.y);
        let along = x * direction.x + y * direction.y;
        let half_chord_squared = self.radius * self.radius - x * x - y * y + along * along;
        if half_chord_squared < 0.0 {
            return f64::INFINITY;
        }
        let distance = along - half_chord_squared.sqrt();
        if distance >= 0.0 { distance } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hall: &Hall, origin: [f64; 2], angle: f64, expected: f64) {
        let direction = Vector2::new(angle.cos(), angle.sin());
        let hit = hall.cast(origin.into(), direction);
        assert!(hit == expected || (hit - expected).abs() < 1e-9, "{origin:?} {angle}: {hit}");
    }

    fn room() -> Hall {
        let mut hall = Hall::default();
        hall.add_rectangle(Isometry2::translation(2.0, 0.0), Vector2::new(8.0, 6.0));
        hall.columns.push(Disc { center: Point2::new(3.0, 0.0), radius: 0.5 });
        hall
    }

    #[test]
    fn a_beam_ends_at_what_it_meets_first() {
        let right_angle = std::f64::consts::FRAC_PI_2;
        let rows = [
            ([0.0, 0.0], 0.0, 2.5),
            ([0.0, 0.0], right_angle, 3.0),
            ([0.0, 0.0], -right_angle, 3.0),
            ([0.0, 0.0], 2.0 * right_angle, 2.0),
            ([0.0, 1.0], 0.0, 6.0),
            ([3.0, 2.0], -right_angle, 1.5),
            ([0.0, 0.0], right_angle / 2.0, 3.0 * 2.0_f64.sqrt()),
            ([100.0, 0.0], 0.0, f64::INFINITY),
        ];
        for (origin, angle, expected) in rows {
            check(&room(), origin, angle, expected);
        }
    }

    #[test]
    fn a_beam_passes_through_glass_that_stops_the_robot() {
        let (from, to) = (Point2::new(1.0, -1.0), Point2::new(1.0, 1.0));
        let glass = Hall { walls: vec![Wall::glass(from, to)], columns: vec![] };
        check(&glass, [0.0, 0.0], 0.0, f64::INFINITY);
        assert_eq!(glass.clearance(Point2::origin()), 1.0);
    }

    #[test]
    fn clearance_is_to_the_nearest_thing() {
        for (point, expected) in
            [([0.0, 0.0], 2.0), ([2.0, 0.0], 0.5), ([0.0, 2.5], 0.5), ([3.0, 0.0], -0.5)]
        {
            assert_eq!(room().clearance(point.into()), expected, "{point:?}");
        }
    }
}
