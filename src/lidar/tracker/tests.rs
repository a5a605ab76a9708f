use std::f64::consts::{FRAC_PI_2, TAU};

use nalgebra::Translation2;

use super::*;
use crate::lidar::{RawScan, Scan};

const SIGHTING: Sighting = Sighting {
    middle: Point2::new(0.0, 0.0),
    radius: 0.2,
    extent: 0.4,
    depth: 0.15,
    away: Vector2::new(1.0, 0.0),
};

fn seen(x: f64, stamp: f64) -> Track {
    Track::new(&Sighting { middle: Point2::new(x, 0.0), ..SIGHTING }, stamp)
}

#[test]
fn of_two_at_one_place_the_older_one_stays_unless_both_were_seen() {
    let rows = [
        ([seen(1.0, 2.0), seen(1.1, 1.9)], vec![1.0]),
        ([seen(1.0, 1.9), seen(1.1, 2.0)], vec![1.0]),
        ([seen(1.0, 2.0), seen(1.1, 2.0)], vec![1.0, 1.1]),
        ([seen(1.0, 2.0), seen(1.2, 1.9)], vec![1.0, 1.2]),
    ];
    for (tracks, expected) in rows {
        let mut tracker = Tracker { tracks: tracks.to_vec(), ..Tracker::default() };
        tracker.drop_doubles(2.0);
        tracker.tracks.retain(|track| !track.is_gone(2.0));
        let left: Vec<_> = tracker.tracks.iter().map(|track| track.position.x).collect();
        assert_eq!(left, expected);
    }
}

/// A full turn of 720 beams at 1 s; `range` of each angle.
fn turn(range: impl Fn(f64) -> f32) -> Scan {
    let angle_increment = TAU / 720.0;
    let raw = RawScan {
        stamp: 1.0,
        angle_increment,
        range_max: 10.0,
        ranges: (0..720).map(|beam| range(f64::from(beam) * angle_increment)).collect(),
        ..RawScan::default()
    };
    Scan::new(&raw).unwrap()
}

/// A LiDAR at the origin of the base frame, which sees this in such a turn.
fn sight<'a>(hits: &'a [Hit], clusters: &'a [Cluster]) -> Sight<'a> {
    Sight {
        hits,
        clusters,
        sweep: Sweep::of(&turn(|_| 1.0)),
        odom_from_base: Isometry2::identity(),
        laser: Point2::origin(),
        fewest: 4,
        stamp: 1.0,
    }
}

/// A board across the line of sight, or one bent around its middle, with a hit on every other beam.
fn side(count: usize, width: f64, bent: f64) -> Vec<Hit> {
    let point = |index: usize| {
        let across = width * (index as f64 / (count - 1) as f64 - 0.5);
        let point = Point2::new(2.0 + bent * (2.0 * across / width).powi(2), across);
        Hit { beam: 300 + 2 * index, range: point.coords.norm(), point }
    };
    (0..count).map(point).collect()
}

/// Whether it is followed, and whether it may be the beginning of something.
fn taken(hits: &[Hit], extent: f64, hidden: [bool; 2]) -> Option<bool> {
    let mut tracker = Tracker::default();
    tracker.see(&sight(hits, &[Cluster { hits: 0..hits.len(), hidden, extent }]));
    tracker.seen.first().map(|seen| seen.new)
}

#[test]
fn what_is_large_or_hidden_at_both_ends_or_of_too_few_hits_is_not_followed() {
    const FREE: [bool; 2] = [false, false];
    let four = side(4, 0.2, 0.0);
    assert_eq!(taken(&four, 0.2, FREE), Some(true));
    assert_eq!(taken(&four[..3], 0.2, FREE), Some(false), "goes on what was known");
    assert_eq!(taken(&four[..2], 0.2, FREE), None);
    assert_eq!(taken(&side(40, 1.19, 0.0), 1.19, FREE), Some(true));
    assert_eq!(taken(&side(40, 1.21, 0.0), 1.21, FREE), None, "a wall");
    assert_eq!(taken(&four, 0.2, [true, false]), Some(true));
    assert_eq!(taken(&four, 0.2, [false, true]), Some(true));
    assert_eq!(taken(&four, 0.2, [true, true]), None);
}

#[test]
fn a_flat_piece_whose_end_is_hidden_begins_nothing() {
    let (flat, bent) = (side(12, 0.4, 0.0), side(12, 0.4, 0.1));
    for hidden in [[true, false], [false, true]] {
        assert_eq!(taken(&flat, 0.4, hidden), Some(false));
        assert_eq!(taken(&bent, 0.4, hidden), Some(true), "it bends");
        assert_eq!(taken(&side(12, 0.2, 0.0), 0.2, hidden), Some(true), "it is short");
    }
    assert_eq!(taken(&flat, 0.4, [false, false]), Some(true), "all of it is seen");
}

#[test]
fn a_sighting_is_in_the_odometry_frame_and_its_direction_is_from_the_lidar() {
    let hits = side(12, 0.4, 0.1);
    let clusters = [Cluster { hits: 0..12, hidden: [false; 2], extent: 0.4 }];
    let laser = Point2::new(0.5, 0.0);
    let odom_from_base = Isometry2::new(Vector2::new(10.0, 5.0), FRAC_PI_2);
    let mut tracker = Tracker::default();
    tracker.see(&Sight { odom_from_base, laser, ..sight(&hits, &clusters) });
    let sighting = tracker.seen[0].sighting;
    assert!((sighting.away - Vector2::y()).norm() < 1e-3, "{sighting:?}");
    assert!((sighting.middle.x - 10.0).abs() < 1e-3 && sighting.middle.y > 7.0, "{sighting:?}");
    assert_eq!(sighting.extent, 0.4);
}

/// Things of four hits each, evenly around the LiDAR; the nearest one is in the middle of the list.
fn crowd(count: usize) -> (Vec<Hit>, Vec<Cluster>) {
    let range = |thing: usize| 2.0 + 0.01 * (thing as f64 - count as f64 / 2.0).abs();
    let hit = |index: usize| {
        let (thing, place) = (index / 4, index % 4);
        let angle = TAU * thing as f64 / count as f64 + 0.001 * place as f64;
        let point = Point2::new(range(thing) * angle.cos(), range(thing) * angle.sin());
        Hit { beam: index % 720, range: range(thing), point }
    };
    let cluster = |thing: usize| {
        let hits = 4 * thing..4 * thing + 4;
        Cluster { hits, hidden: [false; 2], extent: 0.01 }
    };
    ((0..4 * count).map(hit).collect(), (0..count).map(cluster).collect())
}

#[test]
fn of_very_many_the_nearest_are_followed_and_no_more_than_there_is_room_for() {
    let (hits, clusters) = crowd(300);
    let mut tracker = Tracker::default();
    tracker.see(&sight(&hits, &clusters));
    assert_eq!(tracker.seen.len(), MOST_SEEN);
    let farthest = tracker.seen.iter().map(|seen| seen.range).fold(0.0, f64::max);
    assert!((2.99..=3.0).contains(&farthest), "{farthest}");
    let few = crowd(MOST_SEEN);
    tracker.see(&sight(&few.0, &few.1));
    assert!(tracker.seen.iter().map(|seen| seen.cluster).eq(0..MOST_SEEN), "all, as they come");
    // What is followed already leaves room for one more.
    let far = |x: usize| seen(100.0 + x as f64, 1.0);
    tracker.tracks = (0..MOST_TRACKS - 1).map(far).collect();
    tracker.step(&sight(&hits, &clusters), &Memory::default());
    assert_eq!(tracker.tracks.len(), MOST_TRACKS);
}

#[test]
fn each_is_paired_once_and_the_nearest_first() {
    let seen_at = |x: f64| Seen {
        cluster: 0,
        sighting: Sighting { middle: Point2::new(x, 0.0), ..SIGHTING },
        range: x,
        new: true,
        taken: false,
    };
    let pairs = |tracks: &[f64], sightings: &[f64]| -> Vec<(usize, usize)> {
        let mut tracker = Tracker {
            tracks: tracks.iter().map(|x| seen(*x, 1.0)).collect(),
            seen: sightings.iter().map(|x| seen_at(*x)).collect(),
            ..Tracker::default()
        };
        tracker.pair();
        let paired = tracker.pairs.iter().map(|it| (it.track, it.seen)).collect::<Vec<_>>();
        let mut taken: Vec<_> = paired.iter().map(|(_, seen)| *seen).collect();
        taken.sort_unstable();
        let said = tracker.seen.iter().enumerate().filter(|(_, seen)| seen.taken);
        assert_eq!(said.map(|(index, _)| index).collect::<Vec<_>>(), taken);
        paired
    };
    assert_eq!(pairs(&[1.0, 2.0], &[2.05, 1.1]), [(1, 0), (0, 1)]);
    assert_eq!(pairs(&[1.0], &[1.1, 1.05]), [(0, 1)], "the other one is something new");
    assert_eq!(pairs(&[1.0, 1.1], &[1.08]), [(1, 0)], "the other one is not seen");
    assert_eq!(pairs(&[1.0, 1.2], &[1.15, 1.4]), [(1, 0)], "1.4 is too far from the first");
    assert_eq!(pairs(&[1.0], &[3.0]), []);
}

/// Whether something nearer stands at this angle from a thing, rad.
type Hides = fn(f64) -> bool;

/// A thing of 0.2 m radius that nobody sees any more, 2 m from the LiDAR in this `direction`, rad; what hides it stands 1 m
/// away. Its confidence after 0.1 s.
fn confidence_unseen(direction: f64, hides: Hides) -> f64 {
    let laser = Point2::new(0.3, 0.1);
    let odom_from_base = Isometry2::new(Vector2::new(4.0, -2.0), 0.7);
    let odom_from_laser = odom_from_base * Translation2::from(laser);
    let scan = turn(|angle| {
        let off = angle - direction;
        if hides(off.sin().atan2(off.cos())) { 1.0 } else { 5.0 }
    });
    let mut memory = Memory::default();
    memory.keep(&scan, odom_from_laser);
    let middle = odom_from_laser * Point2::new(2.0 * direction.cos(), 2.0 * direction.sin());
    let other = seen(0.0, 0.9);
    // The other one is seen.
    let mut tracker = Tracker {
        tracks: vec![other.clone(), Track::new(&Sighting { middle, ..SIGHTING }, 0.9)],
        pairs: vec![Pair { distance: 0.0, track: 0, seen: 0 }],
        ..Tracker::default()
    };
    tracker.update_unseen(&Sight { laser, odom_from_base, ..sight(&[], &[]) }, &memory, 0.1);
    assert_eq!(tracker.tracks[0], other);
    tracker.tracks[1].confidence()
}

#[test]
fn what_is_seen_through_is_missed_and_what_is_hidden_fades() {
    let after = |change: fn(&mut Track)| {
        let mut track = seen(0.0, 0.9);
        change(&mut track);
        track.confidence()
    };
    let (missed, faded) = (after(Track::miss), after(|track| track.hide(0.1)));
    // It is looked for 8 and 16 cm to either side of its middle, and there: 0.04 and 0.08 rad.
    let rows: [(&str, Hides, f64); 6] = [
        ("nothing hides it", |_| false, missed),
        ("two to the left are hidden", |off| off > 0.02, missed),
        ("and the middle", |off| off > -0.02, faded),
        ("two to the right are hidden", |off| off < -0.02, missed),
        ("the middle alone is hidden", |off| off.abs() < 0.005, missed),
        ("all are hidden", |off| off.abs() < 0.2, faded),
    ];
    for direction in [0.085, 0.8, 2.0, -2.5] {
        for (what, hides, expected) in rows {
            let confidence = confidence_unseen(direction, hides);
            assert!((confidence - expected).abs() < 1e-12, "{direction} rad, {what}: {confidence}");
        }
    }
}
