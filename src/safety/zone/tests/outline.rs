//! Outlines: how far things are from them, and where they are nearest.

use super::{geometry::Polygon, *};

#[test]
fn each_point_has_its_distance_and_its_nearest_point_of_the_outline() {
    // An L beside the origin, in either direction of rotation.
    let mut corners = [[1.0, 1.0], [3.0, 1.0], [3.0, 2.0], [2.0, 2.0], [2.0, 4.0], [1.0, 4.0]]
        .map(|[x, y]| Point2::new(x, y));
    let rows = [
        ((0.0, 0.0), 2_f64.sqrt(), (1.0, 1.0)),
        ((0.5, 2.0), 0.5, (1.0, 2.0)),
        ((1.5, 5.0), 1.0, (1.5, 4.0)),
        ((3.0, 5.0), 2_f64.sqrt(), (2.0, 4.0)),
        ((2.4, 3.0), 0.4, (2.0, 3.0)),
        ((2.75, 2.1), 0.1, (2.75, 2.0)),
        ((4.0, 1.25), 1.0, (3.0, 1.25)),
        ((2.25, -1.0), 2.0, (2.25, 1.0)),
        ((2.9, 1.6), 0.0, (3.0, 1.6)),
        ((1.2, 3.0), 0.0, (1.0, 3.0)),
        ((1.0, 2.0), 0.0, (1.0, 2.0)),
    ];
    for _ in 0..2 {
        let outline = Polygon::new(corners.to_vec()).unwrap();
        for ((x, y), distance, nearest) in rows {
            let point = Point2::new(x, y);
            assert!((outline.distance(point) - distance).abs() < 1e-12, "{point}");
            let off = outline.nearest(point) - Point2::new(nearest.0, nearest.1);
            assert!(off.norm() < 1e-12, "{point}: {off}");
            assert!(outline.distance_at_least(point) <= distance, "{point}");
            for reach in [0.0, 0.05, 0.45, 1.5, 5.0] {
                let within = outline.distance_within(point, reach);
                if distance <= reach {
                    assert!((within - distance).abs() < 1e-12, "{point} within {reach}");
                } else {
                    assert!(within > reach && within < distance + 1e-12, "{point} beyond {reach}");
                }
            }
        }
        let far = Point2::new(-30.0, 42.0);
        assert!(outline.distance(far) - outline.distance_at_least(far) < 4.0);
        corners.reverse();
    }
}
