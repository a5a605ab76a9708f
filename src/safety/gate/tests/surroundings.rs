//! The Gate among things, other nodes, and a robot with an emergency stop of its own.

use super::*;
use crate::safety::{
    facts::HardwareStop,
    zone::{Cause, Kind, ZoneId},
};

const ZONE: Reason = Reason::Held(Stop::Zone(ZoneId(0)));

/// The speed ahead, and why, after a while with something so far away.
fn check(ahead: Option<f64>, asked: f64, expected: f64, reason: Reason) {
    let mut bench = Bench::new();
    bench.ahead = ahead;
    bench.run(0.2);
    bench.motion(1, MoveForward, asked, 60.0).unwrap();
    let decision = bench.run(3.0);
    assert!((linear(decision) - expected).abs() < 1e-9, "{ahead:?}: {decision:?}");
    assert_eq!(decision.reason, reason, "{ahead:?}");
}

#[test]
fn what_is_near_slows_and_what_is_nearer_refuses() {
    check(None, 1.0, 1.0, Reason::Moving);
    check(Some(1.5), 1.0, 1.0, Reason::Moving);
    check(Some(0.9), 1.0, 0.3, Reason::Slowed(Cause::Warning(ZoneId(1))));
    check(Some(0.9), 0.2, 0.2, Reason::Moving);
    let mut bench = Bench::new();
    bench.ahead = Some(0.4);
    bench.run(0.2);
    let refused = bench.motion(1, MoveForward, 0.2, None).unwrap_err();
    assert_eq!(refused, Refusal::Held(Stop::Zone(ZoneId(0)), Some("critical".into())));
    assert_eq!(refused.to_string(), "Something is too near (zone critical)");
    assert_eq!(bench.tick().reason, ZONE, "the state is told at rest too");
    assert!(!bench.gate.is_held(), "nothing was held");
}

#[test]
fn what_comes_into_a_critical_zone_stops_and_nothing_resumes() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.run(1.0);
    bench.ahead = Some(0.4);
    let decision = bench.run(0.04);
    assert_eq!((linear(decision), decision.reason), (0.0, ZONE));
    assert!(bench.gate.is_held());
    bench.run(0.1);
    bench.ahead = None;
    assert_eq!(bench.run(2.0).velocity, None);
    assert!(!bench.gate.is_held());
    let events = bench.gate.take_events();
    let zone = || Some("critical".into());
    assert!(events.contains(&SafetyEvent::MotionAborted(MoveForward, ZONE, zone())));
    for event in [
        SafetyEvent::ZoneEntered("critical".into(), Kind::Critical),
        SafetyEvent::ZoneCleared("critical".into(), Kind::Critical),
        SafetyEvent::ZoneEntered("warning".into(), Kind::Warning),
    ] {
        assert_eq!(events.iter().filter(|known| **known == event).count(), 1, "{event:?}");
    }
}

#[test]
fn a_robot_that_rolls_faster_than_it_was_told_is_stopped_before_what_is_ahead() {
    for (rolls, expected) in [(0.1, Reason::Moving), (1.0, ZONE)] {
        let mut bench = Bench::new();
        bench.ahead = Some(0.6);
        bench.run(0.2);
        bench.motion(1, MoveForward, 0.1, 60.0).unwrap();
        bench.run(0.5);
        bench.odometry = false;
        bench.rolls(Velocity { linear: rolls, angular: 0.0 });
        assert_eq!(bench.tick().reason, expected, "{rolls} m/s");
    }
}

#[test]
fn a_robot_near_a_wall_backs_away_slowly_and_says_so() {
    let mut bench = Bench::new();
    bench.ahead = Some(0.4);
    bench.run(0.2);
    bench.motion(1, MoveBackward, 0.5, 60.0).unwrap();
    let decision = bench.run(1.0);
    assert!((linear(decision) + 0.1).abs() < 1e-9, "{decision:?}");
    assert_eq!(decision.reason, Reason::Slowed(Cause::Escape(ZoneId(0))));
    assert_eq!(decision.limit.unwrap().linear, 0.1);
    let said = bench.outcomes().remove(0).unwrap();
    assert!(said.ends_with("slowed by zone_escape"), "{said}");
}

#[test]
fn a_robot_that_reverses_out_of_a_zone_is_not_stopped_by_the_zero_in_between() {
    let mut bench = Bench::new();
    bench.ahead = Some(0.55);
    bench.run(0.2);
    bench.motion(1, MoveForward, 0.05, 60.0).unwrap();
    bench.run(1.0);
    bench.ahead = Some(0.45);
    bench.scan();
    bench.motion(1, MoveBackward, 0.05, 60.0).unwrap();
    assert!(linear(bench.run(0.5)) < 0.0);
}

#[test]
fn docking_has_its_own_fields() {
    let mut bench = Bench::new();
    bench.ahead = Some(0.2);
    bench.run(0.2);
    let ticket = bench.ticket(1);
    bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now).unwrap();
    bench.gate.dock_velocity(Velocity { linear: 0.1, angular: 0.0 }, bench.now);
    assert!(linear(bench.run(0.2)) > 0.0);
    bench.ahead = Some(0.05);
    let decision = bench.run(0.04);
    assert_eq!((linear(decision), decision.reason), (0.0, ZONE));
    assert_eq!(bench.outcomes(), [Err(Refusal::Aborted(ZONE))]);
    let ticket = bench.ticket(1);
    let refused = bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now);
    assert_eq!(refused, Err(Refusal::Held(Stop::Zone(ZoneId(0)), Some("sides".into()))));
}

#[test]
fn without_odometry_nothing_moves() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.run(1.0);
    bench.odometry = false;
    assert_eq!(linear(bench.run(0.48)), 0.3);
    assert_eq!(bench.run(0.04).reason, Reason::Held(Stop::NoOdometry));
    let refused = bench.motion(1, MoveForward, None, None);
    assert_eq!(refused, Err(Refusal::Held(Stop::NoOdometry, None)));
}

#[test]
fn nobody_else_may_be_on_the_topics_that_matter() {
    type Change = fn(&mut Graph);
    let rows: [(Change, Reason, Refusal); 2] = [
        (|graph| graph.cmd_vel_shared = true, Reason::CmdVelShared, Refusal::CmdVelShared),
        (|graph| graph.scan_shared = true, Reason::ScanShared, Refusal::ScanShared),
    ];
    for (change, reason, refusal) in rows {
        let mut bench = Bench::new();
        bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
        bench.run(1.0);
        change(&mut bench.graph);
        let decision = bench.tick();
        assert_eq!((linear(decision), decision.reason), (0.0, reason));
        assert_eq!(bench.motion(1, MoveForward, None, None), Err(refusal));
    }
}

#[test]
fn the_robots_own_stop_latches_when_pressed_or_silent_and_the_web_releases_it_only_after_it_cleared()
 {
    for problem in [HardwareStop::Pressed, HardwareStop::Silent] {
        let mut bench = Bench::new();
        bench.gate.config.hardware_stop = true;
        bench.gate.hardware_stop(false, bench.now);
        bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
        let decision = match problem {
            HardwareStop::Pressed => {
                bench.run(0.5);
                bench.gate.hardware_stop(true, bench.now);
                bench.tick()
            }
            HardwareStop::Silent => {
                assert!(linear(bench.run(0.98)) > 0.0);
                bench.run(0.02)
            }
        };
        assert_eq!((linear(decision), decision.reason), (0.0, Reason::EmergencyStop));
        assert_eq!(bench.gate.latched().unwrap().source, StopSource::Hardware);
        bench.run(1.0);
        let refused = if problem == HardwareStop::Pressed { problem } else { HardwareStop::Silent };
        assert_eq!(bench.reset(1), Err(Refusal::HardwareStop(refused)));
        bench.gate.hardware_stop(false, bench.now);
        assert!(bench.gate.latched().is_some(), "clearing it releases nothing");
        bench.reset(1).unwrap();
    }
}

#[test]
fn until_the_robots_own_stop_has_spoken_nothing_moves_nothing_is_released_and_after_a_second_it_latches()
 {
    let mut gate_config = config();
    gate_config.hardware_stop = true;
    for latched in [false, true] {
        let stop = latched.then(|| EmergencyStop {
            source: StopSource::Restored { unix: Duration::ZERO },
            by: None,
            since: Duration::ZERO,
            reason: "before".to_owned(),
        });
        let mut bench = Bench::new();
        bench.gate = Gate::new(gate_config.clone(), surroundings(), stop);
        bench.gate.audited(true);
        bench.run(0.9);
        assert_eq!(bench.gate.latched().is_some(), latched);
        let silent = Err(Refusal::HardwareStop(HardwareStop::Silent));
        let refused =
            if latched { bench.reset(1) } else { bench.motion(1, MoveForward, None, None) };
        assert_eq!(refused, silent);
        bench.run(0.2);
        assert!(bench.gate.latched().is_some());
    }
}

#[test]
fn a_suspended_bridge_waits_for_the_robots_own_stop_again() {
    let mut bench = Bench::new();
    bench.gate.config.hardware_stop = true;
    bench.gate.hardware_stop(false, bench.now);
    bench.tick();
    bench.now += Duration::from_secs(3);
    bench.run(0.9);
    assert_eq!(bench.gate.latched(), None);
    bench.gate.hardware_stop(false, bench.now);
    bench.run(0.5);
    assert_eq!(bench.gate.latched(), None);
}

#[test]
fn a_zone_that_ended_a_docking_is_told_by_its_own_name() {
    let mut bench = Bench::new();
    let ticket = bench.ticket(1);
    bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now).unwrap();
    bench.gate.dock_velocity(Velocity { linear: 0.1, angular: 0.0 }, bench.now);
    bench.run(0.2);
    bench.ahead = Some(0.05);
    bench.scan();
    let decision = bench.gate.tick(bench.now + TICK);
    let summary = bench.gate.summary(&decision, bench.now);
    assert_eq!((summary.reason, summary.zone.as_deref()), (Some(ZONE), Some("sides")));
}

#[test]
fn a_service_latches_and_releases_like_a_person() {
    let mut bench = Bench::new();
    bench.sequence += 1;
    bench.gate.emergency_stop(StopSource::Service, None, bench.sequence, bench.now);
    assert_eq!(bench.tick().reason, Reason::EmergencyStop);
    assert_eq!(bench.gate.latched().unwrap().reason, "Called as a ROS service");
    let overtaken = bench.gate.reset_by_service(bench.sequence - 1, bench.now);
    assert_eq!(overtaken, Err(Refusal::Aborted(Reason::EmergencyStop)));
    assert!(bench.gate.reset_by_service(bench.sequence, bench.now).is_ok());
    assert!(bench.gate.take_events().contains(&SafetyEvent::EmergencyStopReset(None)));
}
