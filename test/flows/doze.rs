//! A bridge that nobody is connected to, on a robot that stands: it decides less often, its node pauses, and whatever
//! happens wakes both.

use std::time::Duration;

use oht50_bridge::{
    config::Value,
    robot::Told,
    sim::{Velocity, WorldConfig},
};
use serde_json::json;

use super::{
    client::Client,
    motion,
    robot::{Bench, Moment},
    seconds, under_way,
};

/// A bridge that dozes, after a minute in which nothing was lost.
async fn dozing(given: &[(&str, Value)]) -> Bench {
    let bench = Bench::configured(given).await;
    bench.robot.hardware_stop(Some(false));
    tokio::time::sleep(seconds(60.0)).await;
    assert!(bench.robot.dozes());
    bench
}

/// One of the robot's steps, and the bridge's own.
const NOTICED: Duration = Duration::from_millis(60);

#[tokio::test(start_paused = true)]
async fn with_nobody_there_and_the_robot_at_rest_the_bridge_dozes_and_with_a_client_it_does_not() {
    let bench = dozing(&[]).await;
    let mut client = Client::viewer(&bench).await;
    assert!(!bench.robot.dozes(), "by the time that the client was greeted");
    tokio::time::sleep(seconds(5.0)).await;
    assert!(!bench.robot.dozes());
    client.close().await;
    tokio::time::sleep(seconds(1.0)).await;
    assert!(bench.robot.dozes());
}

#[tokio::test(start_paused = true)]
async fn a_dozing_bridge_decides_five_times_a_second_and_never_lets_the_emergency_stop_fall_silent()
{
    let bench = Bench::new().await;
    tokio::time::sleep(seconds(10.0)).await;
    let before = bench.robot.decisions();
    tokio::time::sleep(seconds(60.0)).await;
    let decisions = bench.robot.decisions() - before;
    assert!((300..330).contains(&decisions), "{decisions}");
    let told = bench.robot.emergency_stops();
    let longest = told.windows(2).map(|pair| pair[1].0 - pair[0].0).max().unwrap();
    assert!(longest > seconds(0.7) && longest <= seconds(1.0), "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_does_not_come_back_from_its_pause_is_noticed() {
    let bench = dozing(&[]).await;
    bench.robot.hang();
    tokio::time::sleep(seconds(1.0)).await;
    assert!(!bench.robot.dozes());
    let told = bench.robot.emergency_stops().len();
    tokio::time::sleep(seconds(60.0)).await;
    assert!(bench.robot.emergency_stops().len() >= told + 60);
}

#[tokio::test(start_paused = true)]
async fn a_bridge_does_not_doze_while_somebody_on_the_graph_looks() {
    for (told, dozes) in [(Told::Safety, false), (Told::Picture, false), (Told::Outline, true)] {
        let bench = dozing(&[]).await;
        bench.robot.watch(told);
        tokio::time::sleep(seconds(0.25)).await;
        assert_eq!(bench.robot.dozes(), dozes, "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn outlines_are_told_five_times_a_second_to_whoever_listens_and_to_nobody_else() {
    let bench = dozing(&[]).await;
    assert_eq!(bench.robot.outlines(), 0);
    bench.robot.watch(Told::Outline);
    tokio::time::sleep(seconds(1.0)).await;
    let before = bench.robot.outlines();
    tokio::time::sleep(seconds(60.0)).await;
    assert!((290..=300).contains(&(bench.robot.outlines() - before)));
}

/// Nothing goes on that a gap could end, and whoever comes afterwards is served as ever.
#[tokio::test(start_paused = true)]
async fn a_bridge_that_dozed_while_it_did_not_run_drives_for_whoever_comes_then() {
    let bench = dozing(&[]).await;
    bench.robot.suspend(Moment::BeforeDeciding, seconds(5.0));
    tokio::time::sleep(seconds(6.0)).await;
    let mut client = Client::operator(&bench).await;
    client.say(motion("move_forward", json!({"speed": 0.5, "duration": 2}))).await;
    assert_eq!(client.answer("robot_control_response").await["success"], true);
}

#[tokio::test(start_paused = true)]
async fn out_of_a_doze_a_command_drives_at_once() {
    let bench = dozing(&[]).await;
    let mut client = Client::operator(&bench).await;
    let asked = bench.clock.now();
    client.say(motion("move_forward", json!({"speed": 0.5, "duration": 2}))).await;
    assert_eq!(client.answer("robot_control_response").await["success"], true);
    let (at, velocity) = bench.robot.published()[0];
    assert!(velocity.linear > 0.0 && at - asked <= seconds(0.02), "{velocity:?} {:?}", at - asked);
    client.listen(seconds(2.0)).await;
    let sent = bench.robot.published();
    let gaps = sent.windows(2).map(|pair| pair[1].0 - pair[0].0);
    assert_eq!(gaps.max(), Some(Duration::from_millis(20)));
}

#[tokio::test(start_paused = true)]
async fn a_robot_without_its_driver_is_watched_until_it_stands() {
    let bench = Bench::new().await;
    drop(under_way(&bench).await);
    while bench.robot.speed() != 0.0 {
        assert!(!bench.robot.dozes());
        tokio::time::sleep(seconds(0.01)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dozing_bridge_notices_the_robots_own_stop() {
    let topic = Value::String("stop_button".to_owned());
    for broken in [Some(true), None] {
        let bench = dozing(&[("hardware_stop_topic", topic.clone())]).await;
        assert!(!bench.robot.told_emergency_stop());
        bench.robot.hardware_stop(broken);
        // Its silence counts only after a while.
        let due = if broken.is_some() { Duration::ZERO } else { seconds(1.0) };
        tokio::time::sleep(due + NOTICED).await;
        assert!(bench.robot.told_emergency_stop(), "{broken:?}");
        assert!(bench.robot.next_zero().await > seconds(60.0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dozing_bridge_serves_the_emergency_stops_service_at_once() {
    let bench = dozing(&[]).await;
    let asked = bench.clock.now();
    let number = bench.latch().emergency_stop_by_service();
    bench.latch().served().wait_for(|served| *served >= number).await.unwrap();
    assert_eq!(bench.robot.next_zero().await, asked);
    assert!(bench.robot.told_emergency_stop());
    tokio::task::yield_now().await;
    assert!(!bench.robot.dozes());
}

#[tokio::test(start_paused = true)]
async fn a_bridge_does_not_doze_while_somebody_else_moves_the_robot() {
    let bench = dozing(&[]).await;
    for _ in 0..20 {
        bench.robot.push(Velocity { linear: 0.3, angular: 0.0 });
        tokio::time::sleep(seconds(0.1)).await;
    }
    assert!(!bench.robot.dozes());
}

/// The pauses must not make old what comes in time: neither scans, nor odometry, nor the robot's own stop.
#[tokio::test(start_paused = true)]
async fn a_doze_takes_nothing_for_lost_that_comes_in_time() {
    for (frequency, timeout) in [(20.0, 0.1), (12.0, 0.1), (8.0, 0.15), (2.1, 0.5)] {
        let mut world = WorldConfig::default();
        world.lidar.frequency = frequency;
        let given =
            [("scan_timeout", Value::Double(timeout)), ("odom_timeout", Value::Double(0.1))];
        let mut bench = Bench::build(world, true, &given).await;
        tokio::time::sleep(seconds(60.0)).await;
        bench.end().await;
        let lost = bench.audit().iter().filter(|line| line["event"] == "scan_lost").count();
        assert_eq!(lost, 0, "{frequency} Hz, lost after {timeout} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dozing_bridge_notices_that_the_scans_cease() {
    let mut bench = dozing(&[]).await;
    bench.robot.silence_lidar();
    tokio::time::sleep(seconds(0.5) + NOTICED).await;
    bench.end().await;
    assert_eq!(bench.audit().iter().filter(|line| line["event"] == "scan_lost").count(), 1);
}
