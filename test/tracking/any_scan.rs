//! Whatever a driver sends: no panic, and nothing that is no number.

use std::{f64::consts::TAU, time::Duration};

use nalgebra::{Isometry2, Vector2};
use oht50_bridge::{
    app::perception::Shown,
    lidar::{LidarConfig, Perception, Picture, RawScan, Scan, own::OwnBody},
};
use proptest::prelude::*;

fn any_range() -> impl Strategy<Value = f32> {
    prop_oneof![
        8 => 0.0..12.0_f32,
        4 => 1.9..2.1_f32,
        1 => any::<f32>(),
        1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -1.0]),
    ]
}

fn any_scan() -> impl Strategy<Value = RawScan> {
    let ranges = prop_oneof![
        prop::collection::vec(any_range(), 0..400),
        (0..2000_usize, any_range()).prop_map(|(count, range)| vec![range; count]),
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

proptest! {
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
            let text = Shown::new(picture, &[], false, 1).text(now);
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
