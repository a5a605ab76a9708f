//! The whole program over in-memory streams, on the simulated robot, in virtual time.
//!
//! Nothing is faked but the robot's port and the network: server, sessions, hub, motion, perception, status and the
//! latch's file are the real ones. The clock is paused, so that seconds cost nothing and bounds are exact.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that unwraps fails, which is its job

#[path = "flows/access.rs"]
mod access;
#[path = "flows/audit.rs"]
mod audit;
#[path = "flows/client.rs"]
mod client;
#[path = "flows/control.rs"]
mod control;
#[path = "flows/door.rs"]
mod door;
#[path = "flows/doze.rs"]
mod doze;
#[path = "flows/keepers.rs"]
mod keepers;
#[path = "flows/network.rs"]
mod network;
#[path = "flows/robot.rs"]
mod robot;
#[path = "flows/roles.rs"]
mod roles;
#[path = "flows/stops.rs"]
mod stops;
#[path = "flows/surroundings.rs"]
mod surroundings;

use std::time::Duration;

use client::Client;
use robot::Bench;
use serde_json::{Value, json};

fn motion(command: &str, parameters: Value) -> Value {
    json!({"type": "robot_control", "command": command, "parameters": parameters})
}

/// An operator whose robot drives.
async fn under_way(bench: &Bench) -> Client {
    let mut driver = Client::operator(bench).await;
    driver.say(motion("move_forward", json!({"speed": 0.5, "duration": 60}))).await;
    driver.answer("robot_control_response").await;
    driver.listen(seconds(2.0)).await;
    assert!(bench.robot.commanded().linear > 0.4);
    driver
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[tokio::test(start_paused = true)]
async fn every_stream_comes_at_its_rate_with_what_the_robot_tells() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    for stream in ["telemetry", "lidar", "robot_status"] {
        client.subscribe(stream).await;
    }
    client.listen(seconds(0.2)).await;
    client.forget();
    client.listen(seconds(10.0)).await;
    let count = |kind: &str| client.heard.iter().filter(|message| message["type"] == kind).count();
    assert!((99..=101).contains(&count("telemetry_update")), "{}", count("telemetry_update"));
    assert!((198..=202).contains(&count("lidar_update")), "{}", count("lidar_update"));
    assert!((10..=12).contains(&count("robot_status_update")), "{}", count("robot_status_update"));

    let telemetry = &client.last("telemetry_update")["data"];
    assert_eq!(telemetry["status"], "IDLE");
    assert_eq!(telemetry["position"], json!({"x": 0.0, "y": 0.0, "z": 0.0}));
    assert_eq!(telemetry["battery_level"], 90);
    let lidar = &client.last("lidar_update")["data"];
    assert!(lidar["scan_data"]["points"].as_array().unwrap().len() > 400);
    assert!(lidar["scan_data"]["quality"].as_f64().unwrap() > 0.8);
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_to_the_connection_that_asked_and_to_no_other() {
    let bench = Bench::new().await;
    let mut asked = Client::operator(&bench).await;
    let mut other = Client::operator(&bench).await;
    asked.subscribe("telemetry").await;
    asked.listen(seconds(1.0)).await;
    other.listen(seconds(0.1)).await;
    assert!(asked.heard.iter().any(|message| message["type"] == "telemetry_update"));
    assert!(other.heard.iter().all(|message| message["type"] != "telemetry_update"));
    asked.say(json!({"type": "unsubscribe", "subscription_type": "telemetry"})).await;
    asked.answer("unsubscription_confirmed").await;
    asked.forget();
    asked.listen(seconds(1.0)).await;
    assert!(asked.heard.iter().all(|message| message["type"] != "telemetry_update"));
}

#[tokio::test(start_paused = true)]
async fn a_move_of_two_seconds_at_a_third_of_a_metre_goes_about_as_far_and_stops() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    client.say(motion("move_forward", json!({"speed": 0.3, "duration": 2}))).await;
    let answer = client.answer("robot_control_response").await;
    assert_eq!((&answer["success"], &answer["command"]), (&true.into(), &"move_forward".into()));
    client.listen(seconds(4.0)).await;
    // 0.6 m less what the ramp up costs (0.09 m) and more what the ramp down gives (0.045 m).
    let x = bench.robot.position().x;
    assert!((0.53..0.58).contains(&x), "{x}");
    assert_eq!(bench.robot.speed(), 0.0);
}

#[tokio::test(start_paused = true)]
async fn whatever_ends_a_motion_zero_is_published_at_once() {
    for end in ["stop", "emergency_stop", "close", "drop", "other's stop"] {
        let bench = Bench::new().await;
        let mut other = Client::viewer(&bench).await;
        let mut driver = under_way(&bench).await;
        let asked = bench.clock.now();
        match end {
            "close" => driver.close().await,
            "drop" => drop(driver),
            "other's stop" => other.say(motion("stop", Value::Null)).await,
            command => driver.say(motion(command, Value::Null)).await,
        }
        let zero = bench.robot.next_zero().await;
        assert!(zero - asked <= Duration::from_millis(20), "{end}: {:?}", zero - asked);
        other.listen(seconds(2.0)).await;
        assert_eq!(bench.robot.speed(), 0.0, "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_answered_after_zero_was_published() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    client.say(motion("move_forward", json!({"duration": 60}))).await;
    client.answer("robot_control_response").await;
    client.forget();
    client.say(motion("stop", Value::Null)).await;
    let answer = client.answer("robot_control_response").await;
    assert_eq!((&answer["command"], &answer["success"]), (&"stop".into(), &true.into()));
    assert_eq!(bench.robot.commanded().linear, 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_move_without_duration_holds_for_a_second_and_repeating_it_drives_on() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    for _ in 0..10 {
        client.say(motion("move_forward", Value::Null)).await;
        client.listen(seconds(0.3)).await;
    }
    assert_eq!(bench.robot.commanded().linear, 0.2);
    client.listen(seconds(0.8)).await;
    assert_eq!(bench.robot.commanded().linear, 0.0);
}

#[tokio::test(start_paused = true)]
async fn an_emergency_stop_holds_until_it_is_reset_and_survives_a_restart() {
    let mut bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    client.say(motion("emergency_stop", json!({"whatever": 1}))).await;
    assert_eq!(client.answer("robot_control_response").await["success"], true);
    client.say(motion("move_forward", Value::Null)).await;
    assert_eq!(client.answer("robot_control_response").await["code"], "emergency_stop_active");
    client.listen(seconds(0.5)).await;
    assert!(bench.robot.told_emergency_stop());

    bench.restart().await;
    let mut client = Client::operator(&bench).await;
    client.listen(seconds(0.5)).await;
    client.say(motion("move_forward", Value::Null)).await;
    assert_eq!(client.answer("robot_control_response").await["code"], "emergency_stop_active");
    client.say(motion("reset_emergency_stop", json!({"confirm": true}))).await;
    assert_eq!(client.answer("robot_control_response").await["success"], true);
    client.listen(seconds(0.5)).await;
    assert!(!bench.robot.told_emergency_stop());
    assert_eq!(bench.robot.commanded().linear, 0.0, "a reset moves nothing");
    client.say(motion("move_forward", Value::Null)).await;
    assert_eq!(client.answer("robot_control_response").await["success"], true);

    bench.restart().await;
    let mut client = Client::operator(&bench).await;
    client.say(motion("move_forward", Value::Null)).await;
    assert_eq!(client.answer("robot_control_response").await["success"], true);
}

#[tokio::test(start_paused = true)]
async fn docking_drives_through_the_gate_and_answers_when_it_has_ended() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    client.subscribe("robot_status").await;
    client.say(motion("dock", Value::Null)).await;
    client.listen(seconds(3.0)).await;
    assert_eq!(client.last("robot_status_update")["data"]["status"], "DOCKING");
    client.say(motion("move_forward", Value::Null)).await;
    assert_eq!(client.answer("robot_control_response").await["code"], "busy");
    let docked = client.answer("robot_control_response").await;
    assert_eq!((&docked["command"], &docked["success"]), (&"dock".into(), &true.into()));
    assert!(bench.robot.fastest() <= 0.1 + 1e-9);
    client.listen(seconds(2.0)).await;
    assert_eq!(client.last("robot_status_update")["data"]["status"], "CHARGING");
    client.say(motion("undock", Value::Null)).await;
    assert_eq!(client.answer("robot_control_response").await["success"], true);
}

#[tokio::test(start_paused = true)]
async fn anybodys_stop_aborts_docking() {
    let bench = Bench::new().await;
    let mut driver = Client::operator(&bench).await;
    let mut viewer = Client::viewer(&bench).await;
    driver.say(motion("dock", Value::Null)).await;
    driver.listen(seconds(3.0)).await;
    assert!(bench.robot.commanded().linear < 0.0);
    viewer.say(motion("stop", Value::Null)).await;
    let aborted = driver.answer("robot_control_response").await;
    assert_eq!((&aborted["success"], &aborted["code"]), (&false.into(), &"aborted".into()));
    driver.listen(seconds(5.0)).await;
    assert_eq!(bench.robot.commanded().linear, 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_lidar_blocks_motion_and_a_moving_robot_is_not_blinded() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    let lidar = |command: &str| json!({"type": "lidar_control", "command": command});
    client.say(motion("move_forward", json!({"duration": 2}))).await;
    client.answer("robot_control_response").await;
    client.say(lidar("stop_scan")).await;
    assert_eq!(client.answer("lidar_control_response").await["code"], "robot_moving");
    client.listen(seconds(4.0)).await;
    client.say(lidar("stop_scan")).await;
    assert_eq!(client.answer("lidar_control_response").await["success"], true);
    client.say(motion("move_forward", Value::Null)).await;
    assert_eq!(client.answer("robot_control_response").await["code"], "scan_stale");
    client.say(lidar("start_scan")).await;
    assert_eq!(client.answer("lidar_control_response").await["success"], true);
    client.say(motion("move_forward", Value::Null)).await;
    assert_eq!(client.answer("robot_control_response").await["success"], true);
}

#[tokio::test(start_paused = true)]
async fn a_lidar_that_falls_silent_during_a_move_stops_the_robot_within_its_time_out() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    client.subscribe("robot_status").await;
    client.say(motion("move_forward", json!({"speed": 0.3, "duration": 60}))).await;
    client.answer("robot_control_response").await;
    client.listen(seconds(1.0)).await;
    bench.robot.silence_lidar();
    let asked = bench.clock.now();
    client.listen(seconds(0.6)).await;
    let zero = bench.robot.next_zero().await;
    assert!(zero - asked <= Duration::from_millis(520), "{:?}", zero - asked);
    let aborted = client.heard.iter().find(|message| message["event"] == "motion_aborted").unwrap();
    assert_eq!(aborted["data"]["reason"], "scan_stale");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_is_null() {
    let bench = Bench::silent().await;
    let mut client = Client::operator(&bench).await;
    client.subscribe("telemetry").await;
    client.listen(seconds(0.5)).await;
    let data = &client.last("telemetry_update")["data"];
    assert_eq!(data["status"], "OFFLINE");
    for name in ["position", "speed", "battery_level", "temperature"] {
        assert!(data[name].is_null(), "{name}");
    }
    client.say(motion("move_forward", Value::Null)).await;
    assert_eq!(client.answer("robot_control_response").await["code"], "scan_stale");
}

#[tokio::test(start_paused = true)]
async fn a_notice_reaches_whom_it_is_for() {
    let bench = Bench::new().await;
    let mut lan = Client::operator(&bench).await;
    let mut minh = Client::of(&bench, json!({"user_id": 8, "sub": "minh", "role": "viewer"})).await;
    for (user_id, group, to_lan, to_minh) in [
        (0, "", true, true),
        (8, "", false, true),
        (0, "operator", true, false),
        (0, "viewer", false, true),
        (0, "default", true, true),
        (0, "nobody", false, false),
    ] {
        bench.robot.notice(user_id, group).await;
        for (client, expected) in [(&mut lan, to_lan), (&mut minh, to_minh)] {
            client.forget();
            client.listen(seconds(0.1)).await;
            let told = client.heard.iter().any(|message| message["event"] == "notice");
            assert_eq!(told, expected, "user {user_id} group {group:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stopping_the_bridge_says_zero_first_and_then_goodbye() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    client.say(motion("move_forward", json!({"speed": 0.3, "duration": 60}))).await;
    client.answer("robot_control_response").await;
    client.listen(seconds(1.0)).await;
    let asked = bench.clock.now();
    bench.stop();
    let zero = bench.robot.next_zero().await;
    assert!(zero - asked <= Duration::from_millis(20));
    client.listen(seconds(5.0)).await;
    assert!(client.heard.iter().any(|message| message["event"] == "server_stopping"));
    assert_eq!(client.closed, Some(1001));
}
