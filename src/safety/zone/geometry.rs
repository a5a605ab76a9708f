//! Simple polygons in the base frame: what is inside, and how far away the rest is.

use nalgebra::{Point2, Vector2};

/// A closed outline; the edge from the last vertex leads to the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    vertices: Vec<Point2<f64>>,
    edges: Vec<Edge>,
    centre: Point2<f64>,
    radius: f64,
}

/// From where an edge leads how far, and one over its squared length: plain numbers, since every point asks every edge.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Edge {
    x: f64,
    y: f64,
    dx: f64,
    dy: f64,
    inverse: f64,
}

/// Why an outline is no simple polygon.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PolygonError {
    /// Too few vertices to enclose anything, or more than are checked in time.
    #[error("has {0} vertices; 3 to {MOST_VERTICES} are accepted")]
    Vertices(usize),
    /// A coordinate is not a number, or out of any robot's reach.
    #[error(
        "has the vertex ({0}, {1}); coordinates are finite and at most {FARTHEST} m from the base"
    )]
    Coordinate(f64, f64),
    /// Two edges meet other than at the vertex that they share.
    #[error("crosses itself between edges {0} and {1}")]
    Crossing(usize, usize),
    /// It encloses nothing.
    #[error("encloses {0} m²; at least {LEAST_AREA} m² are accepted")]
    Area(f64),
}

impl Polygon {
    /// Accepts vertices in either direction of rotation.
    pub fn new(vertices: Vec<Point2<f64>>) -> Result<Polygon, PolygonError> {
        let count = vertices.len();
        if !(3..=MOST_VERTICES).contains(&count) {
            return Err(PolygonError::Vertices(count));
        }
        for vertex in &vertices {
            let within = vertex.coords.iter().all(|value| value.abs() <= FARTHEST);
            if !within {
                return Err(PolygonError::Coordinate(vertex.x, vertex.y));
            }
        }
        let edge = |at: usize| (vertices[at], vertices[(at + 1) % count]);
        for first in 0..count {
            for second in first + 1..count {
                let neighbours = second == first + 1 || (first == 0 && second == count - 1);
                let meet = if neighbours {
                    let (shared, one, other) = if second == first + 1 {
                        (vertices[second], vertices[first], vertices[(second + 1) % count])
                    } else {
                        (vertices[0], vertices[1], vertices[second])
                    };
                    folds_back(shared, one, other)
                } else {
                    edges_meet(edge(first), edge(second))
                };
                if meet {
                    return Err(PolygonError::Crossing(first, second));
                }
            }
        }
        let area =
            (0..count).map(|at| cross(edge(at).0.coords, edge(at).1.coords)).sum::<f64>() / 2.0;
        if area.abs() < LEAST_AREA {
            return Err(PolygonError::Area(area.abs()));
        }
        let sum = vertices.iter().map(|vertex| vertex.coords).sum::<Vector2<f64>>();
        let centre = Point2::from(sum / count as f64);
        let radius = vertices.iter().map(|vertex| (vertex - centre).norm()).fold(0.0, f64::max);
        let edges = (0..count).map(|at| Edge::new(edge(at).0, edge(at).1)).collect();
        Ok(Polygon { vertices, edges, centre, radius })
    }

    /// Its corners, in order, m.
    pub fn vertices(&self) -> &[Point2<f64>] {
        &self.vertices
    }

    /// Distance from `point`, m; 0 inside and on the outline.
    pub fn distance(&self, point: Point2<f64>) -> f64 {
        if self.squared_from_centre(point) <= self.radius * self.radius && self.encloses(point) {
            return 0.0;
        }
        let mut least = f64::INFINITY;
        for edge in &self.edges {
            let (x, y) = (point.x - edge.x, point.y - edge.y);
            let share = edge.share(x, y);
            let (off_x, off_y) = (x - share * edge.dx, y - share * edge.dy);
            least = least.min(off_x * off_x + off_y * off_y);
        }
        least.sqrt()
    }

    fn encloses(&self, point: Point2<f64>) -> bool {
        let mut inside = false;
        for edge in &self.edges {
            let (x, y) = (point.x - edge.x, point.y - edge.y);
            // A ray to the right crosses the outline an odd number of times from inside.
            if (y < 0.0) != (y < edge.dy) {
                inside ^= x < y / edge.dy * edge.dx;
            }
        }
        inside
    }

    /// At most the distance from `point`, m, and quicker.
    pub fn distance_at_least(&self, point: Point2<f64>) -> f64 {
        (self.squared_from_centre(point).sqrt() - self.radius).max(0.0)
    }

    /// The distance of `point`, m; beyond `reach` any number between that and the distance. Nobody waits for a root there.
    pub fn distance_within(&self, point: Point2<f64>, reach: f64) -> f64 {
        let squared = self.squared_from_centre(point);
        let far = self.radius + reach;
        if squared > far * far { squared.sqrt() - self.radius } else { self.distance(point) }
    }

    fn squared_from_centre(&self, point: Point2<f64>) -> f64 {
        let (x, y) = (point.x - self.centre.x, point.y - self.centre.y);
        x * x + y * y
    }

    /// The point of the outline that is nearest to `point`.
    pub fn nearest(&self, point: Point2<f64>) -> Point2<f64> {
        let mut best = (f64::INFINITY, point);
        for edge in &self.edges {
            let share = edge.share(point.x - edge.x, point.y - edge.y);
            let candidate = Point2::new(edge.x + share * edge.dx, edge.y + share * edge.dy);
            let distance = (point - candidate).norm_squared();
            if distance < best.0 {
                best = (distance, candidate);
            }
        }
        best.1
    }

    /// Edges as pairs of start and end.
    pub fn edges(&self) -> impl Iterator<Item = (Point2<f64>, Point2<f64>)> + '_ {
        let ends = self.vertices.iter().cycle().skip(1);
        self.vertices.iter().zip(ends).map(|(start, end)| (*start, *end))
    }
}

impl Edge {
    fn new(start: Point2<f64>, end: Point2<f64>) -> Edge {
        let along = end - start;
        let inverse = 1.0 / along.norm_squared();
        Edge { x: start.x, y: start.y, dx: along.x, dy: along.y, inverse }
    }

    /// How far along the edge, 0 to 1, the foot of the point lies that is at `x`, `y` from its start.
    fn share(&self, x: f64, y: f64) -> f64 {
        ((x * self.dx + y * self.dy) * self.inverse).clamp(0.0, 1.0)
    }
}

fn nearest_on(start: Point2<f64>, end: Point2<f64>, point: Point2<f64>) -> Point2<f64> {
    let along = end - start;
    let share = (point - start).dot(&along) / along.norm_squared();
    start + along * share.clamp(0.0, 1.0)
}

fn cross(one: Vector2<f64>, other: Vector2<f64>) -> f64 {
    one.x * other.y - one.y * other.x
}

/// Whether two edges that share a vertex lie on each other, or one of them has no length.
fn folds_back(shared: Point2<f64>, one: Point2<f64>, other: Point2<f64>) -> bool {
    let (one, other) = (one - shared, other - shared);
    let product = one.norm() * other.norm();
    product < TINY || (cross(one, other).abs() < TINY * product && one.dot(&other) > 0.0)
}

fn edges_meet(one: (Point2<f64>, Point2<f64>), other: (Point2<f64>, Point2<f64>)) -> bool {
    let side = |(start, end): (Point2<f64>, Point2<f64>), point: Point2<f64>| {
        cross(end - start, point - start)
    };
    let (a, b) = (side(one, other.0), side(one, other.1));
    let (c, d) = (side(other, one.0), side(other, one.1));
    if a * b < 0.0 && c * d < 0.0 {
        return true;
    }
    // Touching counts too: an outline that touches itself encloses its area ambiguously.
    let touches = |(start, end): (Point2<f64>, Point2<f64>), point: Point2<f64>| {
        (point - nearest_on(start, end, point)).norm() < TINY
    };
    touches(one, other.0) || touches(one, other.1) || touches(other, one.0) || touches(other, one.1)
}

/// More vertices than any field needs.
const MOST_VERTICES: usize = 64;

/// A coordinate beyond this, m, is a mistake.
const FARTHEST: f64 = 100.0;

/// A smaller polygon, m², is a mistake of units.
const LEAST_AREA: f64 = 1e-4;

/// Lengths below this, m, are none.
const TINY: f64 = 1e-9;
