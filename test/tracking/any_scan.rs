//! Whatever a driver sends: no panic, nothing that is no number, and no thing near the robot that does not stop it.

use std::{f64::consts::TAU, time::Duration};

use nalgebra::{Isometry2, Point2, Vector2};
use oht50_bridge::{
    app::perception::Shown,
    lidar::{LidarConfig, Perception, Picture, RawScan, Scan, own::OwnBody},
    safety::{
        Velocity,
        zone::{ScanView, Verdict, ZoneConfig, Zones},
    },
};
use proptest::prelude::*;

fn any_range() -> impl Strategy<Value = f32> {
    prop_oneof![
        8 => 0.0..12.0_f32,
        // Bounds that are sums of few powers of two: proptest 1.12 steps over others now and then, and panics.
        4 => 1.875..2.125_f32,
        1 => any::<f32>(),
        1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -1.0]),
    ]
}

fn any_scan() -> impl Strategy<Value = RawScan> {
    let ranges = prop_oneof![
        prop::collection::vec(any_range(), 0..400),
        (0..2000_usize, any_range()).prop_map(|(count, range)| vec![range; count]),
        // Something in front of a wall.
        (200..800_usize, 0.125..1.5_f32, 0.0..0.7_f32, 1..60_usize).prop_map(
            |(count, range, from, width)| {
                let from = (from * count as f32) as usize;
                let near = |beam| (from..from + width).contains(&beam);
                (0..count).map(|beam| if near(beam) { range } else { 5.0 }).collect()
            }
        ),
    ];
    let angle = prop_oneof![-7.0..7.0_f64, any::<f64>()];
    let increment = prop_oneof![
        4 => Just(None),
        2 => (-0.1..0.1_f64).prop_map(Some),
        1 => any::<f64>().prop_map(Some),
    ];
    let limits = prop_oneof![4 => Just((0.1, 10.0)), 1 => any::<(f64, f64)>()];
    let stamp = prop_oneof![4 => 0.0..3.0_f64, 1 => any::<f64>()];
    (ranges, angle, increment, limits, stamp).prop_map(
        |(ranges, angle_min, step, limits, stamp)| RawScan {
            stamp,
            angle_min,
            angle_increment: step.unwrap_or(TAU / ranges.len().max(1) as f64),
            range_min: limits.0,
            range_max: limits.1,
            ranges: ranges.into(),
            ..RawScan::default()
        },
    )
}

fn any_pose() -> impl Strategy<Value = Option<Isometry2<f64>>> {
    let number = || prop_oneof![4 => -5.0..5.0_f64, 1 => -1e300..1e300_f64];
    let pose = (number(), number(), -7.0..7.0_f64);
    prop::option::weighted(
        0.8,
        pose.prop_map(|(x, y, yaw)| Isometry2::new(Vector2::new(x, y), yaw)),
    )
}

fn is_finite(picture: &Picture) -> bool {
    let obstacles = picture.obstacles.iter().all(|it| {
        let numbers = [it.position, it.velocity, [it.radius, it.confidence]];
        numbers.as_flattened().iter().all(|number| number.is_finite())
    });
    obstacles
        && picture.quality.is_finite()
        && picture.points.as_flattened().iter().all(|it| it.is_finite())
}

/// Whether eight beams in a row, more than any thing needs, end close to each other, off the robot and well within 0.5 m of it.
fn has_something_near(raw: &RawScan, base_from_laser: Isometry2<f64>) -> bool {
    let point = |(index, range): (usize, &f32)| {
        let (range, angle) =
            (f64::from(*range), raw.angle_min + index as f64 * raw.angle_increment);
        let measured = range > 0.06 && range <= raw.range_max;
        let at = base_from_laser * Point2::new(range * angle.cos(), range * angle.sin());
        let off = Vector2::new(at.x.abs() - LENGTH / 2.0, at.y.abs() - WIDTH / 2.0)
            .sup(&Vector2::zeros());
        (measured && (0.001..0.499).contains(&off.norm())).then_some(at)
    };
    let points: Vec<_> = raw.ranges.iter().enumerate().map(point).collect();
    points.windows(8).any(|eight| {
        let neighbours = |two: &[Option<Point2<f64>>]| match two {
            [Some(one), Some(other)] => (one - other).norm() < 0.149,
            _ => false,
        };
        eight.windows(2).all(neighbours)
    })
}

/// Footprint, m.
const LENGTH: f64 = 0.8;
const WIDTH: f64 = 0.6;

proptest! {
    #[test]
    fn whatever_stands_near_the_robot_stops_it(
        scans in prop::collection::vec(any_scan(), 1..8),
        (linear, angular) in (-2.0..2.0_f64, -2.0..2.0_f64),
    ) {
        let base_from_laser = Isometry2::new(Vector2::new(0.2, -0.1), 3.0);
        let corners = [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]];
        let footprint = corners.map(|[x, y]| Point2::new(x * LENGTH / 2.0, y * WIDTH / 2.0)).to_vec();
        let config = ZoneConfig::around(footprint, base_from_laser, "laser".into());
        let mut zones = Zones::new(config).unwrap();
        let at_rest = Some(Velocity { linear: 0.0, angular: 0.0 });
        for (index, raw) in scans.iter().enumerate() {
            let now = Duration::from_millis(50 * index as u64);
            let RawScan { stamp, angle_min, angle_increment, range_min, range_max, .. } = *raw;
            let view = ScanView {
                frame_id: "laser", stamp, ros_now: stamp, angle_min, angle_increment, range_min, range_max,
                ranges: &raw.ranges,
            };
            zones.scan(&view, now);
            let general = zones.verdict(Velocity { linear: 0.0, angular: 0.0 }, at_rest, now);
            let moving = zones.verdict(Velocity { linear, angular }, at_rest, now);
            let read = [angle_min, angle_increment, range_min, range_max].iter().all(|it| it.is_finite())
                && angle_increment != 0.0;
            if read && has_something_near(raw, base_from_laser) {
                prop_assert!(matches!(general, Verdict::Stop(_)), "{general:?}");
            }
            // What stops the robot at rest lets it at most creep away.
            if let Verdict::Stop(_) = general {
                prop_assert!(moving != Verdict::Clear, "{general:?}, {moving:?}");
            }
        }
    }

    #[test]
    fn no_sequence_of_scans_panics_or_shows_what_is_no_number(
        scans in prop::collection::vec((any_scan(), any_pose()), 1..8),
        shown in prop_oneof![Just(f64::INFINITY), 0.1..20.0_f64],
    ) {
        let base_from_laser = Isometry2::new(Vector2::new(0.2, -0.1), 3.0);
        let mut perception = Perception::new(LidarConfig { base_from_laser, scan_period: 0.05, own_body: OwnBody::default() });
        perception.set_range(shown);
        for (index, (raw, pose)) in scans.iter().enumerate() {
            let Ok(scan) = Scan::new(raw) else { continue };
            let now = Duration::from_millis(50 * index as u64);
            let picture = perception.look(&scan, *pose, now, now);
            prop_assert!(is_finite(picture), "{picture:?}");
            prop_assert!((0.0..=1.0).contains(&picture.quality));
            let text = Shown::new(picture, &[], false, 1).text(usize::MAX, now);
            let read: Result<serde_json::Value, _> = serde_json::from_str(&text);
            // A stamp that is no time is told as none.
            let told = text.trim_end_matches("\"stamp\":null}");
            prop_assert!(read.is_ok() && !told.contains("null"), "{text}");
        }
    }
}

#[test]
fn a_hundred_thousand_beams_are_looked_at_in_time() {
    let config = LidarConfig {
        base_from_laser: Isometry2::identity(),
        scan_period: 0.05,
        own_body: OwnBody::default(),
    };
    let mut perception = Perception::new(config);
    // Every fourth beam parts what the others join: as many things as beams allow.
    let range = |beam: usize| if beam % 8 < 4 { 5.0 } else { 8.0 };
    for turn in 0..4_u32 {
        let raw = RawScan {
            stamp: f64::from(turn) * 0.05,
            angle_increment: TAU / 100_000.0,
            range_min: 0.1,
            range_max: 10.0,
            ranges: (0..100_000).map(range).collect(),
            ..RawScan::default()
        };
        let now = Duration::from_millis(50) * turn;
        let picture = perception.look(&Scan::new(&raw).unwrap(), None, now, now);
        assert_eq!(picture.points.len(), 100_000);
        assert!(picture.obstacles.len() <= 400);
    }
}
