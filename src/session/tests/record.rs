//! What is kept for the audit log.

use super::*;
use crate::protocol::audit::{self, Deed};

const COMMANDS: [&str; 15] = [
    r#"{"type":"robot_control","command":"move_forward","parameters":{"speed":0.3}}"#,
    r#"{"type":"robot_control","command":"move_backward"}"#,
    r#"{"type":"robot_control","command":"turn_left"}"#,
    r#"{"type":"robot_control","command":"turn_right"}"#,
    r#"{"type":"robot_control","command":"drive","parameters":{"linear":0.1,"angular":0.1}}"#,
    r#"{"type":"robot_control","command":"reset_emergency_stop","parameters":{"confirm":true}}"#,
    r#"{"type":"robot_control","command":"dock"}"#,
    r#"{"type":"robot_control","command":"undock"}"#,
    r#"{"type":"lidar_control","command":"start_scan"}"#,
    r#"{"type":"lidar_control","command":"stop_scan"}"#,
    r#"{"type":"lidar_control","command":"set_frequency","parameters":{"frequency":10}}"#,
    r#"{"type":"lidar_control","command":"set_range","parameters":{"range":5}}"#,
    r#"{"type":"control","action":"acquire"}"#,
    r#"{"type":"control","action":"release"}"#,
    r#"{"type":"control","action":"take_over"}"#,
];

/// The endings that were kept, in short, and nothing of them is left.
fn kept(talk: &mut Talk) -> Vec<String> {
    std::mem::take(&mut talk.kept)
        .into_iter()
        .map(|entry| match entry.ending {
            Ending::Latched(count) => format!("latched {count}"),
            Ending::Answered(Ok(message)) => message,
            Ending::Answered(Err(failure)) => failure.code.as_str().to_owned(),
            Ending::Unanswered => "unanswered".to_owned(),
        })
        .collect()
}

fn talk(role: Role) -> Talk {
    let mut talk = Talk::new(role);
    talk.out.clear();
    talk
}

#[test]
fn every_command_is_kept_once_with_whatever_came_of_it() {
    for text in COMMANDS {
        let mut done = talk(Role::Administrator);
        let out = done.say(text);
        assert_eq!(kept(&mut done), [""; 0], "not before its answer: {text}");
        let ticket = command(&out[0]).ticket;
        for outcome in [Ok("done".to_owned()), Ok("again".to_owned())] {
            done.feed(Input::Answer(Answer { ticket, outcome }));
        }
        assert_eq!(kept(&mut done), ["done"], "{text}");
        assert!(done.session.last_entries(START).is_empty(), "{text}");

        for code in ErrorCode::ALL {
            let mut failed = talk(Role::Administrator);
            let ticket = command(&failed.say(text)[0]).ticket;
            let outcome = Err(Failure::new(*code, "why"));
            failed.feed(Input::Answer(Answer { ticket, outcome }));
            assert_eq!(kept(&mut failed), [code.as_str()], "{text}");
        }

        let mut viewer = talk(Role::Viewer);
        viewer.say(text);
        assert_eq!(kept(&mut viewer), ["forbidden"], "{text}");

        let mut hasty = talk(Role::Administrator);
        while hasty.session.rate.take(hasty.now) {}
        hasty.say(text);
        assert_eq!(kept(&mut hasty), ["rate_limited"], "{text}");

        let mut gone = talk(Role::Administrator);
        gone.say(text);
        gone.feed(Input::Close(CloseReason::Evicted));
        gone.kept = gone.session.last_entries(START);
        assert_eq!(kept(&mut gone), ["unanswered"], "{text}");
        assert!(gone.session.last_entries(START).is_empty(), "{text}");
    }
}

#[test]
fn an_entry_says_who_with_which_role_and_what() {
    let mut talk = talk(Role::Operator);
    talk.now = Duration::from_secs(5);
    talk.say(COMMANDS[14]);
    let entry = talk.kept.remove(0);
    assert_eq!(entry.caller, *talk.session.caller());
    assert_eq!(entry.role, Role::Operator);
    assert_eq!(entry.unix, START + Duration::from_secs(5));
    assert_eq!(entry.deed, Deed::Control(client::ControlAction::TakeOver));
}

#[test]
fn a_refusal_of_the_link_and_one_of_the_queue_are_kept() {
    let mut talk = talk(Role::Operator);
    talk.answers = false;
    talk.pass(5.0);
    talk.say(MOVE);
    assert_eq!(kept(&mut talk), ["stale_command"]);
    let mut busy = Talk::new(Role::Operator);
    for _ in 0..65 {
        busy.pass(0.1);
        busy.say(MOVE);
    }
    assert_eq!(kept(&mut busy), ["busy"]);
}

#[test]
fn a_stop_is_kept_when_it_is_latched_and_not_again_when_it_is_answered() {
    for text in [STOP, EMERGENCY_STOP] {
        let mut talk = talk(Role::Viewer);
        talk.say(text);
        assert!(talk.kept.iter().all(Entry::is_stop));
        assert_eq!(kept(&mut talk), ["latched 1"]);
        talk.feed(Input::StopsServed(1));
        assert!(talk.session.last_entries(START).is_empty());
        assert_eq!(kept(&mut talk), [""; 0]);
    }
}

#[test]
fn a_stop_of_the_last_moment_is_kept() {
    let mut talk = talk(Role::Viewer);
    talk.feed(Input::Close(CloseReason::Evicted));
    talk.say(EMERGENCY_STOP);
    talk.say(EMERGENCY_STOP);
    assert_eq!(kept(&mut talk), ["latched 1"]);
    talk.kept = talk.session.last_entries(START);
    assert_eq!(kept(&mut talk), ["latched 1"]);
}

#[test]
fn of_a_flood_of_stops_one_is_kept_at_once_and_then_one_a_second_and_all_are_counted() {
    let mut talk = talk(Role::Viewer);
    for _ in 0..3000 {
        talk.say(STOP);
        talk.say(EMERGENCY_STOP);
        talk.pass(0.001);
    }
    talk.pass(1.0);
    let counts: Vec<u64> = talk
        .kept
        .iter()
        .map(|entry| match (&entry.deed, &entry.ending) {
            (Deed::Robot(RobotCommand::Stop), Ending::Latched(count)) => *count,
            (Deed::Robot(RobotCommand::EmergencyStop), Ending::Latched(_)) => 0,
            _ => panic!("{entry:?}"),
        })
        .collect();
    assert_eq!(counts.iter().sum::<u64>(), 3000);
    assert_eq!(counts.len(), 8, "{counts:?}");
    assert_eq!(counts[0], 1);
    assert_eq!(kept(&mut talk).len(), 8);
    talk.pass(5.0);
    talk.say(STOP);
    assert_eq!(kept(&mut talk), ["latched 1"], "after a while a stop is kept at once again");
}

#[test]
fn pings_and_subscriptions_are_not_kept() {
    let mut talk = talk(Role::Operator);
    talk.say(r#"{"type":"ping"}"#);
    talk.say(r#"{"type":"subscribe","subscription_type":"lidar"}"#);
    talk.say(r#"{"type":"unsubscribe","subscription_type":"lidar"}"#);
    talk.pass(30.0);
    assert_eq!(kept(&mut talk), [""; 0]);
}

#[test]
fn no_token_is_kept_wherever_it_was_put() {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
    let claims = |user_id: u64| {
        let exp = START.as_secs() + 1000;
        serde_json::json!({"user_id": user_id, "sub": "lan", "exp": exp, "role": "administrator"})
    };
    let sign = |user_id| {
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims(user_id), &key).unwrap()
    };
    for token in [sign(7), sign(8)] {
        let places = [
            r#"{"type":"authenticate","token":"T"}"#,
            r#"{"type":"authenticate","token":"T","request_id":"T"}"#,
            r#"{"type":"authenticate","token":["T"]}"#,
            r#"{"type":"T"}"#,
            r#"{"type":"subscribe","subscription_type":"T"}"#,
            r#"{"type":"control","action":"T"}"#,
            r#"{"type":"robot_control","command":"T"}"#,
            r#"{"type":"robot_control","command":"move_forward","parameters":{"T":1}}"#,
            r#"{"type":"robot_control","command":"move_forward","parameters":{"speed":"T"}}"#,
            r#"{"type":"robot_control","command":"move_forward","token":"T"}"#,
            r#"{"type":"robot_control","command":"stop","parameters":"T","token":"T"}"#,
            r#"{"type":"robot_control","command":"emergency_stop","request_id":"T"}"#,
            r#"{"type":"lidar_control","command":"T"}"#,
            r#"{"type":"lidar_control","command":"start_scan","request_id":"T"}"#,
            r#"{"type":"control","action":"acquire","request_id":"T"}"#,
            "T",
        ];
        for place in places {
            for short in [false, true] {
                let mut talk = talk(Role::Operator);
                // As much of it as a client may have echoed to it.
                let put = if short { &token[..60] } else { token.as_str() };
                talk.say(&place.replace('T', put));
                talk.kept.extend(talk.session.last_entries(START));
                assert!(!talk.kept.is_empty(), "{place}");
                let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
                for entry in &talk.kept {
                    let line = audit::line(entry, address);
                    let leaks = token
                        .as_bytes()
                        .windows(12)
                        .any(|part| line.as_bytes().windows(12).any(|found| found == part));
                    assert!(!leaks, "{place}: {line}");
                }
            }
        }
    }
}

#[test]
fn a_newer_token_is_kept_with_what_came_of_it_and_the_role_it_gives() {
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
    let mut talk = talk(Role::Operator);
    for user_id in [8, 7] {
        let exp = START.as_secs() + 1000;
        let claims =
            serde_json::json!({"user_id": user_id, "sub": "lan", "exp": exp, "role": "viewer"});
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        talk.say(&format!(r#"{{"type":"authenticate","token":"{token}"}}"#));
    }
    let roles: Vec<_> = talk.kept.iter().map(|entry| (entry.deed, entry.role)).collect();
    assert_eq!(roles, [(Deed::Authenticate, Role::Operator), (Deed::Authenticate, Role::Viewer)]);
    assert_eq!(kept(&mut talk), ["unauthorized", "Token accepted"]);
}
