//! What others are shown of the Gate.

use super::*;
use crate::safety::{
    Summary,
    reason::Action,
    surroundings::FieldSet,
    zone::{Cause, ZoneId},
};

#[test]
fn there_is_news_until_it_was_fetched() {
    let mut bench = Bench::new();
    assert!(!bench.gate.has_news());
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    assert!(bench.gate.has_news(), "control changed");
    bench.gate.take_events();
    assert!(!bench.gate.has_news());
    bench.tick();
    assert!(bench.gate.has_news(), "the motion is answered");
    bench.outcomes();
    assert!(!bench.gate.has_news());
}

#[test]
fn a_motion_and_docking_are_shown_while_they_go_on() {
    let mut bench = Bench::new();
    assert_eq!(bench.gate.motion(bench.now), None);
    bench.motion(1, MoveForward, 0.3, 2.0).unwrap();
    bench.run(0.5);
    let forward = |linear| Velocity { linear, angular: 0.0 };
    let expected = MotionState {
        kind: MoveForward,
        requested: forward(0.3),
        actual: bench.gate.output,
        remaining: Duration::from_millis(1500),
    };
    assert_eq!(bench.gate.motion(bench.now), Some(expected));
    assert!((bench.gate.output.linear - 0.25).abs() < 1e-9);
    assert_eq!(bench.gate.docking(), None);
    bench.stop();
    bench.tick();
    assert_eq!(bench.gate.motion(bench.now), None);
    let ticket = bench.ticket(1);
    bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now).unwrap();
    assert_eq!(bench.gate.docking(), Some(ticket));
    assert_eq!(bench.gate.motion(bench.now), None);
}

#[test]
fn a_decision_is_shown_with_its_zone_and_what_is_left() {
    let mut bench = Bench::new();
    bench.ahead = Some(0.9);
    bench.run(0.2);
    bench.motion(1, MoveForward, 0.5, 60.0).unwrap();
    let decision = bench.run(1.0);
    let velocity = |linear, angular| Velocity { linear, angular };
    let expected = Summary {
        action: Action::Limit,
        reason: Some(Reason::Slowed(Cause::Warning(ZoneId(1)))),
        zone: Some("warning".into()),
        limit: Some(velocity(0.3, 0.5)),
        requested: velocity(0.5, 0.0),
        allowed: velocity(0.3, 0.0),
    };
    assert_eq!(bench.gate.summary(&decision, bench.now), expected);
    assert_eq!(bench.gate.zones(), (FieldSet::Driving, vec![false, true, true]));
    bench.stop();
    bench.tick();
    let ticket = bench.ticket(1);
    bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now).unwrap();
    assert_eq!(bench.gate.zones(), (FieldSet::Docking, vec![false]));
}
