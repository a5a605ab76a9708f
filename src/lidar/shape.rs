//! Where the middle of a thing is: what a LiDAR sees of it is its near side.

use std::f64::consts::{FRAC_PI_3, FRAC_PI_4};

use nalgebra::{Matrix2, Matrix3, Point2, Vector2, Vector3, distance};

use super::projection::Hit;

/// A circle in the base frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circle {
    /// m
    pub center: Point2<f64>,
    /// m
    pub radius: f64,
    /// How much farther from the LiDAR the middle is taken to be than the hits are on average, m; 0 for what is all around it.
    pub depth: f64,
}

/// The circle around the thing of these hits, at least one. `laser`: where the LiDAR is in the base frame; `width`: the
/// angle that the hits fill, rad; `partly`: whether more of the thing may be hidden at a side.
pub fn circle(hits: &[Hit], laser: Point2<f64>, width: f64, partly: bool) -> Circle {
    let pushed = pushed(hits, laser, width);
    let believable = |fitted: &Circle| partly || fitted.radius <= WIDER * pushed.radius;
    fitted(hits, laser).filter(believable).unwrap_or(pushed)
}

/// Whether the hits rise over a line by less than half of what those of a disc of this radius would.
pub fn is_flat(hits: &[Hit], radius: f64) -> bool {
    if hits.len() < FEWEST_FLAT {
        return false;
    }
    let middle = middle(hits);
    let spread = |hit: &Hit| {
        let at = hit.point.coords - middle;
        at * at.transpose()
    };
    let covariance = hits.iter().map(spread).sum::<Matrix2<f64>>() / hits.len() as f64;
    let half = covariance.trace() / 2.0;
    let across = half - (half * half - covariance.determinant()).max(0.0).sqrt();
    across.max(0.0).sqrt() < RISE * radius / 2.0
}

/// As if the hits were the near side of a disc that fills their angle.
///
/// A disc of radius `R` at the distance `d` fills the half angle `asin(R / d)`, and the mean range to it is `d - pi/4 R`.
fn pushed(hits: &[Hit], laser: Point2<f64>, width: f64) -> Circle {
    let mean = mean_range(hits);
    let sine = (width / 2.0).min(FRAC_PI_3).sin();
    let radius = (sine * mean / (1.0 - FRAC_PI_4 * sine)).min(LARGEST);
    let depth = if is_flat(hits, radius) { FLAT } else { FRAC_PI_4 * radius };
    let direction = |hit: &Hit| (hit.point - laser) / hit.range;
    let direction: Vector2<f64> = hits.iter().map(direction).sum();
    match direction.try_normalize(hits.len() as f64 * ONE_WAY) {
        Some(direction) => Circle { center: laser + direction * (mean + depth), radius, depth },
        // All around the LiDAR.
        None => Circle { center: laser, radius: mean.min(LARGEST), depth: 0.0 },
    }
}

/// Least squares (Kåsa, "A circle fitting procedure and its error analysis", 1976), where the hits bend enough to tell.
fn fitted(hits: &[Hit], laser: Point2<f64>) -> Option<Circle> {
    if hits.len() < FEWEST {
        return None;
    }
    let count = hits.len() as f64;
    let middle = middle(hits);
    let (mut left, mut right) = (Matrix3::zeros(), Vector3::zeros());
    for hit in hits {
        let at = hit.point.coords - middle;
        let row = Vector3::new(at.x, at.y, 1.0);
        left += row * row.transpose();
        right += row * at.norm_squared();
    }
    let solved = left.try_inverse()? * right;
    let offset = Vector2::new(solved.x, solved.y) / 2.0;
    let radius = (solved.z + offset.norm_squared()).sqrt();
    let center = Point2::from(middle + offset);
    if !(SMALLEST..=LARGEST).contains(&radius) {
        return None;
    }
    let off = |hit: &Hit| (distance(&hit.point, &center) - radius).powi(2);
    let noise = (hits.iter().map(off).sum::<f64>() / count).sqrt();
    let chord = distance(&hits[0].point, &hits[hits.len() - 1].point);
    // Height of the arc over its chord.
    let rise = radius - (radius * radius - (chord / 2.0).powi(2)).max(0.0).sqrt();
    let nearest = hits.iter().map(|hit| hit.range).fold(f64::INFINITY, f64::min);
    let far = distance(&laser, &center);
    let told = far > nearest && noise < ROUND && rise > BENT * noise / count.sqrt();
    told.then(|| Circle { center, radius, depth: far - mean_range(hits) })
}

fn mean_range(hits: &[Hit]) -> f64 {
    hits.iter().map(|hit| hit.range).sum::<f64>() / hits.len() as f64
}

fn middle(hits: &[Hit]) -> Vector2<f64> {
    hits.iter().map(|hit| hit.point.coords).sum::<Vector2<f64>>() / hits.len() as f64
}

/// Fewer hits fit any circle.
const FEWEST: usize = 8;
/// Fewer hits are taken for a disc.
const FEWEST_FLAT: usize = 5;
/// Radii that are believed, m.
const SMALLEST: f64 = 0.03;
const LARGEST: f64 = 0.6;
/// A fitted circle is at most this much wider than what is seen.
const WIDER: f64 = 1.5;
/// Hits stray less than this from a circle, m, root mean square.
const ROUND: f64 = 0.05;
/// How far the arc must rise over the noise of its mean.
const BENT: f64 = 10.0;
/// Of the radius: standard deviation of a disc's near side from a line, `sqrt(2/3 - pi^2/16)`.
const RISE: f64 = 0.2236;
/// Mean of the directions of hits that are all around, at most.
const ONE_WAY: f64 = 0.1;
/// Half of what a thing with a flat side is deep, m.
const FLAT: f64 = 0.1;

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    /// Hits of a LiDAR at the origin, whose beams are half a degree apart, on what `range` says of the angle.
    fn hits(from: f64, to: f64, range: impl Fn(f64) -> f64) -> Vec<Hit> {
        let beams = (from * 2.0).ceil() as i32..=(to * 2.0).floor() as i32;
        beams
            .enumerate()
            .map(|(beam, half_degrees)| {
                let angle = (f64::from(half_degrees) / 2.0).to_radians();
                let range = range(angle);
                let point = Point2::new(range * angle.cos(), range * angle.sin());
                Hit { beam, range, point }
            })
            .collect()
    }

    fn seen(hits: &[Hit], partly: bool) -> Circle {
        circle(hits, Point2::origin(), (hits.len() as f64 / 2.0).to_radians(), partly)
    }

    /// A disc straight ahead.
    fn disc(distance: f64, radius: f64) -> impl Fn(f64) -> f64 {
        move |angle: f64| {
            let (sin, cos) = angle.sin_cos();
            distance * cos - (radius * radius - (distance * sin).powi(2)).max(0.0).sqrt()
        }
    }

    #[test]
    fn the_middle_of_a_disc_is_behind_what_is_seen_of_it() {
        for (distance, radius) in
            [(0.5, 0.035_f64), (1.0, 0.2), (3.0, 0.2), (8.0, 0.2), (3.0, 0.05)]
        {
            let edge = (radius / distance).asin().to_degrees();
            let circle = seen(&hits(-edge, edge, disc(distance, radius)), false);
            // Half a beam at either side.
            let exact = 0.01 + distance * 0.5_f64.to_radians() / 2.0;
            assert!((circle.center - Point2::new(distance, 0.0)).norm() < exact, "{circle:?}");
            assert!((circle.radius - radius).abs() < exact, "{circle:?} instead of {radius}");
            assert!((circle.depth - FRAC_PI_4 * radius).abs() < exact, "{circle:?}");
        }
    }

    #[test]
    fn a_disc_that_is_half_hidden_is_found_by_its_bend() {
        let edge = (0.2_f64 / 1.5).asin().to_degrees();
        let circle = seen(&hits(0.0, edge, disc(1.5, 0.2)), true);
        assert!((circle.center - Point2::new(1.5, 0.0)).norm() < 0.03, "{circle:?}");
    }

    #[test]
    fn a_flat_side_is_the_front_of_something_shallow() {
        let board = hits(-10.0, 10.0, |angle| 1.0 / angle.cos());
        let circle = seen(&board, false);
        assert!((1.09..1.13).contains(&circle.center.x), "{circle:?}");
        assert_eq!(circle.depth, FLAT);
        assert!(is_flat(&board, circle.radius));
        let edge = (0.2_f64 / 1.5).asin().to_degrees();
        assert!(!is_flat(&hits(-edge, edge, disc(1.5, 0.2)), 0.2));
    }

    #[test]
    fn what_too_few_beams_hit_is_taken_for_a_disc_that_fills_their_angle() {
        let hits = hits(-1.0, 1.0, |_| 2.0);
        // R = (d + pi/4 R) sin(0.2), with a mean range of d.
        let pushed = pushed(&hits, Point2::origin(), 0.4);
        assert!((pushed.radius - 2.0 * 0.198669 / (1.0 - FRAC_PI_4 * 0.198669)).abs() < 1e-5);
        assert!(hits.len() < FEWEST && circle(&hits, Point2::origin(), 0.4, true) == pushed);
        // Each hit says as much of the direction as any other.
        let two = [(0.1_f64, 1.0), (-0.1, 3.0)].map(|(angle, range)| {
            let point = Point2::new(range * angle.cos(), range * angle.sin());
            Hit { beam: 0, range, point }
        });
        assert!(super::pushed(&two, Point2::origin(), 0.2).center.y.abs() < 1e-9);
    }

    #[test]
    fn an_exact_arc_gives_its_circle_unless_that_is_much_wider_than_what_is_seen() {
        let (distance, radius) = (1.0, 0.2_f64);
        let edge = (radius / distance).asin().to_degrees();
        let whole = hits(-edge, edge, disc(distance, radius));
        let circle = seen(&whole, false);
        let off = (circle.center - Point2::new(distance, 0.0)).norm() + (circle.radius - radius);
        assert!(off.abs() < 1e-6, "{circle:?}");
        // The middle third of a wide disc: all of something narrower, unless more of it may be hidden.
        let part = hits(-8.0, 8.0, disc(1.2, 0.5));
        let (alone, partly) = (seen(&part, false), seen(&part, true));
        assert!((partly.radius - 0.5).abs() < 1e-6, "{partly:?}");
        assert_eq!(alone, pushed(&part, Point2::origin(), (part.len() as f64 / 2.0).to_radians()));
    }

    /// So many hits on an arc of `half` rad at either side of its middle, the near side of a disc 2 m ahead. They stray
    /// from it by up to `off`, in so many half `waves` along it.
    fn arc(count: usize, radius: f64, half: f64, waves: usize, off: f64) -> Vec<Hit> {
        let point = |index: usize| {
            let along = index as f64 / (count - 1) as f64;
            let radius = radius + off * (waves as f64 * PI * along).sin();
            let angle = half * (2.0 * along - 1.0);
            let point = Point2::new(2.0 - radius * angle.cos(), radius * angle.sin());
            Hit { beam: index, range: point.coords.norm(), point }
        };
        (0..count).map(point).collect()
    }

    #[test]
    fn a_circle_is_fitted_only_where_the_hits_bend_enough_to_tell() {
        let rows = [
            ("eight hits", arc(8, 0.3, 0.8, 0, 0.0), true),
            ("seven hits", arc(7, 0.3, 0.8, 0, 0.0), false),
            // They stray from the fitted circle by 4.9 cm, or by 5.3 cm.
            ("round", arc(25, 0.3, 0.8, 12, 0.055), true),
            ("not round", arc(25, 0.3, 0.8, 12, 0.060), false),
            // The fitted arc rises by 6.9 mm over noise that must be below 5.3; by 15.9 mm, and it would have to be 18.0.
            ("bent", arc(8, 0.5, 0.15, 3, 0.002), true),
            ("hardly bent", arc(8, 0.5, 0.15, 3, 0.004), false),
            ("wider than is believed", arc(25, 0.7, 0.8, 0, 0.0), false),
            ("narrower than is believed", arc(25, 0.02, 0.8, 0, 0.0), false),
        ];
        for (what, hits, told) in rows {
            let fitted = fitted(&hits, Point2::origin());
            assert_eq!(fitted.is_some(), told, "{what}: {fitted:?}");
        }
        // Hollow, as seen from inside: nothing is behind it.
        let hollow = hits(-40.0, 40.0, |_| 0.5);
        assert_eq!(fitted(&hollow, Point2::new(0.01, 0.0)), None);
    }

    #[test]
    fn flat_is_what_rises_over_a_line_by_less_than_half_of_a_disc() {
        // A disc of 0.2 m would rise by 45 mm.
        let zigzag = |count: usize, off: f64| -> Vec<Hit> {
            let point = |beam: usize| {
                let across = if beam % 4 < 2 { off } else { -off };
                let point = Point2::new(1.0 + across, 0.1 * beam as f64);
                Hit { beam, range: point.coords.norm(), point }
            };
            (0..count).map(point).collect()
        };
        assert!(is_flat(&zigzag(20, 0.021), 0.2) && !is_flat(&zigzag(20, 0.024), 0.2));
        assert!(is_flat(&zigzag(5, 0.0), 0.2));
        assert!(!is_flat(&zigzag(4, 0.0), 0.2), "so few tell nothing");
    }

    #[test]
    fn what_is_all_around_the_lidar_has_its_middle_there() {
        let circle = seen(&hits(-179.5, 180.0, |_| 0.4), false);
        assert!(circle.center.coords.norm() < 0.05, "{circle:?}");
        assert_eq!(circle.depth, 0.0);
        let one = hits(0.0, 0.0, |_| 2.0);
        assert!((seen(&one, false).center.x - 2.0).abs() < 0.02);
    }
}
