//! A thousand stops of one connection within a second: a panic, a stuck key, a program that repeats itself.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::{client::Client, robot::Bench, seconds, under_way};

/// Every one is answered with what is due, the robot stands, and nothing grows with their number. `crowded`: whether
/// more of them come than one connection can wait for.
async fn check(command: &str, pause: Duration, crowded: bool) {
    let what = format!("{command} every {pause:?}");
    let mut bench = Bench::new().await;
    let mut other = Client::viewer(&bench).await;
    let mut driver = under_way(&bench).await;
    driver.forget();

    let asked = bench.clock.now();
    let stops: Vec<_> = (0..STOPS)
        .map(|number| {
            let id = format!("stop {number}");
            json!({"type": "robot_control", "command": command, "request_id": id})
        })
        .collect();
    driver.shout(&stops, pause).await;
    assert!(bench.clock.now() - asked <= seconds(1.1), "{what}");
    let zero = bench.robot.next_zero().await;
    assert!(zero - asked <= Duration::from_millis(20), "{what}: {:?}", zero - asked);
    driver.listen(seconds(1.5)).await;

    let answers: Vec<_> =
        driver.heard.iter().filter(|heard| heard["type"] == "robot_control_response").collect();
    let ids: BTreeSet<_> =
        answers.iter().map(|answer| answer["request_id"].as_str().unwrap()).collect();
    assert_eq!((answers.len(), ids.len()), (STOPS, STOPS), "{what}: each is answered once");
    let (served, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer["success"] == true);
    assert!(served.len() >= MOST_WAITING, "{what}: {} were told that zero is out", served.len());
    assert_eq!(!refused.is_empty(), crowded, "{what}: {} did not wait", refused.len());
    for answer in refused {
        assert_eq!(answer["code"], "busy", "{what}");
        assert_eq!(answer["message"], "Stopping; earlier answers are still on the way");
    }
    assert_eq!(driver.closed, None, "{what}");

    let moved = bench
        .robot
        .published()
        .into_iter()
        .any(|(at, velocity)| at > zero && velocity.linear != 0.0);
    assert!(!moved, "{what}");
    assert_eq!(bench.robot.speed(), 0.0, "{what}");
    driver.say(json!({"type": "ping"})).await;
    driver.answer("pong").await;
    let latched = command == "emergency_stop";
    other.listen(seconds(0.1)).await;
    let engaged = |heard: &&Value| heard["event"] == "emergency_stop_engaged";
    assert_eq!(other.heard.iter().filter(engaged).count(), usize::from(latched), "{what}");
    assert_eq!(bench.robot.told_emergency_stop(), latched, "{what}");

    bench.end().await;
    let lines = bench.audit();
    let stops: Vec<_> = lines.iter().filter(|line| line["kind"] == "stop").collect();
    let counts: Vec<_> = stops.iter().map(|line| line["count"].as_u64().unwrap()).collect();
    assert_eq!(counts.iter().sum::<u64>(), STOPS as u64, "{what}: {counts:?}");
    assert!(counts.len() <= 3, "{what}: the first at once, then one line a second: {counts:?}");
    let event = |name: &str| lines.iter().filter(|line| line["event"] == name).count();
    assert_eq!(event("emergency_stop_engaged"), usize::from(latched), "{what}");
    assert_eq!(event("motion_aborted"), 1, "{what}");
    assert_eq!(event("lines_lost"), 0, "{what}");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_stops_at_once_are_one_and_each_is_answered() {
    for command in ["stop", "emergency_stop"] {
        check(command, Duration::ZERO, true).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_stops_in_a_second_all_hear_that_zero_is_out() {
    for command in ["stop", "emergency_stop"] {
        check(command, Duration::from_millis(1), false).await;
    }
}

const STOPS: usize = 1000;

/// Stops of one connection that can wait for their answer.
const MOST_WAITING: usize = 64;
