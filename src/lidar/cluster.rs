//! Hits that belong to one thing: adaptive breakpoints, then joining over small gaps.
//!
//! Two neighbouring hits belong together as long as a surface under at least 12 degrees to the beam could carry both, with
//! the noise of both (Borges and Aldon, "Line extraction in 2D range images for mobile robotics", 2004).

use std::{f64::consts::TAU, ops::Range};

use nalgebra::{Point2, distance};

use super::{Scan, projection::Hit};

/// Hits of one thing, neighbours in the sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Which hits.
    pub hits: Range<usize>,
    /// Whether the thing may go on unseen before the first hit, and after the last: something nearer hides it, or the sweep
    /// ends.
    pub hidden: [bool; 2],
    /// Largest distance between two hits, m.
    pub extent: f64,
}

/// How the beams of a scan follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sweep {
    /// Angle between beams, rad, positive.
    step: f64,
    /// Largest distance between two neighbours on one surface, of the nearer one's range.
    slope: f64,
    /// Number of beams.
    count: usize,
    /// Whether the last beam is the neighbour of the first.
    closed: bool,
}

impl Sweep {
    /// Of this scan.
    pub fn of(scan: &Scan) -> Sweep {
        let (_, increment, count) = scan.geometry();
        let step = increment.abs();
        let closed = (count as f64 + SEAM) * step >= TAU;
        Sweep::new(step, count, closed)
    }

    fn new(step: f64, count: usize, closed: bool) -> Sweep {
        let angle = step.min(WIDEST);
        Sweep { step, slope: angle.sin() / (LAMBDA - angle).sin(), count, closed }
    }

    /// The angle that these hits fill, neighbours in the sweep, rad.
    pub fn width(&self, hits: &[Hit]) -> f64 {
        match hits {
            [first, .., last] => {
                let beams = (last.beam + self.count - first.beam) % self.count + 1;
                beams as f64 * self.step
            }
            _ => self.step,
        }
    }

    /// How many beams lie between two hits, and one; the nearer way round.
    fn apart(&self, one: Hit, other: Hit) -> usize {
        let apart = one.beam.abs_diff(other.beam);
        if self.closed { apart.min(self.count - apart) } else { apart }
    }

    fn joins(&self, one: Hit, other: Hit) -> bool {
        let apart = self.apart(one, other);
        if apart == 0 || apart > MOST_APART {
            return false;
        }
        let near = one.range.min(other.range);
        let missing = (apart - 1) as f64 * self.step.min(WIDEST);
        distance(&one.point, &other.point) <= near * (self.slope + missing) + NOISE
    }

    /// Whether the hit at `end` belongs to those from `start` on; a single stray one between does not part them.
    fn goes_on(&self, hits: &[Hit], start: usize, end: usize) -> bool {
        let joins = |one: usize, other: usize| self.joins(hits[one], hits[other]);
        joins(end - 1, end)
            || (end - start >= 2 && joins(end - 2, end))
            || (end + 1 < hits.len() && joins(end - 1, end + 1))
    }

    /// Whether a thing may go on beyond its hit at the `edge`; `beyond`: the next hit there.
    fn hides(&self, edge: Hit, beyond: Option<Hit>) -> bool {
        match beyond {
            Some(beyond) => {
                self.apart(beyond, edge) <= NEIGHBOUR && beyond.range < edge.range - NEARER
            }
            None => edge.beam < NEIGHBOUR || edge.beam + NEIGHBOUR >= self.count,
        }
    }
}

/// Finds the clusters of a sweep. In a full turn `hits` is rotated so that no cluster goes over its end.
pub fn find(sweep: Sweep, hits: &mut [Hit], clusters: &mut Vec<Cluster>) {
    clusters.clear();
    let Some(last) = hits.len().checked_sub(1) else {
        return;
    };
    if sweep.closed {
        let before = |at: usize| hits[at.checked_sub(1).unwrap_or(last)];
        let seam = (0..=last).find(|at| !sweep.joins(before(*at), hits[*at]));
        hits.rotate_left(seam.unwrap_or(0));
    }
    let mut start = 0;
    for end in 1..=hits.len() {
        if end == hits.len() || !sweep.goes_on(hits, start, end) {
            clusters.push(Cluster { hits: start..end, hidden: [false; 2], extent: 0.0 });
            start = end;
        }
    }
    join(hits, clusters);
    for cluster in clusters {
        let Range { start, end } = cluster.hits;
        let round = |at: Option<usize>, seam: usize| match at {
            Some(at) => Some(hits[at]),
            None => sweep.closed.then(|| hits[seam]),
        };
        let (before, after) = (start.checked_sub(1), (end <= last).then_some(end));
        cluster.hidden = [
            sweep.hides(hits[start], round(before, last)),
            sweep.hides(hits[end - 1], round(after, 0)),
        ];
        cluster.extent = extent(&hits[start..end]);
    }
}

/// Neighbours whose ends are nearer than [`GAP`] become one.
fn join(hits: &[Hit], clusters: &mut Vec<Cluster>) {
    clusters.dedup_by(|next, before| {
        let ends = (hits[before.hits.end - 1].point, hits[next.hits.start].point);
        let joined = distance(&ends.0, &ends.1) < GAP;
        if joined {
            before.hits.end = next.hits.end;
        }
        joined
    });
}

/// From the point that is farthest from the first one to the one that is farthest from that: the diameter, or a little less.
fn extent(hits: &[Hit]) -> f64 {
    let farthest = |from: &Point2<f64>| {
        let farther = |best: (f64, Point2<f64>), hit: &Hit| {
            let far = distance(from, &hit.point);
            if far > best.0 { (far, hit.point) } else { best }
        };
        hits.iter().fold((0.0, *from), farther)
    };
    hits.first().map_or(0.0, |first| farthest(&farthest(&first.point).1).0)
}

/// Flattest angle between a beam and a surface that still holds together, rad: 12 degrees.
const LAMBDA: f64 = TAU / 30.0;
/// Beams farther apart than this are judged as if they were not, rad.
const WIDEST: f64 = LAMBDA / 2.0;
/// Nearly three standard deviations of the difference of two ranges, each with 3 cm, m.
const NOISE: f64 = 0.12;
/// Beams without a return that may lie within a thing, and one.
const MOST_APART: usize = 4;
/// Ends nearer than this belong to one thing, m.
const GAP: f64 = 0.12;
/// Beams between a thing and what hides its end.
const NEIGHBOUR: usize = 4;
/// How much nearer that stands, m.
const NEARER: f64 = 0.2;
/// Beams that a full turn may lack, say by a rounded increment.
const SEAM: f64 = 0.5;

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use nalgebra::Isometry2;

    use super::*;
    use crate::lidar::{RawScan, projection::Projection};

    /// A full turn that starts at `first`, of 360 beams, whose ranges are a function of the angle.
    fn found(first: f64, increment: f64, range: impl Fn(f64) -> f64) -> (Vec<Hit>, Vec<Cluster>) {
        let angle = |beam: usize| first + beam as f64 * increment;
        let ranges = (0..360).map(|beam| range(angle(beam).sin().atan2(angle(beam).cos())) as f32);
        let scan = Scan::new(&RawScan {
            angle_min: first,
            angle_increment: increment,
            range_min: 0.1,
            range_max: 10.0,
            ranges: ranges.collect(),
            ..RawScan::default()
        })
        .unwrap();
        let (mut hits, mut clusters) = (Vec::new(), Vec::new());
        Projection::default().hits(&scan, Isometry2::identity(), f64::INFINITY, &mut hits);
        find(Sweep::of(&scan), &mut hits, &mut clusters);
        (hits, clusters)
    }

    /// Hits in each cluster.
    fn sizes(first: f64, increment: f64, range: impl Fn(f64) -> f64) -> Vec<usize> {
        let mut sizes: Vec<_> =
            found(first, increment, range).1.iter().map(|it| it.hits.len()).collect();
        sizes.sort_unstable();
        sizes
    }

    fn within(angle: f64, from: f64, to: f64) -> bool {
        (from..to).contains(&angle.to_degrees())
    }

    const DEGREE: f64 = TAU / 360.0;

    #[test]
    fn a_thing_is_found_wherever_the_sweep_begins_and_whichever_way_it_goes() {
        let two = |angle: f64| match angle {
            it if within(it, -10.5, 9.6) => 2.0,
            it if within(it, 60.5, 70.6) => 5.0,
            _ => f64::INFINITY,
        };
        for first in [-PI, 0.0, 0.05, 1.1, PI] {
            assert_eq!(sizes(first, DEGREE, two), [10, 20], "{first}");
            assert_eq!(sizes(first, -DEGREE, two), [10, 20], "{first}");
        }
    }

    #[test]
    fn a_step_in_range_parts_what_a_slope_does_not() {
        let step = |angle: f64| if within(angle, 0.0, 90.0) { 3.0 } else { 4.0 };
        assert_eq!(sizes(-PI, DEGREE, step).len(), 2);
        // A wall along x, 2 m to the left, until it is seen under less than 12 degrees.
        let wall =
            |angle: f64| if within(angle, 13.0, 167.0) { 2.0 / angle.sin() } else { f64::INFINITY };
        assert_eq!(sizes(-PI, DEGREE, wall).len(), 1);
    }

    #[test]
    fn lost_and_stray_beams_do_not_part_a_thing() {
        let thing = |angle: f64| if within(angle, -10.5, 10.5) { 2.0 } else { f64::INFINITY };
        let lost = |angle: f64| if within(angle, -1.5, 1.5) { f64::NAN } else { thing(angle) };
        assert_eq!(sizes(-PI, DEGREE, lost), [18]);
        let stray = |angle: f64| if within(angle, -0.5, 0.5) { 3.0 } else { thing(angle) };
        assert_eq!(sizes(-PI, DEGREE, stray), [21]);
    }

    #[test]
    fn what_is_nearer_hides_where_a_thing_ends() {
        let range = |angle: f64| match angle {
            it if within(it, -20.5, -10.4) => 1.0,
            it if within(it, -10.4, 10.5) => 3.0,
            _ => 5.0,
        };
        let (hits, clusters) = found(-PI, DEGREE, range);
        let of =
            |range: f64| clusters.iter().find(|it| hits[it.hits.start].range == range).unwrap();
        assert_eq!(of(1.0).hidden, [false, false]);
        assert_eq!(of(3.0).hidden, [true, false]);
        assert_eq!(of(5.0).hidden, [true, true]);
        assert!((of(1.0).extent - 2.0 * (9.0 * DEGREE / 2.0).sin()).abs() < 0.01);
    }

    #[test]
    fn a_ring_around_the_lidar_is_one_thing() {
        assert_eq!(sizes(-PI, DEGREE, |_| 1.0), [360]);
        assert!(sizes(-PI, DEGREE, |_| f64::NAN).is_empty());
    }

    #[test]
    fn close_by_many_lost_beams_do_not_part_a_thing() {
        let thing = |range: f64| {
            move |angle: f64| match angle {
                it if within(it, -4.5, 4.5) => f64::INFINITY,
                it if within(it, -20.5, 20.5) => range,
                _ => f64::INFINITY,
            }
        };
        // The gap of ten steps is 9 cm wide, or 17 cm.
        assert_eq!(sizes(-PI, DEGREE, thing(0.5)), [32]);
        assert_eq!(sizes(-PI, DEGREE, thing(1.0)), [16, 16]);
    }

    fn turn() -> Sweep {
        Sweep::new(DEGREE, 360, true)
    }

    fn half_turn() -> Sweep {
        Sweep::new(DEGREE, 180, false)
    }

    fn hit(beam: usize, range: f64) -> Hit {
        Hit { beam, range, point: Point2::origin() }
    }

    #[test]
    fn only_in_a_full_turn_the_last_beam_is_beside_the_first() {
        let sweep = |beams: usize| {
            let raw = RawScan {
                angle_increment: DEGREE,
                range_max: 10.0,
                ranges: vec![1.0; beams].into(),
                ..RawScan::default()
            };
            Sweep::of(&Scan::new(&raw).unwrap())
        };
        assert_eq!(sweep(360), turn());
        assert_eq!(sweep(180), half_turn());
        // A beam too few is a gap that nothing is known of.
        assert!(!sweep(359).closed);
        assert_eq!(turn().apart(hit(2, 1.0), hit(358, 1.0)), 4);
        assert_eq!(turn().apart(hit(2, 1.0), hit(182, 1.0)), 180);
        assert_eq!(half_turn().apart(hit(2, 1.0), hit(178, 1.0)), 176);
        let width = |first: usize, last: usize| turn().width(&[hit(first, 1.0), hit(last, 1.0)]);
        for (first, last, beams) in [(10, 19, 10.0), (355, 4, 10.0), (0, 359, 360.0)] {
            assert!((width(first, last) - beams * DEGREE).abs() < 1e-9, "{first} to {last}");
        }
        assert_eq!(turn().width(&[hit(7, 1.0)]), DEGREE);
    }

    #[test]
    fn hits_join_as_far_as_a_flat_surface_lost_beams_and_noise_put_them_apart() {
        let coarse = Sweep::new(20.0 * DEGREE, 18, true);
        // near * sin(step) / sin(12 degrees - step), near * step for each beam without a return, and 0.12.
        let rows = [
            (turn(), 2.0, 1, 2.0 * 0.017452 / 0.190809 + 0.12),
            (turn(), 5.0, 1, 5.0 * 0.017452 / 0.190809 + 0.12),
            (turn(), 2.0, 3, 2.0 * 0.017452 / 0.190809 + 2.0 * 2.0 * 0.017453 + 0.12),
            (turn(), 2.0, 4, 2.0 * 0.017452 / 0.190809 + 2.0 * 3.0 * 0.017453 + 0.12),
            // Beams farther apart than half of it count as half of it.
            (coarse, 2.0, 1, 2.0 + 0.12),
        ];
        for (sweep, near, apart, most) in rows {
            let joins = |distance: f64| {
                let beyond = Hit { point: Point2::new(0.0, distance), ..hit(apart, near + 3.0) };
                sweep.joins(hit(0, near), beyond) && sweep.joins(beyond, hit(0, near))
            };
            assert!(joins(most - 1e-3) && !joins(most + 1e-3), "{near} m, {apart} apart");
        }
        assert!(!turn().joins(hit(0, 2.0), hit(5, 2.0)), "too many beams between");
        assert!(!turn().joins(hit(3, 2.0), hit(3, 2.0)), "one beam is no neighbour of itself");
    }

    #[test]
    fn a_thing_may_go_on_behind_what_is_well_nearer_and_beyond_the_ends_of_the_sweep() {
        let hides = |beyond: Hit| turn().hides(hit(100, 3.0), Some(beyond));
        assert!(hides(hit(101, 2.7)) && hides(hit(96, 2.7)));
        assert!(!hides(hit(101, 2.9)) && !hides(hit(101, 3.1)) && !hides(hit(101, 4.0)));
        assert!(!hides(hit(105, 1.0)), "too far beside it");
        let at_the_end = |beam: usize| half_turn().hides(hit(beam, 3.0), None);
        assert!(at_the_end(0) && at_the_end(3) && at_the_end(176) && at_the_end(179));
        assert!(!at_the_end(4) && !at_the_end(90) && !at_the_end(175));
    }
}
