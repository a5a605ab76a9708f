//! The wire, byte for byte: golden files for every message, and the documents that show them.
//!
//! `golden/accepted` holds what a client may say, `golden/refused` what it may not with the answer it gets,
//! `golden/server` what the bridge says. A file that no test knows, or a test without its file, fails.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that unwraps fails, which is its job

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    time::Duration,
};

use oht50_bridge::{
    protocol::{
        Encoding, ErrorCode, Options, Points, Stream,
        client::{self, ClientMessage, ControlAction, LidarCommand, RobotCommand},
        server,
    },
    safety::{MotionKind, MotionRequest, Speed, Velocity},
};
use serde_json::Value;

#[path = "wire/asyncapi.rs"]
mod asyncapi;
#[path = "wire/document.rs"]
mod document;
#[path = "wire/said.rs"]
mod said;
#[path = "wire/schema.rs"]
mod schema;
#[path = "wire/streamed.rs"]
mod streamed;

/// The time of every message in the golden files: 2025-01-28T10:30:00.123456Z.
const UNIX: Duration = Duration::from_micros(1_738_060_200_123_456);

fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The golden files of a folder by their names, without the line's end.
fn golden(folder: &str) -> BTreeMap<String, String> {
    let path = format!("test/golden/{folder}");
    let entries = fs::read_dir(project(&path)).expect("the folder is there");
    let names =
        entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"));
    names
        .map(|file| {
            let name = file.strip_suffix(".json").expect("golden files are JSON").to_owned();
            (name, read(&format!("{path}/{file}")).trim_end().to_owned())
        })
        .collect()
}

/// Every message of the golden files.
fn golden_messages() -> Vec<Value> {
    let refused = golden("refused").into_values().map(|text| json(&text)["answer"].clone());
    let rest = golden("accepted").into_values().chain(golden("server").into_values());
    rest.map(|text| json(&text)).chain(refused).collect()
}

fn accepted() -> Vec<(&'static str, ClientMessage)> {
    let motion = |kind, speed: Option<f64>, seconds: Option<f64>| {
        ClientMessage::Robot(RobotCommand::Motion(MotionRequest {
            kind,
            speed: speed.map_or(Speed::Default, Speed::Magnitude),
            duration: seconds.map(Duration::from_secs_f64),
            hold_to_run: false,
        }))
    };
    let drive = |linear, angular| {
        ClientMessage::Robot(RobotCommand::Motion(MotionRequest {
            kind: MotionKind::Drive,
            speed: Speed::Velocity(Velocity { linear, angular }),
            duration: None,
            hold_to_run: true,
        }))
    };
    let held = MotionRequest {
        kind: MotionKind::MoveForward,
        speed: Speed::Magnitude(0.3),
        duration: Some(Duration::from_secs(60)),
        hold_to_run: true,
    };
    let subscribe = ClientMessage::Subscribe;
    let plain = Options::default();
    let binary = Options { encoding: Encoding::Binary, ..plain };
    let points = Points::at_most(360);
    let thinned = Options { points, rate: Some(5.0), in_flight: Some(2), ..binary };
    let seldom = Options { rate: Some(0.5), ..plain };
    let robot = ClientMessage::Robot;
    let lidar = ClientMessage::Lidar;
    let control = ClientMessage::Control;
    let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjo3LCJzdWIiOiJsYW4iLCJleHAiOjE3MzgwNjM4MDB9.c2lnbmF0dXJl";
    use MotionKind::{MoveBackward, MoveForward, TurnLeft, TurnRight};
    vec![
        ("subscribe_telemetry", subscribe(Stream::Telemetry, plain)),
        ("subscribe_lidar", subscribe(Stream::Lidar, plain)),
        ("subscribe_lidar_binary", subscribe(Stream::Lidar, binary)),
        ("subscribe_lidar_thinned", subscribe(Stream::Lidar, thinned)),
        ("subscribe_robot_status", subscribe(Stream::RobotStatus, plain)),
        ("subscribe_with_null_options", subscribe(Stream::RobotStatus, plain)),
        ("subscribe_with_unknown_options", subscribe(Stream::Telemetry, seldom)),
        ("ack", ClientMessage::Acknowledge(Stream::Lidar, 41)),
        ("unsubscribe_telemetry", ClientMessage::Unsubscribe(Stream::Telemetry)),
        ("unsubscribe_lidar", ClientMessage::Unsubscribe(Stream::Lidar)),
        ("unsubscribe_robot_status", ClientMessage::Unsubscribe(Stream::RobotStatus)),
        ("move_forward", motion(MoveForward, Some(0.3), Some(2.0))),
        ("move_backward", motion(MoveBackward, Some(0.2), None)),
        ("turn_left", motion(TurnLeft, Some(0.4), Some(1.5))),
        ("turn_right", motion(TurnRight, None, Some(0.5))),
        ("move_without_parameters", motion(MoveForward, None, None)),
        ("move_with_null_parameters", motion(MoveForward, None, None)),
        ("move_at_the_limits", motion(MoveForward, Some(10.0), Some(3600.0))),
        ("move_of_nothing", motion(MoveForward, Some(0.0), Some(0.0))),
        ("move_with_hold_to_run", robot(RobotCommand::Motion(held))),
        ("drive", drive(0.4, -0.3)),
        ("drive_turning", drive(0.0, 10.0)),
        ("stop", robot(RobotCommand::Stop)),
        ("stop_with_wrong_fields", robot(RobotCommand::Stop)),
        ("emergency_stop", robot(RobotCommand::EmergencyStop)),
        ("emergency_stop_with_wrong_fields", robot(RobotCommand::EmergencyStop)),
        ("reset_emergency_stop", robot(RobotCommand::ResetEmergencyStop { confirmed: true })),
        (
            "reset_emergency_stop_unconfirmed",
            robot(RobotCommand::ResetEmergencyStop { confirmed: false }),
        ),
        ("dock", robot(RobotCommand::Dock)),
        ("dock_with_speed", robot(RobotCommand::Dock)),
        ("undock", robot(RobotCommand::Undock)),
        ("start_scan", lidar(LidarCommand::StartScan)),
        ("stop_scan", lidar(LidarCommand::StopScan)),
        ("set_frequency", lidar(LidarCommand::SetFrequency(10.0))),
        ("set_range", lidar(LidarCommand::SetRange(12.5))),
        ("control_acquire", control(ControlAction::Acquire)),
        ("control_release", control(ControlAction::Release)),
        ("control_take_over", control(ControlAction::TakeOver)),
        ("ping", ClientMessage::Ping),
        ("ping_with_request_id", ClientMessage::Ping),
        ("ping_with_unknown_fields", ClientMessage::Ping),
        ("authenticate", ClientMessage::Authenticate { token: token.to_owned() }),
    ]
}

fn check_names<'a>(folder: &str, tested: impl IntoIterator<Item = &'a str>) {
    let files: BTreeSet<String> = golden(folder).into_keys().collect();
    let tested: BTreeSet<String> = tested.into_iter().map(str::to_owned).collect();
    let untested: Vec<_> = files.difference(&tested).collect();
    let missing: Vec<_> = tested.difference(&files).collect();
    assert!(untested.is_empty(), "golden/{folder} has files that no test knows: {untested:?}");
    assert!(missing.is_empty(), "golden/{folder} lacks files: {missing:?}");
}

#[test]
fn what_a_client_may_say_is_understood() {
    let rows = accepted();
    check_names("accepted", rows.iter().map(|(name, _)| *name));
    let files = golden("accepted");
    for (name, expected) in rows {
        let request =
            client::parse(&files[name]).unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
        // The token is left out of Debug, so it is compared by ==.
        assert!(request.message == expected, "{name}: {request:?}");
        assert_eq!(request.message.kind(), json(&files[name])["type"], "{name}");
        let id = &json(&files[name])["request_id"];
        let valid = id.as_str().filter(|id| id.chars().count() <= 64);
        assert_eq!(request.id.as_deref(), valid, "{name}");
    }
}

#[test]
fn what_a_client_may_not_say_gets_its_error() {
    for (name, text) in golden("refused") {
        let Value::Object(row) = json(&text) else { panic!("{name}: not an object") };
        let keys: Vec<_> = row.keys().map(String::as_str).collect();
        assert_eq!(keys, ["answer", "sent"], "{name}");
        let sent = row["sent"].as_str().expect("the text that was sent");
        let refused = client::parse(sent).expect_err(&name);
        let answer =
            server::error(refused.code, &refused.message, refused.request_id.as_deref(), UNIX);
        assert_eq!(json(&answer), row["answer"], "{name}");
    }
}

#[test]
fn every_error_text_has_a_refused_example() {
    let shown: BTreeSet<String> = golden("refused")
        .into_values()
        .map(|text| json(&text)["answer"]["message"].as_str().expect("a text").to_owned())
        .collect();
    for text in ERROR_TEXTS {
        assert!(shown.iter().any(|shown| shown.starts_with(text)), "{text}");
    }
    for shown in &shown {
        assert!(
            ERROR_TEXTS.iter().any(|text| shown.starts_with(text)),
            "{shown} is not documented"
        );
    }
}

/// The texts of what was not understood, up to what they echo.
const ERROR_TEXTS: [&str; 26] = [
    "Invalid JSON format",
    "Message type is required",
    "Invalid message type: ",
    "Invalid subscription type: ",
    "Options must be an object",
    "Invalid encoding: ",
    "Rate must be between 0.1 and 50 Hz",
    "Max_points must be a whole number between 1 and 100000",
    "Max_points is for lidar only",
    "Max_in_flight must be a whole number between 1 and 16",
    "Seq must be a whole number, not negative",
    "Invalid robot command: ",
    "Invalid LiDAR command: ",
    "Invalid control action: ",
    "Speed must be between 0 and 10",
    "Linear must be between -10 and 10",
    "Angular must be between -10 and 10",
    "Duration must be between 0 and 3600 seconds",
    "Frequency must be between 1 and 50 Hz",
    "Range must be between 0.1 and 20 meters",
    "Unknown parameter: ",
    "Parameters must be an object",
    "Confirm must be true or false",
    "Hold_to_run must be true or false",
    "request_id must be a string of at most 64 characters",
    "Token must be a string",
];

/// Errors that need more than the text of a message.
const OTHER_ERRORS: [(ErrorCode, &str); 4] = [
    (ErrorCode::Unauthorized, "Invalid token"),
    (ErrorCode::Unauthorized, "Token belongs to another user"),
    (ErrorCode::RateLimited, "At most 20 commands per second"),
    (ErrorCode::Internal, "Internal server error"),
];
