//! Outlines of zones as people see them.

use std::f64::consts::TAU;

use nalgebra::{Point2, Vector2};

use super::{config::Area, geometry::Polygon};

/// The outline, m, base frame, counter-clockwise. That of a depth is drawn as it is seen from the base frame's origin, a vertex
/// every few degrees; a part of one closes over the origin.
pub fn of(area: &Area, footprint: &Polygon) -> Vec<[f64; 2]> {
    match area {
        Area::Outline(vertices) => vertices.iter().map(|vertex| [vertex.x, vertex.y]).collect(),
        Area::Depth(depth) => (0..VERTICES)
            .map(|at| at as f64 / VERTICES as f64 * TAU)
            .map(|angle| edge(angle, *depth, footprint))
            .collect(),
        Area::Part(depth, sector) => {
            let width = (sector.to - sector.from).rem_euclid(TAU);
            let parts = (width / TAU * VERTICES as f64).ceil().max(1.0);
            (0..=parts as usize)
                .map(|at| sector.from + at as f64 / parts * width)
                .map(|angle| edge(angle, *depth, footprint))
                .chain([[0.0, 0.0]])
                .collect()
        }
    }
}

/// The farthest point in this direction that is at most `depth` m from the footprint.
fn edge(angle: f64, depth: f64, footprint: &Polygon) -> [f64; 2] {
    let (sin, cos) = angle.sin_cos();
    let direction = Vector2::new(cos, sin);
    let farthest = footprint.vertices().iter().map(|vertex| vertex.coords.norm());
    let beyond = farthest.fold(0.0, f64::max) + depth;
    let (mut inside, mut outside) = (0.0, beyond);
    while outside - inside > PRECISION {
        let middle = f64::midpoint(inside, outside);
        let within = footprint.distance(Point2::from(direction * middle)) <= depth;
        if within { inside = middle } else { outside = middle }
    }
    [direction.x * outside, direction.y * outside]
}

/// Of a full turn.
const VERTICES: usize = 36;

/// m
const PRECISION: f64 = 1e-4;

#[cfg(test)]
mod tests {
    use std::f64::consts::FRAC_PI_2;

    use super::*;
    use crate::safety::zone::Sector;

    fn square() -> Polygon {
        let corner = |x: f64, y: f64| Point2::new(x, y);
        Polygon::new(vec![
            corner(0.3, 0.3),
            corner(-0.3, 0.3),
            corner(-0.3, -0.3),
            corner(0.3, -0.3),
        ])
        .unwrap()
    }

    #[test]
    fn every_vertex_of_a_depth_is_as_far_from_the_footprint() {
        for depth in [0.02, 0.5, 2.0] {
            let outline = of(&Area::Depth(depth), &square());
            assert_eq!(outline.len(), VERTICES);
            for (at, [x, y]) in outline.into_iter().enumerate() {
                let off = y.atan2(x) - at as f64 / 36.0 * TAU;
                assert!(((off + 1.0).rem_euclid(TAU) - 1.0).abs() < 1e-9, "vertex {at}: {x} {y}");
                assert!((square().distance(Point2::new(x, y)) - depth).abs() < 1e-3, "{x} {y}");
            }
        }
    }

    #[test]
    fn a_part_closes_over_the_origin_and_stays_in_its_directions() {
        let outline = of(&Area::Part(0.5, Sector { from: -FRAC_PI_2, to: FRAC_PI_2 }), &square());
        assert_eq!((outline.len(), outline.last()), (20, Some(&[0.0, 0.0])), "10 degrees apart");
        for (at, [x, y]) in outline.iter().take(19).enumerate() {
            let angle = (at as f64 * 10.0 - 90.0).to_radians();
            assert!((y.atan2(*x) - angle).abs() < 1e-9, "vertex {at}: {x} {y}");
        }
        let behind = of(&Area::Part(0.5, Sector { from: FRAC_PI_2, to: -FRAC_PI_2 }), &square());
        assert!(behind.iter().all(|[x, _]| *x < 1e-9), "{behind:?}");
    }
}
