//! When a zone is occupied, and when it is free again.

use super::*;

/// A column of 0.2 m with its surface at this distance ahead of the footprint.
fn column(distance: f64) -> Disc {
    [0.4 + distance + 0.1, 0.0, 0.1]
}

#[test]
fn each_zone_reaches_to_its_depth() {
    let rows: [(f64, &[&str]); 7] = [
        (0.30, &["critical", "warning", "safe"]),
        (0.47, &["critical", "warning", "safe"]),
        (0.52, &["warning", "safe"]),
        (0.97, &["warning", "safe"]),
        (1.02, &["safe"]),
        (1.95, &["safe"]),
        (2.02, &[]),
    ];
    for (distance, expected) in rows {
        let mut rig = Rig::new(config(), Lidar { increment: 0.005, count: 1257, ..full_turn() });
        rig.see_for(2, &[column(distance)]);
        assert_eq!(rig.occupied(), expected, "{distance} m");
    }
}

#[test]
fn each_zone_is_drawn_to_its_depth_and_tells_when_a_scan_came() {
    let mut rig = Rig::new(config(), full_turn());
    assert_eq!(rig.zones.scanned(), None);
    rig.see(&[]);
    assert_eq!(rig.zones.scanned(), Some(rig.now));
    let ahead = |outline: &Vec<[f64; 2]>| outline.iter().map(|[x, _]| *x).fold(0.0, f64::max);
    let drawn: Vec<f64> = rig.zones.boundaries().iter().map(ahead).collect();
    let near = |(drawn, depth): (&f64, f64)| (drawn - 0.4 - depth).abs() < 1e-3;
    assert!(drawn.iter().zip([0.5, 1.0, 2.0]).all(near) && drawn.len() == 3, "{drawn:?}");
}

#[test]
fn critical_takes_one_scan_and_the_others_two() {
    let mut rig = Rig::new(config(), full_turn());
    rig.see(&[column(0.3)]);
    assert_eq!(rig.occupied(), ["critical"]);
    rig.see(&[column(0.3)]);
    assert_eq!(rig.occupied(), ["critical", "warning", "safe"]);
    let mut rig = Rig::new(config(), full_turn());
    for _ in 0..4 {
        rig.see(&[column(0.8)]);
        rig.see(&[]);
    }
    assert!(rig.occupied().is_empty(), "two in a row, not two in all");
}

#[test]
fn a_zone_is_released_when_it_was_clear_for_a_while_grown_by_the_hysteresis() {
    let fine = Lidar { increment: 0.005, count: 1257, ..full_turn() };
    let scans = |rig: &mut Rig, discs: &[Disc], name: &str| {
        (0..100).find(|_| {
            rig.see(discs);
            !rig.occupied().contains(&name)
        })
    };
    let mut rig = Rig::new(config(), fine);
    rig.see_for(2, &[column(0.45)]);
    assert_eq!(scans(&mut rig, &[column(0.53)], "critical"), None, "within the hysteresis");
    assert_eq!(scans(&mut rig, &[column(0.56)], "critical"), Some(20), "1.0 s after the first");
    assert_eq!(scans(&mut rig, &[column(1.03)], "warning"), None);
    assert_eq!(scans(&mut rig, &[column(1.06)], "warning"), Some(10), "0.5 s after the first");

    let mut rig = Rig::new(config(), fine);
    rig.see(&[column(0.45)]);
    for _ in 0..5 {
        rig.see_for(19, &[]);
        rig.see(&[column(0.45)]);
        assert!(rig.occupied().contains(&"critical"), "each return begins the time anew");
    }
}

#[test]
fn an_area_of_any_kind_grows_by_the_hysteresis_while_it_is_occupied() {
    let fine = Lidar { increment: 0.005, count: 1257, ..full_turn() };
    for area in [
        Area::Depth(0.5),
        Area::Part(0.5, Sector { from: -1.0, to: 1.0 }),
        Area::Outline(rectangle(1.8, 1.8)),
    ] {
        let mut config = config();
        config.zones[0].area = area.clone();
        let mut rig = Rig::new(config, fine);
        for (distance, expected) in [(0.53, false), (0.47, true), (0.53, true), (0.56, false)] {
            rig.see_for(21, &[column(distance)]);
            let occupied = rig.occupied().contains(&"critical");
            assert_eq!(occupied, expected, "{area:?}: {distance} m");
        }
    }
}

#[test]
fn things_count_and_single_points_do_not() {
    // At 0.7 m and one degree three points are needed, at most three beams and 0.15 m apart.
    let check = |points: &[(usize, f32)], expected: bool| {
        let mut rig = Rig::new(config(), full_turn());
        let mut ranges = vec![5.0_f32; 360];
        for (beam, range) in points {
            ranges[(beam + 180) % 360] = *range;
        }
        rig.see_ranges(&ranges);
        assert_eq!(rig.occupied().contains(&"critical"), expected, "{points:?}");
    };
    check(&[(0, 0.7), (1, 0.7)], false);
    check(&[(0, 0.7), (1, 0.7), (2, 0.7)], true);
    check(&[(0, 0.7), (3, 0.7), (6, 0.7)], true);
    check(&[(0, 0.7), (3, 0.7), (7, 0.7)], false);
    check(&[(0, 0.6), (1, 0.76), (2, 0.6), (3, 0.6)], true); // what is behind breaks no chain
    check(&[(0, 0.5), (1, 0.66), (2, 0.82)], false);
    check(&[(0, 0.55), (1, 0.69), (2, 0.83)], true);
    check(&[(179, 0.6), (180, 0.6), (181, 0.6)], true); // across the seam
    check(&[(178, 0.6), (179, 0.6), (181, 0.6)], true);
    // The longest chain, with as few of its beams as can be on one side of the seam.
    let fine = Lidar { increment: 0.25_f64.to_radians(), count: 1440, ..full_turn() };
    for (first, expected) in [(1437, true), (1440, false)] {
        let mut rig = Rig::new(config(), fine);
        let mut ranges = vec![5.0_f32; 1440];
        (first..=1458).step_by(3).for_each(|beam| ranges[beam % 1440] = 0.5);
        rig.see_ranges(&ranges);
        assert_eq!(rig.occupied().contains(&"critical"), expected, "from beam {first}");
    }
}

#[test]
fn nearer_and_finer_needs_more_points() {
    let rows = [
        (1.0, 1.0, 3),
        (0.25, 1.0, 4),
        (0.1, 1.0, 8),
        (1.0, 0.25, 4),
        (0.5, 0.25, 8),
        (10.0, 0.25, 3),
        (0.0, 0.25, 8),
    ];
    for (range, degrees, expected) in rows {
        let step = f64::to_radians(degrees);
        assert_eq!(super::beams::need(range, step), expected, "{range} m, {degrees} degrees");
    }
}

#[test]
fn what_is_too_close_to_measure_occupies() {
    // The LiDAR stands outside of the body here, so that what touches it is no part of the robot.
    let mut config = config();
    config.base_from_laser = Isometry2::translation(0.45, 0.0);
    let check = |config: &ZoneConfig, value: f32, expected: bool| {
        let mut rig = Rig::new(config.clone(), full_turn());
        let mut ranges = vec![5.0_f32; 360];
        ranges[170..190].fill(value);
        rig.see_ranges(&ranges);
        assert_eq!(rig.occupied().contains(&"critical"), expected, "{value}");
    };
    check(&config, 0.06, true); // below range_min
    check(&config, 0.05, false); // a code
    check(&config, 0.0, false);
    check(&config, f32::NEG_INFINITY, false);
    config.zero_means = Means::TooClose;
    check(&config, 0.0, true);
    config.neg_inf_means = Means::TooClose;
    check(&config, f32::NEG_INFINITY, true);
    config.zero_means = Means::NoReturn;
    check(&config, 0.0, false);
}

#[test]
fn the_robots_own_body_is_masked_by_footprint_or_by_angle() {
    let mast = [-0.2, 0.0, 0.05];
    let mut rig = Rig::new(config(), full_turn());
    rig.see_for(3, &[mast]);
    assert!(rig.occupied().is_empty());

    let open = ZoneConfig { mask_footprint: false, ..config() };
    let mut rig = Rig::new(open.clone(), full_turn());
    rig.see(&[mast]);
    assert_eq!(rig.occupied(), ["critical"]);

    // Around the rear, where the angle jumps.
    let rear = Sector { from: 2.7, to: -2.7 };
    let mut rig = Rig::new(ZoneConfig { masked: vec![rear], ..open }, full_turn());
    rig.see_for(3, &[mast]);
    assert!(rig.occupied().is_empty());
    assert_eq!(rig.verdict(AHEAD), Verdict::Clear);
    assert_eq!(rig.verdict(BACK), Verdict::Stop(Stop::NotCovered), "a mask sees nothing");
}

#[test]
fn sectors_hold_angles_of_any_turn() {
    let rows = [
        ((-1.0, 1.0), 0.0, true),
        ((-1.0, 1.0), 6.0, true),
        ((-1.0, 1.0), 1.1, false),
        ((-1.0, 1.0), -7.0, true),
        ((3.0, -3.0), PI, true),
        ((3.0, -3.0), -3.1, true),
        ((3.0, -3.0), 0.0, false),
    ];
    for ((from, to), angle, expected) in rows {
        assert_eq!(Sector { from, to }.contains(angle), expected, "{from}..{to} {angle}");
    }
}

#[test]
fn turned_and_mirrored_lidars_see_the_same_world() {
    let corner = [0.6, 0.55, 0.1];
    let mut config = config();
    config.zones[0].area = Area::Outline(
        [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]].map(|[x, y]| Point2::new(x, y)).to_vec(),
    );
    for yaw in [0.0, 0.5, PI / 2.0, PI, -2.0] {
        for (x, y) in [(0.0, 0.0), (0.3, -0.2), (-0.35, 0.25)] {
            for sign in [1.0, -1.0] {
                config.base_from_laser = Isometry2::new(Vector2::new(x, y), yaw);
                let lidar = full_turn();
                let lidar =
                    Lidar { first: lidar.first * sign, increment: lidar.increment * sign, ..lidar };
                let mut rig = Rig::new(config.clone(), lidar);
                rig.see(&[corner]);
                assert_eq!(rig.occupied(), ["critical"], "{x} {y} {yaw} {sign}");
                let mut rig = Rig::new(config.clone(), lidar);
                rig.see(&[[corner[0], -corner[1], corner[2]]]);
                assert!(rig.occupied().is_empty(), "{x} {y} {yaw} {sign}");
            }
        }
    }
}

#[test]
fn what_vanishes_near_the_lidar_stays_until_something_farther_is_seen() {
    let mut config = config();
    config.base_from_laser = Isometry2::translation(0.45, 0.0);
    let hand = |range: f32, scan: u32| {
        let mut ranges = vec![5.0 + scan as f32 * 0.001; 360];
        ranges[160..200].fill(range);
        ranges
    };
    for gone in [f32::INFINITY, f32::NAN, 0.0] {
        let mut rig = Rig::new(config.clone(), full_turn());
        rig.see_ranges(&hand(0.3, 0));
        for scan in 1..60 {
            rig.see_ranges(&hand(gone, scan));
            assert!(rig.occupied().contains(&"critical"), "{gone}, scan {scan}");
        }
        // One end of it is not the whole.
        let mut partly = hand(gone, 60);
        partly[160..180].fill(4.0);
        rig.see_ranges(&partly);
        assert!(rig.zones.watches[0].triggered);
        for (range, scan) in [(4.0, 61), (gone, 62)] {
            rig.see_ranges(&hand(range, scan));
            assert!(!rig.zones.watches[0].triggered, "{gone}, scan {scan}");
        }
    }
    // Farther away, or a single point, vanishing is leaving.
    let mut rig = Rig::new(config.clone(), full_turn());
    rig.see_ranges(&hand(0.4, 0));
    rig.see_ranges(&hand(f32::INFINITY, 1));
    assert!(!rig.zones.watches[0].triggered);
    let mut rig = Rig::new(config, full_turn());
    let mut ranges = hand(5.0, 0);
    ranges[180] = 0.3;
    rig.see_ranges(&ranges);
    ranges[180] = f32::INFINITY;
    rig.see_ranges(&ranges);
    assert!(rig.occupied().is_empty());
}

#[test]
fn what_vanished_is_held_in_its_own_directions_between_beams_too() {
    let mut config = config();
    config.base_from_laser = Isometry2::translation(0.45, 0.0);
    for degrees in [1, 3] {
        let (step, count) = (f64::from(degrees).to_radians(), 360 / degrees as usize);
        let lidar = Lidar { first: step / 2.0 - PI, increment: step, count, background: 5.0 };
        let mut rig = Rig::new(config.clone(), lidar);
        let beams = |from: usize, to: usize| from / degrees as usize..to / degrees as usize;
        let mut ranges = vec![5.0_f32; count];
        ranges[beams(150, 210)].fill(0.3);
        rig.see_ranges(&ranges);
        ranges[beams(150, 210)].fill(f32::INFINITY);
        ranges[beams(150, 180)].fill(4.0);
        rig.see_ranges(&ranges);
        let expected: Vec<usize> = (180..210).collect();
        assert_eq!(rig.zones.near.held_bins, expected, "{degrees} degrees");
    }
}

#[test]
fn of_two_occupied_zones_the_first_is_named_and_critical_wins() {
    let mut config = config();
    config.zones.push(Zone { name: "wide".into(), kind: Kind::Critical, area: Area::Depth(0.8) });
    let mut rig = Rig::new(config, full_turn());
    rig.see_for(2, &[column(0.7)]);
    assert_eq!(rig.verdict(AHEAD), Verdict::Stop(Stop::Zone(ZoneId(3))));
    rig.see_for(2, &[column(0.3)]);
    assert_eq!(rig.verdict(AHEAD), CRITICAL);
}

#[test]
fn after_a_first_scan_no_buffer_grows() {
    let mut rig = Rig::new(config(), full_turn());
    rig.see(&[]);
    let capacities = |zones: &Zones| {
        let inside: Vec<_> = zones.watches.iter().map(|watch| watch.inside.capacity()).collect();
        (
            zones.beams.hits.capacity(),
            zones.near.held.capacity(),
            zones.near.held_bins.capacity(),
            inside,
        )
    };
    rig.see(&[column(0.1)]);
    let first = capacities(&rig.zones);
    for scan in 0..50 {
        // Surrounded, and then by nothing: everything is occupied, everything is held.
        let near = [[0.0, 0.0, 0.3], [0.5, 0.0, 0.4]];
        rig.see(if scan % 2 == 0 { &near } else { &[] });
        rig.see_ranges(&[if scan % 3 == 0 { 0.34 } else { f32::INFINITY }; 360]);
        assert_eq!(capacities(&rig.zones), first);
    }
}
