//! Zones, other nodes, and an emergency stop of the robot's own.

use oht50_bridge::{
    config::Value,
    safety::{Action, Reason, facts::Graph},
};
use serde_json::{Value as Json, json};

use super::{client::Client, motion, robot::Bench, seconds};

async fn driving(bench: &Bench) -> Client {
    let mut client = Client::operator(bench).await;
    client.subscribe("robot_status").await;
    client.say(motion("move_forward", json!({"speed": 0.3, "duration": 60}))).await;
    assert_eq!(client.answer("robot_control_response").await["success"], true);
    client.listen(seconds(1.0)).await;
    client
}

#[tokio::test(start_paused = true)]
async fn a_thing_that_comes_near_stops_the_robot_which_can_then_back_away() {
    let bench = Bench::new().await;
    let mut client = driving(&bench).await;
    client.subscribe("lidar").await;
    let x = bench.robot.position().x;
    // 0.45 m ahead of the front, which is 0.35 m ahead of the base.
    bench.robot.put_column(x + 0.35 + 0.45 + 0.2, 0.0);
    let put = bench.clock.now();
    client.listen(seconds(1.0)).await;
    let zero = bench.robot.next_zero().await;
    assert!(zero - put <= seconds(0.08), "{:?}", zero - put);
    let aborted = client.heard.iter().find(|message| message["event"] == "motion_aborted").unwrap();
    assert_eq!(aborted["data"]["reason"], "zone_blocked");
    assert_eq!(aborted["data"]["zone"], "critical");
    let status = &client.last("robot_status_update")["data"];
    assert_eq!(status["status"], "PAUSED");
    assert_eq!(status["safety"]["decision"], "stop");
    assert_eq!(status["safety"]["zone"], "critical");
    let zones = &client.last("lidar_update")["data"]["safety_zones"];
    let violated: Vec<_> = zones.as_array().unwrap().iter().map(|zone| &zone["violated"]).collect();
    assert_eq!(violated, [true, true, true]);
    assert_eq!(zones[0]["type"], "critical");
    assert!(zones[0]["boundary"].as_array().unwrap().len() >= 3);

    client.say(motion("move_forward", Json::Null)).await;
    let refused = client.answer("robot_control_response").await;
    assert_eq!(refused["code"], "zone_blocked");
    assert_eq!(refused["message"], "Something is too near (zone critical)");
    client.say(motion("move_backward", json!({"duration": 4}))).await;
    let answer = client.answer("robot_control_response").await;
    assert_eq!(answer["success"], true);
    client.listen(seconds(0.5)).await;
    assert_eq!(bench.robot.commanded().linear, -0.1);
    let safety = &client.last("robot_status_update")["data"]["safety"];
    assert_eq!((&safety["decision"], &safety["reason"]), (&"limit".into(), &"zone_escape".into()));
    assert_eq!(safety["limit"]["linear"], 0.1);
    client.listen(seconds(6.0)).await;
    let cleared = |message: &Json| {
        message["event"] == "zone_cleared" && message["data"]["zone"] == "critical"
    };
    assert!(client.heard.iter().any(cleared));
    assert_eq!(client.last("robot_status_update")["data"]["status"], "IDLE");
}

#[tokio::test(start_paused = true)]
async fn the_robot_comes_to_rest_before_a_column_whatever_the_speed() {
    for speed in [0.2, 0.5, 1.0] {
        let bench = Bench::new().await;
        bench.robot.put_column(3.0, 0.0);
        let mut client = Client::operator(&bench).await;
        client.say(motion("move_forward", json!({"speed": speed, "duration": 60}))).await;
        client.answer("robot_control_response").await;
        // A long move needs a word now and then.
        for _ in 0..20 {
            client.say(json!({"type": "ping"})).await;
            client.listen(seconds(0.9)).await;
        }
        let gap = 3.0 - 0.2 - 0.35 - bench.robot.position().x;
        assert!((0.3..0.56).contains(&gap), "{speed}: {gap}");
        assert_eq!(bench.robot.speed(), 0.0);
    }
}

#[tokio::test(start_paused = true)]
async fn another_node_on_cmd_vel_ends_the_motion_and_is_named() {
    let bench = Bench::new().await;
    let mut client = driving(&bench).await;
    let graph = Graph { drive_present: true, cmd_vel_shared: true, scan_shared: false };
    bench.robot.set_graph(graph);
    client.listen(seconds(0.3)).await;
    assert_eq!(bench.robot.commanded().linear, 0.0);
    client.listen(seconds(2.0)).await;
    assert_eq!(client.last("robot_status_update")["data"]["status"], "ERROR");
    client.say(motion("move_forward", Json::Null)).await;
    assert_eq!(client.answer("robot_control_response").await["code"], "cmd_vel_shared");
}

#[tokio::test(start_paused = true)]
async fn the_robots_own_stop_is_released_on_the_robot_first() {
    let topic = Value::String("stop_button".to_owned());
    let bench = Bench::configured(&[("hardware_stop_topic", topic)]).await;
    bench.robot.hardware_stop(Some(false));
    let mut client = driving(&bench).await;
    let reset = motion("reset_emergency_stop", json!({"confirm": true}));
    for broken in [Some(true), None] {
        bench.robot.hardware_stop(broken);
        client.listen(seconds(1.2)).await;
        assert_eq!(bench.robot.commanded().linear, 0.0);
        let status = &client.last("robot_status_update")["data"];
        assert_eq!(status["emergency_stop"]["source"], "hardware");
        client.listen(seconds(1.0)).await;
        client.say(reset.clone()).await;
        let refused = client.answer("robot_control_response").await;
        assert_eq!(refused["code"], "emergency_stop_active", "{refused}");
        bench.robot.hardware_stop(Some(false));
        client.listen(seconds(0.3)).await;
        client.say(reset.clone()).await;
        assert_eq!(client.answer("robot_control_response").await["success"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn the_ros_services_latch_and_release() {
    let bench = Bench::new().await;
    let mut client = driving(&bench).await;
    let asked = bench.clock.now();
    let number = bench.latch().emergency_stop_by_service();
    bench.latch().served().wait_for(|served| *served >= number).await.unwrap();
    assert!(bench.robot.next_zero().await - asked <= seconds(0.02));
    client.listen(seconds(1.0)).await;
    let stop = &client.last("robot_status_update")["data"]["emergency_stop"];
    assert_eq!(stop["source"], "service");
    assert_eq!(bench.robot.safety().action, Action::EmergencyStop);
    assert!(bench.robot.reset_by_service(number - 1).await.is_err(), "asked for before the stop");
    let released = bench.robot.reset_by_service(number).await;
    assert_eq!(released.as_deref(), Ok("Emergency stop released"));
    client.listen(seconds(1.0)).await;
    assert_eq!(bench.robot.safety().reason, Some(Reason::Idle));
    assert!(bench.robot.reset_by_service(number).await.unwrap_err().contains("not active"));
}

#[tokio::test(start_paused = true)]
async fn docking_tells_its_progress() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    client.subscribe("robot_status").await;
    client.say(motion("dock", Json::Null)).await;
    client.listen(seconds(3.5)).await;
    let progress = client.heard.iter().filter(|message| message["event"] == "docking_progress");
    let elapsed: Vec<_> =
        progress.map(|event| event["data"]["elapsed"].as_f64().unwrap()).collect();
    assert_eq!(elapsed.len(), 3, "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_robot_without_docking_controller_refuses_to_dock() {
    let none = Value::String("none".to_owned());
    let bench = Bench::configured(&[("docking_controller", none)]).await;
    let mut client = Client::operator(&bench).await;
    client.say(motion("dock", Json::Null)).await;
    let refused = client.answer("robot_control_response").await;
    assert_eq!(refused["code"], "service_unavailable");
    assert_eq!(refused["message"], "This robot has no docking controller");
}

#[tokio::test(start_paused = true)]
async fn a_docking_that_drives_by_itself_is_called_back() {
    let cancellable = Value::String("cancellable".to_owned());
    let bench = Bench::configured(&[("docking_controller", cancellable)]).await;
    let mut client = Client::operator(&bench).await;
    client.say(motion("dock", Json::Null)).await;
    client.listen(seconds(1.0)).await;
    assert!(!bench.robot.was_cancelled());
    client.say(motion("stop", Json::Null)).await;
    client.listen(seconds(0.5)).await;
    assert!(bench.robot.was_cancelled());
}
