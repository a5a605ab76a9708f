use std::f64::consts::{FRAC_PI_2, PI, TAU};

use nalgebra::Vector2;

use super::*;

fn scan(ranges: &[f32]) -> Scan {
    Scan::new(&RawScan {
        angle_min: -FRAC_PI_2,
        angle_increment: FRAC_PI_2,
        range_min: 0.2,
        range_max: 10.0,
        ranges: ranges.into(),
        ..RawScan::default()
    })
    .unwrap()
}

fn check(base_from_laser: Isometry2<f64>, ranges: &[f32], expected: &[[f64; 2]]) {
    let mut perception = Perception::new(LidarConfig {
        base_from_laser,
        scan_period: 0.05,
        own_body: OwnBody::default(),
    });
    let picture = perception.look(&scan(ranges), None, Duration::ZERO, Duration::ZERO);
    assert_eq!(picture.points.len(), expected.len(), "{:?}", picture.points);
    for (point, expected) in picture.points.iter().zip(expected) {
        let off = (point[0] - expected[0]).hypot(point[1] - expected[1]);
        assert!(off < 1e-6, "{point:?} instead of {expected:?}");
    }
}

#[test]
fn points_stand_in_the_base_frame() {
    let ahead = Isometry2::new(Vector2::new(0.5, 0.0), 0.0);
    check(ahead, &[1.0, 2.0, 3.0], &[[0.5, -1.0], [2.5, 0.0], [0.5, 3.0]]);
    let backwards = Isometry2::new(Vector2::new(-0.5, 0.1), PI);
    check(backwards, &[1.0, 2.0, 3.0], &[[-0.5, 1.1], [-2.5, 0.1], [-0.5, -2.9]]);
}

#[test]
fn only_what_returned_is_shown() {
    let none = Isometry2::identity();
    check(none, &[f32::INFINITY, f32::NAN, 0.0], &[]);
    check(none, &[-1.0, 11.0, f32::NEG_INFINITY], &[]);
    check(none, &[0.1, 0.05, 10.0], &[[0.0, -0.1], [0.0, 10.0]]);
}

#[test]
fn a_set_range_crops_what_is_shown() {
    let config = LidarConfig {
        base_from_laser: Isometry2::identity(),
        scan_period: 0.05,
        own_body: OwnBody::default(),
    };
    let mut perception = Perception::new(config);
    perception.set_range(2.5);
    let picture = perception.look(&scan(&[1.0, 2.0, 3.0]), None, Duration::ZERO, Duration::ZERO);
    assert_eq!(picture.points.len(), 2);
}

/// A LiDAR of 720 beams around it, whose first beam is at -pi; discs of 0.2 m radius where they are in the base frame.
fn turn(stamp: f64, base_from_laser: Isometry2<f64>, increment: f64, discs: &[[f64; 2]]) -> Scan {
    let range = |beam: u32| {
        let angle = -PI + f64::from(beam) * increment;
        let (sin, cos) = angle.sin_cos();
        let hit = |disc: &[f64; 2]| {
            let at = base_from_laser.inverse() * Point2::from(*disc);
            let (along, across) = (at.x * cos + at.y * sin, at.y * cos - at.x * sin);
            let seen = along > 0.0 && across.abs() < 0.2;
            if seen { along - (0.04 - across * across).sqrt() } else { 9.0 }
        };
        discs.iter().map(hit).fold(9.0, f64::min) as f32
    };
    Scan::new(&RawScan {
        stamp,
        angle_min: -PI,
        angle_increment: increment,
        range_min: 0.1,
        range_max: 10.0,
        ranges: (0..720).map(range).collect(),
        ..RawScan::default()
    })
    .unwrap()
}

fn perception(base_from_laser: Isometry2<f64>) -> Perception {
    Perception::new(LidarConfig {
        base_from_laser,
        scan_period: 0.05,
        own_body: OwnBody::default(),
    })
}

const STEP: f64 = TAU / 720.0;
const STANDING: Option<Isometry2<f64>> = Some(Isometry2 {
    translation: nalgebra::Translation { vector: Vector2::new(0.0, 0.0) },
    rotation: nalgebra::Unit::new_unchecked(nalgebra::Complex::new(1.0, 0.0)),
});

#[test]
fn a_walker_is_the_same_whichever_way_the_lidar_is_mounted() {
    let mounts = [
        (Isometry2::identity(), STEP),
        (Isometry2::new(Vector2::new(0.3, 0.1), PI), STEP),
        (Isometry2::new(Vector2::new(-0.2, 0.0), 0.7), STEP),
        // Upside down, or a driver that turns the other way.
        (Isometry2::new(Vector2::new(0.2, 0.0), -2.0), -STEP),
    ];
    for (mount, increment) in mounts {
        let mut perception = perception(mount);
        let mut ids = Vec::new();
        for scan in 0..60 {
            let now = f64::from(scan) * 0.05;
            let discs = [[3.0, 0.8 * now - 1.0], [-2.0, 1.0]];
            let scan = turn(now, mount, increment, &discs);
            let picture = perception.look(&scan, STANDING, Duration::ZERO, Duration::ZERO);
            ids.extend(picture.obstacles.iter().map(|it| (it.id, it.dynamic)));
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 3, "one moves, after a while, and one stands: {ids:?}");
        let [column, walker] = perception.picture.obstacles[..] else { panic!("{mount}") };
        assert!(walker.dynamic && !column.dynamic);
        let off =
            |it: Obstacle, at: [f64; 2]| (Point2::from(it.position) - Point2::from(at)).norm();
        assert!(off(walker, [3.0, 0.8 * 2.95 - 1.0]) < 0.05, "{walker:?}");
        assert!(off(column, [-2.0, 1.0]) < 0.05, "{column:?}");
        assert!(walker.velocity[0].abs() < 0.05 && (walker.velocity[1] - 0.8).abs() < 0.05);
        assert!((walker.radius - 0.2).abs() < 0.03, "{walker:?}");
        assert_eq!(column.velocity, [0.0, 0.0]);
    }
}

#[test]
fn what_is_seen_is_the_same_wherever_the_odometry_began() {
    let seen_from = |pose: Isometry2<f64>| {
        let mut perception = perception(Isometry2::identity());
        for scan in 0..60 {
            let now = f64::from(scan) * 0.05;
            let scan = turn(now, Isometry2::identity(), STEP, &[[3.0, 0.8 * now - 1.0]]);
            perception.look(&scan, Some(pose), Duration::ZERO, Duration::ZERO);
        }
        let [walker] = perception.picture.obstacles[..] else { panic!("{pose}") };
        [walker.position, walker.velocity]
    };
    let expected = seen_from(Isometry2::identity());
    for yaw in [0.0, 1.0, 2.5, -2.0] {
        let seen = seen_from(Isometry2::new(Vector2::new(5.0, -3.0), yaw));
        let off = |(one, other): (&f64, &f64)| (one - other).abs();
        let off = seen.as_flattened().iter().zip(expected.as_flattened()).map(off);
        assert!(off.fold(0.0, f64::max) < 1e-6, "{yaw}: {seen:?}, {expected:?}");
    }
}

#[test]
fn what_stands_is_static_while_the_robot_moves_and_nothing_moves_without_odometry() {
    let (mut with, mut without) =
        (perception(Isometry2::identity()), perception(Isometry2::identity()));
    for scan in 0..60 {
        let now = f64::from(scan) * 0.05;
        let pose = Isometry2::new(Vector2::new(now, 0.0), 0.3 * now);
        let column = pose.inverse() * Point2::new(5.0, 1.0);
        let scan = turn(now, Isometry2::identity(), STEP, &[[column.x, column.y]]);
        for (perception, pose) in [(&mut with, Some(pose)), (&mut without, None)] {
            let picture = perception.look(&scan, pose, Duration::ZERO, Duration::ZERO);
            assert!(picture.obstacles.iter().all(|it| !it.dynamic && it.velocity == [0.0; 2]));
            let off = picture.obstacles.first().map(|it| Point2::from(it.position) - column);
            assert!(off.is_none_or(|off| off.norm() < 0.1), "{picture:?}");
        }
    }
    assert_eq!(with.picture.obstacles[0].id, 1);
    assert!(with.picture.obstacles[0].confidence > 0.99);
    assert!(!without.picture.obstacles.is_empty());
}

#[test]
fn a_clock_that_was_set_starts_anew_and_an_early_stamp_changes_nothing() {
    let mut perception = perception(Isometry2::identity());
    let mut ids = |stamps: &[f64]| {
        let mut ids = Vec::new();
        for stamp in stamps {
            let scan = turn(*stamp, Isometry2::identity(), STEP, &[[2.0, 0.0]]);
            let picture = perception.look(&scan, STANDING, Duration::ZERO, Duration::ZERO);
            ids = picture.obstacles.iter().map(|it| it.id).collect();
        }
        ids
    };
    assert_eq!(ids(&[100.0, 100.05, 100.1]), [1]);
    assert_eq!(ids(&[100.1, 100.02, 99.5]), [1], "twice, or out of order");
    assert_eq!(ids(&[100.15]), [1]);
    assert!(ids(&[50.0]).is_empty(), "set back");
    assert_eq!(ids(&[50.05, 50.1]), [2]);
    assert_eq!(ids(&[52.0, 52.05, 52.1]), [3], "after a pause");
}

#[test]
fn a_set_range_crops_what_is_followed() {
    let mut perception = perception(Isometry2::identity());
    let mut told = |from: u32| {
        let mut told = 0;
        for scan in from..from + 20 {
            let scan = turn(
                f64::from(scan) * 0.05,
                Isometry2::identity(),
                STEP,
                &[[2.0, 0.0], [4.0, 2.0]],
            );
            told = perception.look(&scan, STANDING, Duration::ZERO, Duration::ZERO).obstacles.len();
        }
        perception.set_range(3.0);
        told
    };
    assert_eq!(told(0), 2);
    assert_eq!(told(20), 1);
}

#[test]
fn the_robots_own_mast_is_shown_and_not_followed() {
    let corners = [[0.5, 0.4], [-2.5, 0.4], [-2.5, -0.4], [0.5, -0.4]];
    let own_body = OwnBody::new(corners.map(Point2::from).to_vec(), vec![]);
    let base_from_laser = Isometry2::identity();
    let mut perception =
        Perception::new(LidarConfig { base_from_laser, scan_period: 0.05, own_body });
    for scan in 0..20 {
        let now = f64::from(scan) * 0.05;
        let scan = turn(now, base_from_laser, STEP, &[[-2.0, 0.0], [2.0, 0.0]]);
        let picture = perception.look(&scan, STANDING, Duration::ZERO, Duration::ZERO);
        assert_eq!(picture.points.len(), 720);
    }
    let [obstacle] = perception.picture.obstacles[..] else { panic!("one, and not the mast") };
    assert!(obstacle.position[0] > 1.9);
}

#[test]
fn a_changed_number_of_beams_is_projected_anew() {
    let config = LidarConfig {
        base_from_laser: Isometry2::identity(),
        scan_period: 0.05,
        own_body: OwnBody::default(),
    };
    let mut perception = Perception::new(config);
    for ranges in [&[1.0f32, 1.0][..], &[1.0, 1.0, 1.0, 1.0], &[1.0]] {
        let picture = perception.look(&scan(ranges), None, Duration::ZERO, Duration::ZERO);
        assert_eq!(picture.points.len(), ranges.len());
    }
}
