//! The audit log: what stands in it, and what happens without it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use oht50_bridge::{
    config::Config,
    telemetry::audit::{Journal, Sink},
};
use serde_json::{Value, json};

use super::{client::Client, motion, robot::Bench, seconds};

/// Where the audit log is kept: a real file on a disk that can be full.
#[derive(Clone, Default)]
pub struct Disk {
    full: Arc<AtomicBool>,
    syncs: Arc<AtomicUsize>,
}

struct File {
    disk: Disk,
    journal: Journal,
}

impl Disk {
    pub fn open(&self, config: &Config) -> Box<dyn Sink> {
        let limits = config.audit;
        let journal = Journal::open(&config.state_directory, limits.max_bytes, limits.files);
        Box::new(File { disk: self.clone(), journal: journal.unwrap() })
    }

    pub fn fill(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    fn syncs(&self) -> usize {
        self.syncs.load(Ordering::SeqCst)
    }
}

impl Sink for File {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.disk.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.journal.append(lines)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.syncs.fetch_add(1, Ordering::SeqCst);
        self.journal.sync()
    }
}

/// User, command or event, and what came of it; without the times and the texts.
fn short(lines: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lines
        .iter()
        .map(|line| match line["kind"].as_str().unwrap() {
            "event" => text(&line["event"]),
            _ => {
                let parts = [&line["user"], &line["command"], &line["result"], &line["code"]];
                parts.map(text).join(" ").trim_end().to_owned()
            }
        })
        .collect()
}

fn control(action: &str) -> Value {
    json!({"type": "control", "action": action})
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_decided_and_stopped_stands_in_the_log_in_its_order() {
    let mut bench = Bench::new().await;
    let mut viewer = Client::viewer(&bench).await;
    let mut driver = Client::operator(&bench).await;
    viewer.say(motion("move_forward", Value::Null)).await;
    viewer.answer("robot_control_response").await;
    driver.say(motion("move_forward", json!({"speed": 0.3, "duration": 60}))).await;
    driver.answer("robot_control_response").await;
    driver.say(control("take_over")).await;
    driver.answer("control_response").await;
    viewer.say(motion("emergency_stop", Value::Null)).await;
    viewer.answer("robot_control_response").await;
    driver.listen(seconds(2.0)).await;
    driver.say(motion("reset_emergency_stop", json!({"confirm": true}))).await;
    driver.answer("robot_control_response").await;
    driver.say(json!({"type": "no such type"})).await;
    driver.answer("error").await;
    driver.say(motion("dock", Value::Null)).await;
    driver.listen(seconds(1.0)).await;
    drop(driver);
    viewer.listen(seconds(1.0)).await;
    bench.end().await;

    let lines = bench.audit();
    assert_eq!(
        short(&lines),
        [
            "started",
            "scan_restored",
            "hoa move_forward failure forbidden",
            "control_changed",
            "lan move_forward success",
            "lan take_over failure forbidden",
            "hoa emergency_stop latched",
            "motion_aborted",
            "emergency_stop_engaged",
            "emergency_stop_reset",
            "lan reset_emergency_stop success",
            "lan  failure invalid_message",
            "lan dock unanswered",
            "docking_failed",
            "control_changed",
            "server_stopping",
        ]
    );
    let moved = &lines[4];
    assert_eq!(moved["time"].as_str().unwrap().len(), "2025-01-28T10:30:00.123456Z".len());
    assert_eq!((&moved["user_id"], &moved["role"]), (&7.into(), &"operator".into()));
    assert_eq!(moved["address"], "127.0.0.1:4711");
    assert_eq!(moved["parameters"], json!({"speed": 0.3, "duration": 60.0}));
    assert_eq!(lines[7]["data"]["reason"], "emergency_stop");
    assert_eq!(lines[8]["data"], json!({"source": "web", "by": "hoa"}));
    assert_eq!(lines[13]["data"]["command"], "dock");
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_synced_and_a_flood_of_stops_costs_a_few_lines() {
    let mut bench = Bench::new().await;
    let mut client = Client::viewer(&bench).await;
    client.say(motion("stop", Value::Null)).await;
    client.listen(seconds(0.1)).await;
    assert_eq!(bench.disk.syncs(), 1);
    for _ in 0..1000 {
        client.say(motion("stop", Value::Null)).await;
    }
    client.listen(seconds(2.0)).await;
    bench.end().await;
    let lines = bench.audit();
    let stops: Vec<_> = lines.iter().filter(|line| line["kind"] == "stop").collect();
    let counts: Vec<u64> = stops.iter().map(|line| line["count"].as_u64().unwrap()).collect();
    assert_eq!(counts.iter().sum::<u64>(), 1001);
    assert!(counts.len() <= 4, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn without_the_log_nothing_new_moves_and_every_stop_works_and_it_recovers() {
    let mut bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    client.say(motion("move_forward", json!({"speed": 0.3, "duration": 60}))).await;
    client.answer("robot_control_response").await;
    client.listen(seconds(1.0)).await;

    bench.disk.fill(true);
    client.listen(seconds(2.0)).await;
    assert_eq!(bench.robot.commanded().linear, 0.3, "what moves goes on");
    for (command, parameters) in [
        ("move_forward", Value::Null),
        ("turn_left", json!({"duration": 60})),
        ("drive", json!({"linear": 0.1})),
    ] {
        client.say(motion(command, parameters)).await;
        let refused = client.answer("robot_control_response").await;
        assert_eq!(refused["code"], "audit_unavailable", "{command}");
        assert_eq!(refused["message"], "The audit log cannot be written");
    }
    assert_eq!(bench.robot.commanded().linear, 0.3);
    for stop in ["stop", "emergency_stop"] {
        let asked = bench.clock.now();
        client.say(motion(stop, Value::Null)).await;
        assert_eq!(client.answer("robot_control_response").await["success"], true);
        let zero = bench.robot.next_zero().await;
        assert!(zero <= asked + Duration::from_millis(20));
    }
    client.listen(seconds(1.0)).await;
    client.say(motion("reset_emergency_stop", json!({"confirm": true}))).await;
    assert_eq!(client.answer("robot_control_response").await["success"], true);
    for command in ["dock", "undock"] {
        client.say(motion(command, Value::Null)).await;
        assert_eq!(client.answer("robot_control_response").await["code"], "audit_unavailable");
    }
    client.say(control("acquire")).await;
    assert_eq!(client.answer("control_response").await["success"], true);

    bench.disk.fill(false);
    client.listen(seconds(0.6)).await;
    client.say(motion("move_forward", Value::Null)).await;
    assert_eq!(client.answer("robot_control_response").await["success"], true);
    bench.end().await;
    let lines = short(&bench.audit());
    for line in [
        "lan move_forward failure audit_unavailable",
        "lan undock failure audit_unavailable",
        "lan stop latched",
        "lan emergency_stop latched",
        "lan acquire success",
    ] {
        assert_eq!(lines.iter().filter(|known| *known == line).count(), 1, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_says_that_the_emergency_stop_was_latched_and_since_when() {
    let mut bench = Bench::new().await;
    let mut client = Client::operator(&bench).await;
    client.subscribe("robot_status").await;
    client.say(motion("emergency_stop", Value::Null)).await;
    client.listen(seconds(1.0)).await;
    let before = client.last("robot_status_update")["data"]["emergency_stop"].clone();
    bench.restart().await;
    let mut client = Client::operator(&bench).await;
    client.subscribe("robot_status").await;
    client.listen(seconds(1.0)).await;
    let after = &client.last("robot_status_update")["data"]["emergency_stop"];
    assert_eq!((&before["source"], &after["source"]), (&json!("web"), &json!("bridge")));
    assert!(before["since"].is_string());
    assert_eq!(after["since"], before["since"]);
    bench.end().await;
    let started: Vec<_> =
        bench.audit().into_iter().filter(|line| line["event"] == "started").collect();
    assert_eq!(started.len(), 2);
    assert!(started[0]["data"]["emergency_stop"].is_null());
    assert_eq!(
        started[1]["data"]["emergency_stop"],
        "Latched before the bridge restarted: Pressed by lan"
    );
}
