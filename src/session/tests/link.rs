//! Pings, their answers, and what a link that gives none is worth.

use super::*;

fn pings(out: &[Output]) -> usize {
    out.iter().filter(|output| matches!(output, Output::Ping(_))).count()
}

#[test]
fn silence_is_pinged_and_then_closed_and_any_sign_of_life_counts() {
    let mut talk = Talk::new(Role::Viewer);
    talk.out.clear();
    talk.answers = false;
    assert_eq!(pings(&talk.pass(24.9)), 2);
    talk.feed(Input::Ping);
    assert_eq!(closes(&talk.pass(24.9)), None);
    assert_eq!(closes(&talk.pass(0.2)), Some(CloseReason::NoHeartbeat));
    assert_eq!(talk.latch.take().lost, [(ConnectionId(3), LinkLoss::Silent)]);
}

#[test]
fn who_might_drive_is_pinged_every_second_and_who_does_five_times() {
    let mut talk = Talk::new(Role::Operator);
    talk.out.clear();
    assert_eq!(pings(&talk.pass(10.0)), 10);
    talk.feed(Input::Control(true));
    assert!((50..=51).contains(&pings(&talk.pass(10.0))));
    talk.feed(Input::Control(false));
    assert!((10..=11).contains(&pings(&talk.pass(10.0))));
}

#[test]
fn a_driver_that_answers_no_ping_loses_control_and_keeps_its_connection() {
    let mut talk = Talk::new(Role::Operator);
    talk.out.clear();
    talk.pass(5.0);
    talk.feed(Input::Control(true));
    talk.pass(2.0);
    talk.answers = false;
    let out = talk.pass(0.59);
    assert!(talk.latch.take().lost.is_empty(), "{out:?}");
    talk.pass(0.2);
    assert_eq!(talk.latch.take().lost, [(ConnectionId(3), LinkLoss::Silent)]);
    talk.pass(10.0);
    assert!(talk.latch.take().lost.is_empty(), "said once");
}

#[test]
fn a_motion_behind_no_fresh_pong_is_stale_and_a_stop_never_is() {
    let mut talk = Talk::new(Role::Operator);
    talk.out.clear();
    talk.answers = false;
    talk.pass(1.5);
    assert!(matches!(talk.say(MOVE)[0], Output::Command(_)));
    talk.now += Duration::from_millis(1);
    let acquire = r#"{"type":"control","action":"acquire"}"#;
    let reset = r#"{"type":"robot_control","command":"reset_emergency_stop","parameters":{"confirm":true}}"#;
    for text in [MOVE, r#"{"type":"robot_control","command":"dock"}"#, reset, acquire] {
        assert_eq!(sent(&talk.say(text)[0])["code"], "stale_command");
    }
    talk.say(STOP);
    let waiting = talk.latch.take();
    assert_eq!((waiting.stops.len(), waiting.attended), (1, false), "said, and nobody knows when");
    talk.answers = true;
    talk.pass(2.0);
    talk.say(STOP);
    assert!(talk.latch.take().attended);
    let release = talk.say(r#"{"type":"control","action":"release"}"#);
    assert!(matches!(release[0], Output::Command(_)), "what moves nothing may be late");
}
