//! What a motion may do: limits, escape, and what it must be able to see.

use super::*;

fn moving(linear: f64, angular: f64) -> Velocity {
    Velocity { linear, angular }
}

fn limit(verdict: Verdict) -> Limit {
    match verdict {
        Verdict::Limit(limit) => limit,
        other => panic!("{other:?} is no limit"),
    }
}

#[test]
fn a_warning_limits_both_components_absolutely() {
    let mut rig = Rig::new(config(), full_turn());
    rig.see_for(2, &[[1.3, 0.0, 0.1]]);
    for wanted in [moving(1.0, 0.0), moving(-1.0, 0.0), moving(0.0, 1.0), REST] {
        let limit = limit(rig.verdict(wanted));
        let expected = Limit { linear: 0.3, angular: 0.5, cause: Cause::Warning(ZoneId(1)) };
        assert_eq!(limit, expected, "{wanted:?}");
    }
}

#[test]
fn a_limit_of_nothing_leaves_nothing_and_a_limit_that_is_met_everything() {
    let rows = [
        (0.0, 0.0, REST, REST),
        (0.0, 0.0, moving(0.3, 0.5), REST),
        (0.3, 0.5, moving(-0.3, 0.5), moving(-0.3, 0.5)),
        (0.3, 0.5, moving(0.6, -0.5), moving(0.3, -0.25)),
        (0.3, 0.5, moving(0.3, -1.0), moving(0.15, -0.5)),
    ];
    for (linear, angular, asked, expected) in rows {
        let limit = Limit { linear, angular, cause: Cause::Sight };
        assert_eq!(limit.of(asked), expected, "{asked:?}");
    }
}

#[test]
fn a_safe_zone_is_told_and_nothing_else() {
    let mut rig = Rig::new(config(), full_turn());
    rig.see_for(2, &[[1.9, 0.0, 0.1]]);
    assert_eq!(rig.verdict(AHEAD), Verdict::Report(ZoneId(2)));
    assert_eq!(rig.verdict(REST), Verdict::Report(ZoneId(2)));
}

#[test]
fn a_robot_near_a_wall_may_leave_it_and_nothing_else() {
    let wall: Vec<Disc> = (-20..=20).map(|at| [0.85, f64::from(at) * 0.04, 0.05]).collect();
    let aisle: Vec<Disc> = (-20..=20)
        .flat_map(|at| [[f64::from(at) * 0.05, 0.7, 0.03], [f64::from(at) * 0.05, -0.7, 0.03]])
        .collect();
    let escape = |linear, angular| {
        Verdict::Limit(Limit { linear, angular, cause: Cause::Escape(ZoneId(0)) })
    };
    let rows: [(&[Disc], Velocity, Verdict); 9] = [
        (&wall, AHEAD, CRITICAL),
        (&wall, BACK, escape(0.1, 0.0)),
        (&wall, moving(-0.05, 0.0), escape(0.05, 0.0)),
        (&wall, moving(-1.0, 0.0), escape(0.1, 0.0)),
        (&wall, LEFT, CRITICAL),
        (&wall, moving(-0.1, 0.5), CRITICAL),
        (&wall, REST, CRITICAL),
        (&aisle, AHEAD, CRITICAL),
        (&aisle, BACK, CRITICAL),
    ];
    for (discs, wanted, expected) in rows {
        let mut rig = Rig::new(config(), full_turn());
        rig.see_for(2, discs);
        assert_eq!(rig.verdict(wanted), expected, "{wanted:?}");
    }
    let mut rig = Rig::new(ZoneConfig { allow_escape: false, ..config() }, full_turn());
    rig.see_for(2, &wall);
    assert_eq!(rig.verdict(BACK), CRITICAL);
}

#[test]
fn a_single_point_in_another_critical_zone_hinders_no_escape() {
    let half = |from: f64, to: f64| {
        let outline = [(from, 0.5), (from, -0.5), (to, -0.5), (to, 0.5)];
        Area::Outline(outline.map(|(x, y)| Point2::new(x, y)).to_vec())
    };
    let zone = |name: &str, area| Zone { name: name.into(), kind: Kind::Critical, area };
    let zones = vec![zone("front", half(0.0, 1.0)), zone("rear", half(-1.0, -0.1))];
    let mut rig = Rig::new(ZoneConfig { zones, ..config() }, full_turn());
    let mut ranges = rig.beams.cast(Isometry2::identity(), &[[0.8, 0.0, 0.1]]);
    ranges[0] = 0.8;
    rig.see_ranges(&ranges);
    assert_eq!(rig.occupied(), ["front"]);
    assert_eq!(limit(rig.verdict(BACK)).cause, Cause::Escape(ZoneId(0)));
}

#[test]
fn an_escape_goes_on_until_the_zone_is_released() {
    let mut rig = Rig::new(config(), full_turn());
    rig.see(&[[0.9, 0.0, 0.1]]);
    for scan in 0..20 {
        rig.see(&[[1.15, 0.0, 0.1]]);
        assert!(matches!(rig.verdict(BACK), Verdict::Limit(_)), "scan {scan}");
        assert_eq!(rig.verdict(AHEAD), CRITICAL, "scan {scan}");
    }
    rig.see_for(2, &[[1.15, 0.0, 0.1]]);
    assert!(!rig.occupied().contains(&"critical"));
}

#[test]
fn no_escape_leads_into_something_else_or_into_the_unseen() {
    let both = [[0.9, 0.0, 0.1], [-0.58, 0.0, 0.1]];
    let mut rig = Rig::new(config(), full_turn());
    rig.see(&both);
    assert_eq!(rig.verdict(BACK), CRITICAL);
    let front = Lidar { first: -PI / 2.0, count: 181, ..full_turn() };
    let mut rig = Rig::new(config(), front);
    rig.see(&both[..1]);
    assert_eq!(rig.verdict(BACK), Verdict::Stop(Stop::NotCovered));
}

#[test]
fn a_motion_leads_only_to_where_the_lidar_sees() {
    // 270 degrees, from -135 to 135.
    let front = Lidar { first: -0.75 * PI, count: 271, ..full_turn() };
    let rows = [
        (moving(0.5, 0.0), Verdict::Clear),
        (moving(0.5, 0.2), Verdict::Clear),
        (moving(-0.2, 0.0), Verdict::Stop(Stop::NotCovered)),
        // The rear corners swing out to where it does not see.
        (moving(0.0, 0.3), Verdict::Stop(Stop::NotCovered)),
        (REST, Verdict::Clear),
        (moving(f64::NAN, 0.0), Verdict::Stop(Stop::NotCovered)),
        (moving(0.0, f64::INFINITY), Verdict::Stop(Stop::NotCovered)),
    ];
    // Mounted upside down it sees the same.
    let mirrored = Lidar { first: -front.first, increment: -front.increment, ..front };
    for (wanted, expected) in rows {
        for lidar in [front, mirrored] {
            let mut rig = Rig::new(config(), lidar);
            rig.see(&[]);
            assert_eq!(rig.verdict(wanted), expected, "{wanted:?} {lidar:?}");
        }
    }
    // A round robot turns within its own outline.
    let round = (0..24).map(|at| f64::from(at) / 24.0 * 2.0 * PI);
    let round = round.map(|angle| Point2::new(0.35 * angle.cos(), 0.35 * angle.sin())).collect();
    let mut rig = Rig::new(ZoneConfig { footprint: round, ..config() }, front);
    rig.see(&[]);
    assert_eq!(rig.verdict(moving(0.0, 0.3)), Verdict::Clear);
    assert_eq!(rig.verdict(moving(-0.1, 0.0)), Verdict::Stop(Stop::NotCovered));
}

#[test]
fn beams_close_the_circle_when_hardly_one_is_missing() {
    for (count, expected) in [
        (300, Verdict::Stop(Stop::NotCovered)),
        (358, Verdict::Stop(Stop::NotCovered)),
        (359, Verdict::Clear),
        (361, Verdict::Clear),
    ] {
        let first = -f64::from(count as u32).to_radians() / 2.0;
        let mut rig = Rig::new(config(), Lidar { first, count, ..full_turn() });
        rig.see(&[]);
        assert_eq!(rig.verdict(BACK), expected, "{count} beams");
    }
}

#[test]
fn a_gap_is_covered_while_no_leg_hides_in_it() {
    for value in [f32::NAN, f32::NEG_INFINITY, 0.0] {
        for (lost, expected) in [(3, Verdict::Clear), (5, Verdict::Stop(Stop::NotCovered))] {
            let mut rig = Rig::new(config(), full_turn());
            let mut ranges = vec![5.0_f32; 360];
            ranges[180..180 + lost].fill(value);
            rig.see_ranges(&ranges);
            assert_eq!(rig.verdict(moving(0.3, 0.0)), expected, "{lost} beams of {value}");
            assert_eq!(rig.verdict(moving(-0.3, 0.0)), Verdict::Clear);
            // The same behind, across the seam of the circle.
            let mut rig = Rig::new(config(), full_turn());
            ranges.rotate_left(180 + lost / 2);
            rig.see_ranges(&ranges);
            assert_eq!(rig.verdict(moving(-0.3, 0.0)), expected, "{lost} beams of {value}");
            assert_eq!(rig.verdict(moving(0.3, 0.0)), Verdict::Clear);
        }
    }
    // Nothing within reach is seen too, and so is what closes the circle.
    let mut rig = Rig::new(config(), full_turn());
    let mut ranges = vec![5.0_f32; 360];
    ranges[130..230].fill(f32::INFINITY);
    ranges[0] = f32::NAN;
    ranges[359] = f32::NAN;
    rig.see_ranges(&ranges);
    assert_eq!(rig.verdict(moving(0.3, 0.0)), Verdict::Clear);
    assert_eq!(rig.verdict(moving(-0.3, 0.0)), Verdict::Clear);
}

#[test]
fn without_odometry_nothing_moves_that_needs_it() {
    let check = |config: ZoneConfig, wanted, expected| {
        let mut rig = Rig::new(config, full_turn());
        rig.see(&[]);
        assert_eq!(rig.zones.verdict(wanted, None, rig.now), expected);
    };
    check(config(), AHEAD, Verdict::Stop(Stop::NoOdometry));
    check(config(), REST, Verdict::Clear);
    check(ZoneConfig { follow_speed: false, ..config() }, AHEAD, Verdict::Clear);
}

#[test]
fn the_way_ahead_limits_a_wanted_speed_and_stops_an_actual_one() {
    // Small fields, so that the speed alone decides.
    let mut config = config();
    config.zones =
        vec![Zone { name: "touch".into(), kind: Kind::Critical, area: Area::Depth(0.05) }];
    let fine = Lidar { increment: 0.25_f64.to_radians(), count: 1440, ..full_turn() };
    let mut rig = Rig::new(config, fine);
    rig.see(&[[1.0, 0.0, 0.1]]); // 0.5 m ahead
    let wanted = moving(1.0, 0.0);
    let ahead = limit(rig.verdict(wanted));
    assert_eq!(ahead.cause, Cause::StopDistance);
    assert!((ahead.linear - rig.zones.admissible_speed(0.5, rig.now)).abs() < 0.02, "{ahead:?}");
    assert_eq!(rig.verdict(moving(0.5, 0.0)), Verdict::Clear, "slow enough");
    assert_eq!(rig.verdict(moving(-1.0, 0.0)), Verdict::Clear, "the other way");
    assert_eq!(rig.zones.verdict(wanted, Some(moving(1.0, 0.0)), rig.now), CRITICAL);
    assert_eq!(rig.zones.verdict(REST, Some(moving(1.0, 0.0)), rig.now), CRITICAL);
    assert!(matches!(
        rig.zones.verdict(wanted, Some(moving(0.6, 0.0)), rig.now),
        Verdict::Limit(_)
    ));
    // It ages, and the limit with it.
    rig.now += Duration::from_millis(40);
    assert!(limit(rig.verdict(wanted)).linear < ahead.linear);
}

#[test]
fn what_stands_beside_the_rear_hinders_the_curve_that_swings_it_out_and_no_other() {
    let mut config = config();
    config.zones =
        vec![Zone { name: "touch".into(), kind: Kind::Critical, area: Area::Depth(0.02) }];
    let fine = Lidar { increment: 0.25_f64.to_radians(), count: 1440, ..full_turn() };
    let mut rig = Rig::new(config, fine);
    rig.see(&[[-0.3, 0.38, 0.05]]);
    assert_eq!(rig.verdict(moving(0.3, 0.5)), Verdict::Clear);
    assert_ne!(rig.verdict(moving(0.3, -0.5)), Verdict::Clear);
    // However slowly: 50 mm ahead is less than the margin.
    rig.see(&[[0.5, 0.0, 0.05]]);
    for linear in [0.001, 0.01, 0.1] {
        assert_eq!(rig.verdict(moving(linear, 0.0)), CRITICAL, "{linear} m/s");
    }
}

#[test]
fn what_vanished_near_the_lidar_limits_what_leads_there_and_nothing_else() {
    let mut config = config();
    config.base_from_laser = Isometry2::translation(0.45, 0.0);
    config.zones =
        vec![Zone { name: "touch".into(), kind: Kind::Critical, area: Area::Depth(0.05) }];
    let fine = Lidar { increment: 0.25_f64.to_radians(), count: 1440, ..full_turn() };
    let mut rig = Rig::new(config, fine);
    let mut ranges = vec![5.0_f32; 1440];
    ranges[680..760].fill(0.3); // 0.35 m ahead of the front
    rig.see_ranges(&ranges);
    ranges[680..760].fill(f32::INFINITY);
    rig.see_ranges(&ranges);
    let ahead = limit(rig.verdict(moving(1.0, 0.0)));
    assert_eq!(ahead.cause, Cause::StopDistance);
    assert!((ahead.linear - rig.zones.admissible_speed(0.35, rig.now)).abs() < 0.02, "{ahead:?}");
    for linear in [0.1, -1.0] {
        assert_eq!(rig.verdict(moving(linear, 0.0)), Verdict::Clear, "{linear} m/s");
    }
}

#[test]
fn what_an_odometry_says_of_a_robot_that_stands_stops_nothing() {
    // 2 mm ahead of the front stands a wall; the only zones are behind.
    let behind = [[-0.5, 0.1], [-0.5, -0.1], [-0.6, 0.0]].map(|[x, y]| Point2::new(x, y));
    let zone = |name: &str, kind| {
        let area = Area::Outline(behind.to_vec());
        Zone { name: name.into(), kind, area }
    };
    let zones = vec![zone("told", Kind::Safe), zone("rear", Kind::Critical)];
    let critical = Verdict::Stop(Stop::Zone(ZoneId(1)));
    let mut rig = Rig::new(ZoneConfig { zones, ..config() }, full_turn());
    let ranges: Vec<f32> = (0..360)
        .map(|beam| 0.402 / (f64::from(beam) - 180.0).to_radians().cos())
        .map(|range| if (0.0..0.5).contains(&range) { range as f32 } else { 5.0 })
        .collect();
    rig.see_ranges(&ranges);
    for (speed, expected) in [(0.0, Verdict::Clear), (0.019, Verdict::Clear), (0.02, critical)] {
        let verdict = rig.zones.verdict(REST, Some(moving(speed, 0.0)), rig.now);
        assert_eq!(verdict, expected, "{speed} m/s");
    }
}

#[test]
fn a_curve_keeps_its_shape_when_it_is_limited() {
    let mut rig = Rig::new(config(), full_turn());
    rig.see(&[]);
    let limit = limit(rig.verdict(moving(2.0, 0.8)));
    assert_eq!(limit.cause, Cause::Sight);
    assert!((limit.linear / limit.angular - 2.5).abs() < 1e-9, "{limit:?}");
}

#[test]
fn a_coarse_lidar_limits_the_speed_and_a_coarser_one_forbids_it() {
    let verdict = |degrees: f64| {
        let count = (360.0 / degrees) as usize;
        let [verdict, mirrored] = [1.0, -1.0].map(|sign| {
            let increment = sign * degrees.to_radians();
            let mut rig = Rig::new(config(), Lidar { increment, count, ..full_turn() });
            rig.see(&[]);
            rig.verdict(moving(1.5, 0.0))
        });
        assert_eq!(verdict, mirrored, "{degrees} degrees");
        verdict
    };
    assert_eq!(verdict(0.5), Verdict::Clear);
    let one = limit(verdict(1.0));
    let coarse = limit(verdict(1.8));
    assert!(one.linear > 0.9 && (0.1..0.5).contains(&coarse.linear), "{one:?} {coarse:?}");
    assert_eq!(coarse.cause, Cause::Sight);
    assert_eq!(verdict(3.0), Verdict::Stop(Stop::NotCovered));
}

#[test]
fn docking_may_touch_what_it_docks_to() {
    let zones = vec![Zone {
        name: "sides".into(),
        kind: Kind::Critical,
        area: Area::Outline(rectangle(0.5, 1.4)),
    }];
    let mut rig = Rig::new(config().docking(zones), full_turn());
    rig.see_for(2, &[[-0.52, 0.0, 0.1]]);
    assert_eq!(rig.verdict(BACK), Verdict::Clear);
    rig.see_for(2, &[[0.0, 0.65, 0.1]]);
    assert_eq!(rig.verdict(BACK), CRITICAL);
}

#[test]
fn a_silence_is_no_rhythm_of_the_lidar() {
    let mut rig = Rig::new(config(), full_turn());
    rig.see_for(2, &[]);
    let usual = rig.zones.admissible_speed(1.0, rig.now);
    rig.now += Duration::from_secs(30);
    rig.see(&[]);
    let after = rig.zones.admissible_speed(1.0, rig.now);
    // As if the LiDAR scanned as seldom as is believed at all: 0.5 s instead of 0.05 s.
    assert!(after < usual && after > 0.6, "{usual} and then {after}");
    rig.see(&[]);
    assert_eq!(rig.zones.admissible_speed(1.0, rig.now), usual);
}

#[test]
fn a_curve_can_be_driven_no_faster_than_the_fastest_point_may_be() {
    let rig = Rig::new(config(), full_turn());
    let slow = Velocity { linear: 0.05, angular: 0.0 };
    assert_eq!(rig.zones.no_faster(slow, 0.1), slow);
    let turn = rig.zones.no_faster(Velocity { linear: 0.0, angular: 2.0 }, 0.1);
    // The corners are 0.5 m from the middle.
    assert!((turn.angular - 0.2).abs() < 1e-9, "{turn:?}");
    let curve = rig.zones.no_faster(Velocity { linear: 1.0, angular: 1.0 }, 0.1);
    assert_eq!(curve.linear, curve.angular);
}
