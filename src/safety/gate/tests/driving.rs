//! Control of the robot, asked for and given back.

use super::*;
use crate::auth::Administrator;

#[test]
fn asking_for_control_while_driving_does_not_shorten_it() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    let ticket = bench.ticket(1);
    bench.gate.acquire(&caller(1), ticket, operator(), bench.now).unwrap();
    for _ in 0..8 {
        bench.gate.heard(ConnectionId(1), bench.now);
        bench.run(1.0);
        assert!(bench.gate.holder().is_some());
    }
    assert_eq!(linear(bench.tick()), 0.3);
}

#[test]
fn control_that_is_asked_for_is_had_and_runs_out_unless_it_is_asked_for_again() {
    let mut bench = Bench::new();
    for seconds in [3.0, 4.98] {
        let ticket = bench.ticket(1);
        bench.gate.acquire(&caller(1), ticket, operator(), bench.now).unwrap();
        assert!(bench.outcomes()[0].is_ok());
        bench.run(seconds);
        assert!(bench.gate.control.is_held_by(ConnectionId(1)));
        let ticket = bench.ticket(2);
        let refused = bench.gate.acquire(&caller(2), ticket, operator(), bench.now);
        assert_eq!(refused, Err(Refusal::NotInControl("user1".into())));
    }
    bench.tick();
    assert_eq!(bench.gate.holder(), None);
    let changed = |caller, reason| SafetyEvent::ControlChanged(caller, reason);
    let expected = [changed(Some(caller(1)), Reason::Moving), changed(None, Reason::Idle)];
    assert_eq!(bench.gate.take_events(), expected);
}

#[test]
fn control_that_is_given_back_stops_the_robot() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.run(1.0);
    let ticket = bench.ticket(2);
    assert_eq!(bench.gate.release(&caller(2), ticket, bench.now), Err(Refusal::NotYours));
    let ticket = bench.ticket(1);
    bench.gate.release(&caller(1), ticket, bench.now).unwrap();
    let decision = bench.tick();
    assert_eq!((linear(decision), decision.reason), (0.0, Reason::Released));
    assert_eq!(bench.gate.holder(), None);
}

#[test]
fn after_a_stop_at_rest_zero_comes_before_the_next_motion() {
    let mut bench = Bench::new();
    bench.stop();
    bench.motion(1, MoveForward, 0.3, 2.0).unwrap();
    assert_eq!(linear(bench.tick()), 0.0);
    assert!(linear(bench.tick()) > 0.0);
}

fn administrator() -> Administrator {
    let principal = Principal {
        user_id: 1,
        username: "mai".into(),
        role: Role::Administrator,
        expires_at: Duration::MAX,
        pass: Default::default(),
    };
    principal.administrator().unwrap()
}

#[test]
fn who_takes_over_stops_the_robot_first_and_drives_then() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.run(1.0);
    bench.gate.take_events();
    let ticket = bench.ticket(2);
    for _ in 0..2 {
        bench.gate.take_over(&caller(2), ticket, administrator(), bench.now).unwrap();
    }
    bench.motion(2, MoveForward, 0.3, 60.0).unwrap();
    assert_eq!(linear(bench.tick()), 0.0);
    assert!(linear(bench.tick()) > 0.0);
    let refused = bench.motion(1, MoveForward, 0.3, 60.0);
    assert_eq!(refused, Err(Refusal::NotInControl("user2".into())));
    let expected = [
        SafetyEvent::MotionAborted(MoveForward, Reason::TakenOver, None),
        SafetyEvent::ControlChanged(Some(caller(2)), Reason::TakenOver),
    ];
    assert_eq!(bench.gate.take_events(), expected, "once");
}

#[test]
fn who_was_stopped_by_somebody_else_does_not_take_over_either() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.stop_by(ConnectionId(2));
    let ticket = bench.ticket(1);
    let refused = bench.gate.take_over(&caller(1), ticket, administrator(), bench.now);
    assert_eq!(refused, Err(Refusal::StoppedByOther));
    bench.run(2.0);
    bench.gate.take_over(&caller(1), ticket, administrator(), bench.now).unwrap();
    bench.run(4.98);
    assert!(bench.gate.control.is_held_by(ConnectionId(1)));
    bench.tick();
    assert_eq!(bench.gate.holder(), None);
}

#[test]
fn a_long_motion_ends_when_its_driver_says_nothing_for_a_second() {
    // From 10 s on; what others say does not count.
    for (connection, ends) in [(1, 10.5), (2, 10.0)] {
        let mut bench = Bench::new();
        bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
        bench.run(9.5);
        for at in [bench.now, bench.now - TICK] {
            bench.gate.heard(ConnectionId(connection), at);
        }
        assert_eq!(linear(bench.run(ends - 9.5)), 0.3, "{connection}");
        let decision = bench.tick();
        assert_eq!((linear(decision), decision.reason), (0.0, Reason::Unattended), "{connection}");
    }
}

#[test]
fn a_motion_is_announced_with_its_speed_in_its_units() {
    let rows = [
        (MoveBackward, 0.3, 0.0, "Moving backward at 0.3 m/s for 2 s"),
        (TurnRight, 0.0, -0.4, "Turning right at 0.4 rad/s for 2 s"),
        (MotionKind::Drive, -0.3, 0.4, "Driving at -0.3 m/s and 0.4 rad/s for 2 s"),
    ];
    for (kind, linear, angular, expected) in rows {
        let ticket = Bench::new().ticket(1);
        let velocity = Velocity { linear, angular };
        let (seconds, now) = (Duration::from_secs(2), Duration::ZERO);
        let motion = Motion::new(ticket, kind, velocity, velocity, seconds, now);
        assert_eq!(motion.announcement.as_deref(), Some(expected));
    }
}

#[test]
fn a_motion_runs_its_time_and_one_that_must_be_repeated_no_longer_than_a_hold() {
    let seconds = Duration::from_secs;
    let rows = [
        (None, false, seconds(1)),
        (None, true, seconds(1)),
        (Some(seconds(60)), false, seconds(60)),
        (Some(seconds(60)), true, seconds(1)),
        (Some(TICK), true, TICK),
    ];
    for (duration, hold_to_run, expected) in rows {
        let request =
            MotionRequest { kind: MoveForward, speed: Speed::Default, duration, hold_to_run };
        assert_eq!(config().runs_for(&request), expected, "{duration:?} {hold_to_run}");
    }
}
