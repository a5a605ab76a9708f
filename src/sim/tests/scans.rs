use std::f64::consts::{FRAC_PI_2, PI};

use super::*;

#[test]
fn scans_match_the_hall() {
    let mut config = exact();
    config.start = Isometry2::new(Vector2::new(1.0, 0.0), FRAC_PI_2);
    config.lidar.noise = 0.01;
    let mut world = World::new(config);
    // Looking along +y from x = 1, y = 0 with the LiDAR 0.2 m ahead: the left wall is 5.8 m ahead, the dock's
    // front (x = -1.41) 2.41 m to the left and the front wall 17.25 m to the right.
    let mut sums = [0.0; 4];
    for _ in 0..100 {
        let scan = world.scan();
        assert_eq!(
            (scan.ranges.len(), scan.angle_min, scan.angle_increment),
            (720, -PI, 2.0 * PI / 720.0)
        );
        for (sum, beam) in sums.iter_mut().zip([360, 540, 180, 0]) {
            *sum += f64::from(scan.ranges[beam]) / 100.0;
        }
    }
    for (mean, expected) in sums.iter().zip([5.8, 2.41, 17.25, 6.2]) {
        // Three deviations of the mean of 100.
        assert!((mean - expected).abs() < 0.003, "{sums:?}");
    }
}

#[test]
fn people_are_seen_where_they_are() {
    let mut config = WorldConfig { people: routes(), ..exact() };
    config.start = Isometry2::new(Vector2::new(5.0, 0.3), 0.4);
    let mut world = World::new(config.clone());
    world.advance(seconds(7.0));
    let scan = world.scan();
    let laser = world.base() * config.lidar.base_from_laser;
    let mut seen = 0;
    for person in world.people() {
        let at = laser.inverse_transform_point(&person.center);
        let beam = (at.y.atan2(at.x) + PI) / scan.angle_increment;
        let range = f64::from(scan.ranges[beam.round() as usize % 720]);
        let expected = at.coords.norm() - person.radius;
        assert!(range < expected + 0.02, "person at {at}: {range}");
        seen += usize::from((range - expected).abs() < 0.02);
    }
    assert!(seen >= 4, "only {seen} people are in sight");
}

#[test]
fn scans_have_lost_beams_and_beams_without_return() {
    let mut world = World::new(WorldConfig::default());
    let (mut lost, mut infinite, mut own_body) = (0, 0, 0);
    for _ in 0..100 {
        let ranges = world.scan().ranges;
        lost += ranges.iter().filter(|range| range.is_nan()).count();
        infinite += ranges.iter().filter(|range| **range == f32::INFINITY).count();
        own_body += ranges.iter().filter(|range| **range < 0.3).count();
    }
    assert!((500..950).contains(&lost), "{lost} of 72000 beams lost");
    assert!((500..5000).contains(&infinite), "{infinite} of 72000 beams through the glass");
    assert_eq!(own_body, 0);
}

#[test]
fn what_is_farther_than_range_max_is_no_return() {
    let mut config = exact();
    config.lidar.range_max = 0.5;
    let ranges = World::new(config).scan().ranges;
    assert!(ranges.iter().all(|range| *range == f32::INFINITY));
}

#[test]
fn scans_come_at_their_frequency_while_the_motor_turns() {
    let mut world = world();
    let count = |world: &mut World, time: f64| {
        let end = world.now() + seconds(time);
        let mut scans = 0;
        while world.now() < end {
            world.advance(world.now() + TICK);
            scans += usize::from(world.poll_scan().is_some());
        }
        scans
    };
    assert_eq!(count(&mut world, 5.0), 100);
    assert_eq!(world.set_scan_frequency(7.0), Ok(()));
    assert!((34..=36).contains(&count(&mut world, 5.0)));
    for frequency in [0.9, 50.1, f64::NAN] {
        assert!(world.set_scan_frequency(frequency).is_err(), "{frequency}");
    }
    world.set_lidar_motor(false);
    assert_eq!(count(&mut world, 5.0), 0);
    world.set_lidar_motor(true);
    assert_eq!(count(&mut world, 0.9), 0, "it spins up first");
    assert!(count(&mut world, 1.0) > 0);
}

/// The bits of five scans on a drive: NaN is equal to itself there.
fn scans(seed: u64, period: Duration) -> Vec<u32> {
    let mut world = World::new(WorldConfig { seed, ..WorldConfig::default() });
    let mut bits = Vec::new();
    for _ in 0..5 {
        drive(&mut world, velocity(0.2, 0.2), 0.4);
        let end = world.now() + seconds(0.4);
        while world.now() < end {
            world.advance((world.now() + period).min(end));
        }
        bits.extend(world.scan().ranges.iter().map(|range| range.to_bits()));
    }
    bits
}

#[test]
fn the_same_seed_gives_the_same_world_however_time_is_cut() {
    assert_eq!(scans(5, TICK), scans(5, seconds(0.1)));
    assert_ne!(scans(5, TICK), scans(6, TICK));
}
