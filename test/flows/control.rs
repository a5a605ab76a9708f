//! Who drives, and what a lost link leaves behind.

use std::time::Duration;

use oht50_bridge::sim::Velocity;
use serde_json::{Value, json};

use super::{
    client::Client,
    motion,
    robot::{Bench, Moment},
    seconds,
};

#[tokio::test(start_paused = true)]
async fn the_second_operator_is_told_who_drives() {
    let bench = Bench::new().await;
    let mut first = Client::operator(&bench).await;
    let mut second = Client::of(&bench, json!({"user_id": 8, "sub": "minh"})).await;
    first.say(motion("move_forward", json!({"duration": 5}))).await;
    first.answer("robot_control_response").await;
    second.say(motion("move_backward", Value::Null)).await;
    let refused = second.answer("robot_control_response").await;
    assert_eq!(refused["code"], "not_in_control");
    assert_eq!(refused["message"], "lan is in control");
    first.close().await;
    second.listen(seconds(0.1)).await;
    second.say(motion("move_backward", Value::Null)).await;
    assert_eq!(second.answer("robot_control_response").await["success"], true);
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_falls_silent_loses_control_within_the_link_time_out() {
    let bench = Bench::new().await;
    let mut other = Client::operator(&bench).await;
    other.subscribe("robot_status").await;
    let mut driver = Client::operator(&bench).await;
    driver.say(motion("turn_left", json!({"speed": 0.05, "duration": 3600}))).await;
    driver.answer("robot_control_response").await;
    driver.listen(seconds(1.0)).await;
    assert_eq!(bench.robot.commanded().angular, 0.05);
    // A client that does not read answers no pings.
    let silent = bench.clock.now();
    other.listen(seconds(2.0)).await;
    let zero = bench.robot.next_zero().await;
    assert!(zero - silent <= Duration::from_millis(620), "{:?}", zero - silent);
    let aborted = other.heard.iter().find(|message| message["event"] == "motion_aborted").unwrap();
    assert_eq!(aborted["data"]["reason"], "link_silent");
    assert!(other.last("robot_status_update")["data"]["control"].is_null());

    // What it says when it is back may be old: nobody drives before somebody says so.
    driver.say(motion("move_forward", Value::Null)).await;
    assert_eq!(driver.answer("robot_control_response").await["code"], "stale_command");
    driver.listen(seconds(2.0)).await;
    driver.say(motion("move_forward", Value::Null)).await;
    assert_eq!(driver.answer("robot_control_response").await["code"], "not_in_control");
    assert_eq!(bench.robot.commanded().linear, 0.0);
    driver.say(json!({"type": "control", "action": "acquire"})).await;
    assert_eq!(driver.answer("control_response").await["success"], true);
    driver.say(motion("move_forward", Value::Null)).await;
    assert_eq!(driver.answer("robot_control_response").await["success"], true);
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_driver_a_client_that_connects_again_moves_nothing_until_it_stops_or_acquires()
{
    let bench = Bench::new().await;
    let mut driver = Client::operator(&bench).await;
    driver.say(motion("move_forward", json!({"duration": 60}))).await;
    driver.answer("robot_control_response").await;
    drop(driver);
    let mut again = Client::operator(&bench).await;
    again.say(motion("move_forward", Value::Null)).await;
    assert_eq!(again.answer("robot_control_response").await["code"], "not_in_control");
    again.say(motion("stop", Value::Null)).await;
    assert_eq!(again.answer("robot_control_response").await["success"], true);
    again.say(motion("move_forward", Value::Null)).await;
    assert_eq!(again.answer("robot_control_response").await["success"], true);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_stop_keeps_the_driver_away_for_two_seconds() {
    let bench = Bench::new().await;
    let mut driver = Client::operator(&bench).await;
    let mut other = Client::viewer(&bench).await;
    driver.say(motion("move_forward", json!({"duration": 60}))).await;
    driver.answer("robot_control_response").await;
    other.say(motion("stop", Value::Null)).await;
    other.answer("robot_control_response").await;
    driver.say(motion("move_forward", Value::Null)).await;
    assert_eq!(driver.answer("robot_control_response").await["code"], "not_in_control");
    assert_eq!(bench.robot.commanded().linear, 0.0);
    driver.listen(seconds(2.1)).await;
    driver.say(motion("move_forward", Value::Null)).await;
    assert_eq!(driver.answer("robot_control_response").await["success"], true);
}

#[tokio::test(start_paused = true)]
async fn an_administrator_takes_over_and_the_robot_stops_first() {
    let bench = Bench::new().await;
    let mut driver = Client::operator(&bench).await;
    let chief = json!({"user_id": 1, "sub": "mai", "role": "administrator"});
    let mut chief = Client::of(&bench, chief).await;
    driver.subscribe("robot_status").await;
    driver.say(motion("move_forward", json!({"duration": 60}))).await;
    driver.answer("robot_control_response").await;
    driver.listen(seconds(1.0)).await;
    driver.say(json!({"type": "control", "action": "take_over"})).await;
    assert_eq!(driver.answer("control_response").await["code"], "forbidden");
    chief.say(json!({"type": "control", "action": "take_over"})).await;
    assert_eq!(chief.answer("control_response").await["success"], true);
    assert_eq!(bench.robot.commanded().linear, 0.0);
    driver.say(motion("move_forward", Value::Null)).await;
    let refused = driver.answer("robot_control_response").await;
    assert_eq!(refused["message"], "mai is in control");
    assert_eq!(driver.last("robot_status_update")["data"]["control"]["holder"], "mai");
    chief.say(json!({"type": "control", "action": "release"})).await;
    assert_eq!(chief.answer("control_response").await["success"], true);
    driver.say(motion("move_forward", Value::Null)).await;
    assert_eq!(driver.answer("robot_control_response").await["success"], true);
}

#[tokio::test(start_paused = true)]
async fn a_joystick_drives_both_axes_and_runs_only_while_it_is_held() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    for _ in 0..5 {
        client.say(motion("drive", json!({"linear": 0.2, "angular": -0.3}))).await;
        client.listen(seconds(0.2)).await;
    }
    let commanded = bench.robot.commanded();
    assert_eq!((commanded.linear, commanded.angular), (0.2, -0.3));
    client.listen(seconds(1.1)).await;
    assert_eq!(bench.robot.commanded().linear, 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_long_move_needs_a_word_every_second_after_ten() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    let slow = json!({"speed": 0.02, "duration": 60});
    client.say(motion("turn_left", slow)).await;
    client.answer("robot_control_response").await;
    client.listen(seconds(9.9)).await;
    for _ in 0..10 {
        client.say(json!({"type": "ping"})).await;
        client.listen(seconds(0.9)).await;
    }
    assert_eq!(bench.robot.commanded().angular, 0.02);
    client.listen(seconds(1.2)).await;
    assert_eq!(bench.robot.commanded().angular, 0.0);
}

/// Whatever a suspended bridge had decided, it does not begin to say it afterwards; zero comes at once.
#[tokio::test(start_paused = true)]
async fn a_suspension_in_the_middle_of_a_decision_ends_the_motion_at_once() {
    for moment in [Moment::BeforeDeciding, Moment::WhilePublishing] {
        let bench = Bench::new().await;
        let mut client = Client::operator(&bench).await;
        client.say(motion("move_forward", json!({"speed": 0.3, "duration": 60}))).await;
        assert_eq!(client.answer("robot_control_response").await["success"], true);
        client.listen(seconds(1.0)).await;
        let begun = bench.clock.now();
        bench.robot.suspend(moment, seconds(0.15));
        let zero = bench.robot.next_zero().await;
        client.listen(seconds(2.0)).await;
        let published = bench.robot.published();
        let last = published.iter().rfind(|(_, velocity)| *velocity != Velocity::ZERO).unwrap().0;
        assert!(
            last <= begun + seconds(0.02),
            "{moment:?}: nothing begins after {begun:?}: {last:?}"
        );
        // The middleware of this robot takes no time.
        let continued =
            if moment == Moment::WhilePublishing { last } else { begun } + seconds(0.15);
        assert!(zero <= continued + seconds(0.02), "{moment:?}: {zero:?}, continued {continued:?}");
        if moment == Moment::WhilePublishing {
            assert_eq!(zero, continued, "in the moment it goes on");
        }
        assert_eq!(bench.robot.commanded(), Velocity::ZERO);
        client.say(motion("move_forward", json!({"speed": 0.3}))).await;
        let refused = client.answer("robot_control_response").await;
        assert_eq!(refused["success"], false, "control was lost");
    }
}
