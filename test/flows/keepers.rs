//! What the bridge's keepers see: readiness, metrics, diagnostics; and that nothing acknowledged is lost at the end.

use std::{collections::BTreeMap, time::Duration};

use oht50_bridge::{robot::Told, safety::facts::Graph, telemetry::vitals::Level};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::{
    client::Client,
    motion,
    robot::{Bench, value},
    seconds,
};

/// Status and body of a plain request.
async fn get(bench: &Bench, path: &str) -> (u16, String) {
    let (mut ours, theirs) = duplex(64 * 1024);
    bench.door().serve(theirs);
    let request = format!("GET {path} HTTP/1.1\r\nHost: robot\r\nConnection: close\r\n\r\n");
    ours.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    ours.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// What is not ready, and why; and the status agrees.
async fn unready(bench: &Bench) -> BTreeMap<String, String> {
    let (status, body) = get(bench, "/readyz").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    let checks = body["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["server", "scan", "odometry", "drive", "safety", "audit", "keys", "certificate"]
    );
    let failing: BTreeMap<_, _> = checks
        .iter()
        .filter(|check| check["ok"] == false)
        .map(|check| (&check["name"], &check["why"]))
        .map(|(name, why)| (name.as_str().unwrap().to_owned(), why.as_str().unwrap().to_owned()))
        .collect();
    assert_eq!((body["ready"] == true, status == 200), (failing.is_empty(), failing.is_empty()));
    assert!(failing.is_empty() || status == 503);
    failing
}

async fn check(bench: &Bench, expected: &[(&str, &str)]) {
    let expected = expected.iter().map(|(name, why)| ((*name).to_owned(), (*why).to_owned()));
    assert_eq!(unready(bench).await, expected.collect());
}

fn levels(bench: &Bench) -> Vec<(&'static str, Level)> {
    let vitals = bench.robot.diagnosed().expect("diagnostics");
    vitals.parts.iter().map(|part| (part.name, part.level)).collect()
}

#[tokio::test(start_paused = true)]
async fn readiness_follows_the_scan_the_drive_and_the_audit_log() {
    let bench = Bench::new().await;
    tokio::time::sleep(seconds(1.0)).await;
    check(&bench, &[]).await;
    assert_eq!(get(&bench, "/healthz").await, (200, "ok".to_owned()));

    let mut client = Client::operator(&bench).await;
    client.say(motion("emergency_stop", Value::Null)).await;
    client.answer("robot_control_response").await;
    check(&bench, &[]).await;

    bench.robot.set_graph(Graph::default());
    client.listen(seconds(0.1)).await;
    check(&bench, &[("drive", "The drive is not listening on cmd_vel")]).await;
    let shared = Graph { drive_present: true, cmd_vel_shared: true, scan_shared: true };
    bench.robot.set_graph(shared);
    client.listen(seconds(0.1)).await;
    let several = "More than one node publishes on scan";
    check(&bench, &[("drive", "Another node publishes on cmd_vel"), ("scan", several)]).await;
    bench.robot.set_graph(Graph { drive_present: true, ..Graph::default() });

    bench.disk.fill(true);
    client.listen(seconds(1.5)).await;
    check(&bench, &[("audit", "The audit log cannot be written")]).await;
    bench.disk.fill(false);
    client.listen(seconds(1.5)).await;
    check(&bench, &[]).await;

    bench.robot.silence_lidar();
    client.listen(seconds(0.6)).await;
    check(&bench, &[("scan", "No fresh LiDAR scan")]).await;
    assert_eq!(get(&bench, "/healthz").await.0, 200, "the process works");
}

#[tokio::test(start_paused = true)]
async fn a_robot_that_never_spoke_is_not_ready() {
    let bench = Bench::silent().await;
    let expected = [("odometry", "No fresh odometry"), ("scan", "No fresh LiDAR scan")];
    check(&bench, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn diagnostics_tell_a_change_within_a_quarter_of_a_second() {
    let bench = Bench::new().await;
    tokio::time::sleep(seconds(2.0)).await;
    assert!(levels(&bench).iter().all(|(_, level)| *level == Level::Ok), "{:?}", levels(&bench));
    let mut client = Client::operator(&bench).await;
    client.say(motion("emergency_stop", Value::Null)).await;
    client.answer("robot_control_response").await;
    client.listen(seconds(0.25)).await;
    assert!(levels(&bench).contains(&("safety", Level::Warn)));
    bench.robot.silence_lidar();
    client.listen(seconds(0.75)).await;
    assert!(levels(&bench).contains(&("scan", Level::Stale)));
    let vitals = bench.robot.diagnosed().unwrap();
    assert_eq!((vitals.all_connections(), vitals.operators, vitals.emergency_stop), (1, 1, true));
}

#[tokio::test(start_paused = true)]
async fn diagnostics_are_told_to_whoever_listens_and_to_nobody_else() {
    let bench = Bench::new().await;
    let uptime = || bench.robot.diagnosed().unwrap().uptime;
    tokio::time::sleep(seconds(5.0)).await;
    assert!(bench.clock.now() - uptime() <= seconds(1.0));
    bench.robot.ignore(Told::Diagnostics);
    tokio::time::sleep(seconds(1.0)).await;
    let last = uptime();
    tokio::time::sleep(seconds(5.0)).await;
    assert_eq!(uptime(), last);
    bench.robot.watch(Told::Diagnostics);
    tokio::time::sleep(seconds(1.0)).await;
    assert!(uptime() > last + seconds(5.0));
}

#[tokio::test(start_paused = true)]
async fn streams_that_nobody_subscribed_to_cost_nothing() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    client.listen(seconds(5.0)).await;
    let looked_at = || bench.counted("oht50_bridge_perception_seconds_count").unwrap();
    let encoded = |stream: &str, encoding: &str| {
        let labels = format!("stream=\"{stream}\",encoding=\"{encoding}\"");
        bench.counted(&format!("oht50_bridge_stream_values_encoded_total{{{labels}}}"))
    };
    for stream in ["telemetry", "lidar", "robot_status"] {
        for encoding in ["json", "binary"] {
            assert_eq!(encoded(stream, encoding), None, "{stream} {encoding}");
        }
    }
    assert_eq!(looked_at(), 0.0, "scans");
    client.subscribe("lidar").await;
    let mut other = Client::viewer(&bench).await;
    other.subscribe("lidar").await;
    client.listen(seconds(5.0)).await;
    let count = encoded("lidar", "json").unwrap();
    assert!((98.0..=102.0).contains(&count), "once for both: {count}");
    assert_eq!(looked_at(), count);
    assert_eq!((encoded("lidar", "binary"), encoded("telemetry", "json")), (None, None));
    client.say(json!({"type": "unsubscribe", "subscription_type": "lidar"})).await;
    client.answer("unsubscription_confirmed").await;
    drop(other);
    client.listen(seconds(0.1)).await;
    let count = (encoded("lidar", "json"), looked_at());
    client.listen(seconds(5.0)).await;
    assert_eq!((encoded("lidar", "json"), looked_at()), count);
    client.forget();
    client.subscribe("lidar").await;
    client.listen(seconds(0.1)).await;
    assert!(client.last("lidar_update")["data"]["scan_data"]["quality"].as_f64().unwrap() > 0.99);
}

#[tokio::test(start_paused = true)]
async fn latencies_and_what_came_of_commands_are_measured() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    client.subscribe("lidar").await;
    client.say(motion("move_forward", json!({"duration": 1}))).await;
    client.answer("robot_control_response").await;
    client.listen(seconds(3.0)).await;
    client.say(motion("turn_left", json!({"duration": 60}))).await;
    client.answer("robot_control_response").await;
    client.say(motion("stop", Value::Null)).await;
    client.answer("robot_control_response").await;
    client.say(motion("dock", Value::Null)).await;
    client.listen(seconds(2.5)).await;
    let counted = |series: &str| bench.counted(&format!("oht50_bridge_{series}")).unwrap_or(0.0);
    assert_eq!(counted("command_to_velocity_seconds_count"), 2.0);
    assert!(counted("command_to_velocity_seconds_sum") <= 0.04);
    assert_eq!(counted("stop_to_zero_seconds_count"), 1.0);
    assert!(counted("stop_to_zero_seconds_sum") <= 0.02);
    assert!(counted("scan_to_clients_seconds_count") > 100.0);
    assert!(counted("scan_to_clients_seconds_sum") < 1.0);
    assert!(counted("perception_seconds_count") > 100.0);
    for series in [
        "commands_total{command=\"move_forward\",result=\"success\"}",
        "commands_total{command=\"stop\",result=\"latched\"}",
        "events_total{event=\"motion_finished\"}",
        "decisions_total{reason=\"docking\"}",
    ] {
        assert_eq!(counted(series), 1.0, "{series}");
    }
}

#[tokio::test(start_paused = true)]
async fn values_that_a_client_did_not_get_are_counted() {
    let bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    let options = json!({"rate_hz": 5});
    let subscribe = json!({"type": "subscribe", "subscription_type": "lidar", "options": options});
    client.say(subscribe).await;
    client.listen(seconds(11.0)).await;
    let (_, text) = get(&bench, "/metrics").await;
    let replaced = value(&text, "oht50_bridge_stream_values_replaced_total{stream=\"lidar\"}");
    // Of 20 a second it wants 5.
    assert!((135.0..=165.0).contains(&replaced.unwrap()), "{replaced:?}");
}

/// Commands come from everybody, without a pause, while the bridge ends.
#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_before_the_end_is_in_the_audit_log_and_every_close_is_1001() {
    for wait in [0, 11, 20] {
        let mut bench = Bench::new().await;
        let mut crowd = Vec::new();
        for user in 1..=8u64 {
            let name = format!("user {user}");
            let claims = json!({"user_id": user, "sub": name, "role": "operator"});
            crowd.push(tokio::spawn(shout(Client::of(&bench, claims).await, name)));
        }
        tokio::time::sleep(Duration::from_millis(200 + wait)).await;
        bench.end().await;
        let mut acknowledged = 0;
        let lines = bench.audit();
        for shouting in crowd {
            let (name, successes, closed) = shouting.await.unwrap();
            assert_eq!(closed, Some(1001), "{name}");
            for (command, count) in successes {
                let kept = lines.iter().filter(|line| {
                    let result = &line["result"];
                    line["user"] == name.as_str()
                        && line["command"] == command.as_str()
                        && (result == "success" || result == "latched")
                });
                let kept: u64 = kept.map(|line| line["count"].as_u64().unwrap_or(1)).sum();
                assert!(kept >= count, "{name}: {count} times {command}, {kept} in the log");
                acknowledged += count;
            }
        }
        assert!(acknowledged > 20, "{acknowledged}");
    }
}

/// Says one command after the other until the end; what was answered with success, by command, and the close code.
async fn shout(mut client: Client, name: String) -> (String, BTreeMap<String, u64>, Option<u16>) {
    let commands = [
        motion("move_forward", json!({"speed": 0.0})),
        motion("stop", Value::Null),
        json!({"type": "lidar_control", "command": "set_range", "parameters": {"range": 9}}),
        json!({"type": "control", "action": "acquire"}),
    ];
    for command in commands.iter().cycle() {
        if !client.try_say(command.clone()).await || client.closed.is_some() {
            break;
        }
        client.listen(Duration::from_millis(7)).await;
    }
    client.listen(seconds(5.0)).await;
    let mut successes = BTreeMap::new();
    for message in client.heard.iter().filter(|message| message["success"] == true) {
        let asked =
            if message["command"].is_null() { &message["action"] } else { &message["command"] };
        *successes.entry(asked.as_str().unwrap().to_owned()).or_default() += 1;
    }
    (name, successes, client.closed)
}
