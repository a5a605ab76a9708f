use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    protocol::{
        json::{self, Json},
        server::{EventName, Severity, StopSource},
    },
    safety::{ConnectionId, MotionKind, Velocity},
};

const UNIX: Duration = Duration::from_micros(1_738_060_200_123_456);

fn entry(deed: Deed, ending: Ending) -> Entry {
    let username = "lan".into();
    let caller = Caller { connection: ConnectionId(3), user_id: 7, username };
    Entry { unix: UNIX, caller, role: Role::Operator, deed, ending }
}

fn address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 5], 40_112))
}

fn motion(kind: MotionKind, speed: Speed, duration: Option<f64>, hold_to_run: bool) -> Deed {
    let duration = duration.map(Duration::from_secs_f64);
    Deed::Robot(RobotCommand::Motion(MotionRequest { kind, speed, duration, hold_to_run }))
}

fn success(message: &str) -> Ending {
    Ending::Answered(Ok(message.to_owned()))
}

fn failure(code: ErrorCode, message: &str) -> Ending {
    Ending::Answered(Err(Failure::new(code, message)))
}

#[track_caller]
fn check(deed: Deed, ending: Ending, expected: &str) {
    let head = r#"{"time":"2025-01-28T10:30:00.123456Z","kind":"#;
    let who =
        r#""connection":3,"user_id":7,"user":"lan","role":"operator","address":"192.0.2.5:40112""#;
    let (kind, rest) = expected.split_once(' ').unwrap();
    let expected = format!("{head}\"{kind}\",{who},{rest}}}\n");
    assert_eq!(line(&entry(deed, ending), address()), expected);
}

#[test]
fn a_line_says_who_asked_for_what_and_what_came_of_it() {
    use MotionKind::{Drive, MoveForward, TurnLeft};
    check(
        motion(MoveForward, Speed::Magnitude(0.3), Some(2.0), false),
        success("Moving forward"),
        r#"command "command":"move_forward","parameters":{"speed":0.3,"duration":2.0},"result":"success","message":"Moving forward""#,
    );
    check(
        motion(TurnLeft, Speed::Default, None, true),
        failure(ErrorCode::NotInControl, "mai is in control"),
        r#"command "command":"turn_left","parameters":{"hold_to_run":true},"result":"failure","code":"not_in_control","message":"mai is in control""#,
    );
    check(
        motion(Drive, Speed::Velocity(Velocity { linear: 0.2, angular: -0.1 }), None, true),
        Ending::Unanswered,
        r#"command "command":"drive","parameters":{"linear":0.2,"angular":-0.1,"hold_to_run":true},"result":"unanswered""#,
    );
    check(
        Deed::Robot(RobotCommand::EmergencyStop),
        Ending::Latched(1),
        r#"stop "command":"emergency_stop","result":"latched","count":1"#,
    );
    check(
        Deed::Robot(RobotCommand::Stop),
        Ending::Latched(1000),
        r#"stop "command":"stop","result":"latched","count":1000"#,
    );
    check(
        Deed::Robot(RobotCommand::ResetEmergencyStop { confirmed: false }),
        failure(ErrorCode::ConfirmationRequired, "confirm"),
        r#"command "command":"reset_emergency_stop","parameters":{"confirm":false},"result":"failure","code":"confirmation_required","message":"confirm""#,
    );
    check(
        Deed::Robot(RobotCommand::Dock),
        success("docked"),
        r#"command "command":"dock","result":"success","message":"docked""#,
    );
    check(
        Deed::Lidar(LidarCommand::SetFrequency(12.5)),
        success(""),
        r#"command "command":"set_frequency","parameters":{"frequency":12.5},"result":"success","message":"""#,
    );
    check(
        Deed::Lidar(LidarCommand::SetRange(8.0)),
        success(""),
        r#"command "command":"set_range","parameters":{"range":8.0},"result":"success","message":"""#,
    );
    check(
        Deed::Control(ControlAction::TakeOver),
        failure(ErrorCode::Forbidden, "no"),
        r#"command "command":"take_over","result":"failure","code":"forbidden","message":"no""#,
    );
    check(
        Deed::Authenticate,
        success("Token accepted"),
        r#"command "command":"authenticate","result":"success","message":"Token accepted""#,
    );
    check(
        Deed::Message,
        failure(ErrorCode::InvalidMessage, "Invalid message type: eyJhbGciOi"),
        r#"message "result":"failure","code":"invalid_message""#,
    );
}

#[test]
fn what_the_bridge_does_by_itself_has_a_line_too() {
    let head = r#"{"time":"2025-01-28T10:30:00.123456Z","kind":"event","event":"#;
    let check = |line: String, expected: &str| assert_eq!(line, format!("{head}{expected}}}\n"));
    let version = env!("CARGO_PKG_VERSION");
    check(
        started(4, None, UNIX),
        &format!(
            r#""started","message":"oht50_bridge {version} started","data":{{"robot_id":4,"emergency_stop":null}}"#
        ),
    );
    check(
        started(4, Some("Latched before"), UNIX),
        &format!(
            r#""started","message":"oht50_bridge {version} started","data":{{"robot_id":4,"emergency_stop":"Latched before"}}"#
        ),
    );
    check(
        lost(17, UNIX),
        r#""lines_lost","message":"Lines could not be written","data":{"count":17}"#,
    );
    let aborted = Event {
        name: EventName::MotionAborted,
        severity: Severity::Warning,
        message: "Moving forward aborted: link_silent".to_owned(),
        data: EventData::Motion {
            command: MotionKind::MoveForward,
            reason: Some("link_silent"),
            zone: None,
        },
    };
    check(
        event(&aborted, UNIX),
        r#""motion_aborted","message":"Moving forward aborted: link_silent","data":{"command":"move_forward","reason":"link_silent","zone":null}"#,
    );
    assert!(!is_stop(&aborted));
    for (kind, kept) in
        [(ZoneKind::Critical, true), (ZoneKind::Warning, false), (ZoneKind::Safe, false)]
    {
        let data = EventData::Zone { zone: "near".into(), kind };
        assert_eq!(is_kept(&Event { name: EventName::ZoneEntered, data, ..aborted.clone() }), kept);
    }
    assert!(is_kept(&aborted));
    let data = EventData::EmergencyStop { source: StopSource::Bridge, by: None };
    assert!(is_stop(&Event { name: EventName::EmergencyStopEngaged, data, ..aborted }));
}

/// Every deed; the match fails to compile when there is one more.
fn deeds() -> Vec<Deed> {
    let robot = |command| match command {
        RobotCommand::Motion(_)
        | RobotCommand::Stop
        | RobotCommand::EmergencyStop
        | RobotCommand::ResetEmergencyStop { .. }
        | RobotCommand::Dock
        | RobotCommand::Undock => Deed::Robot(command),
    };
    let lidar = |command| match command {
        LidarCommand::StartScan
        | LidarCommand::StopScan
        | LidarCommand::SetFrequency(_)
        | LidarCommand::SetRange(_) => Deed::Lidar(command),
    };
    let kinds = [
        MotionKind::MoveForward,
        MotionKind::MoveBackward,
        MotionKind::TurnLeft,
        MotionKind::TurnRight,
        MotionKind::Drive,
    ];
    let mut deeds: Vec<_> =
        kinds.map(|kind| motion(kind, Speed::Magnitude(0.3), Some(1.0), true)).into();
    deeds.extend(
        [
            RobotCommand::Stop,
            RobotCommand::EmergencyStop,
            RobotCommand::ResetEmergencyStop { confirmed: true },
            RobotCommand::Dock,
            RobotCommand::Undock,
        ]
        .map(robot),
    );
    deeds.extend(
        [
            LidarCommand::StartScan,
            LidarCommand::StopScan,
            LidarCommand::SetFrequency(10.0),
            LidarCommand::SetRange(5.0),
        ]
        .map(lidar),
    );
    deeds.extend(ControlAction::ALL.iter().map(|action| Deed::Control(*action)));
    deeds.extend([Deed::Authenticate, Deed::Message]);
    deeds
}

fn endings() -> Vec<Ending> {
    let mut endings =
        vec![Ending::Latched(1), Ending::Latched(u64::MAX), Ending::Unanswered, success("done")];
    endings.extend(ErrorCode::ALL.iter().map(|code| failure(*code, "why")));
    endings
}

fn read(line: &str) -> BTreeMap<String, Json> {
    json::object(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn every_deed_and_every_ending_is_one_line_of_known_fields() {
    let known: BTreeSet<&str> = [
        "time",
        "kind",
        "connection",
        "user_id",
        "user",
        "role",
        "address",
        "command",
        "parameters",
        "result",
        "count",
        "code",
        "message",
    ]
    .into();
    let required = ["time", "kind", "connection", "user_id", "user", "role", "address", "result"];
    for deed in deeds() {
        for ending in endings() {
            let line = line(&entry(deed, ending.clone()), address());
            assert_eq!(line.find('\n'), Some(line.len() - 1), "{line}");
            let fields = read(&line);
            assert!(fields.keys().all(|field| known.contains(field.as_str())), "{line}");
            assert!(required.iter().all(|field| fields.contains_key(*field)), "{line}");
            assert_eq!(fields.contains_key("command"), deed != Deed::Message, "{line}");
        }
    }
}

#[test]
fn no_text_begins_a_second_line_or_makes_one_long() {
    let nasty = ["\n", "\r\n", "\u{0}", "\"}\n{\"time\":\"", "\u{2028}\u{85}", "\\", "é\u{1}"];
    for text in nasty.map(|text| text.repeat(10_000)) {
        let mut entry = entry(Deed::Robot(RobotCommand::Undock), success(&text));
        entry.caller.username = text.as_str().into();
        let notice = Event {
            name: EventName::DockingFailed,
            severity: Severity::Warning,
            message: text.clone(),
            data: EventData::None,
        };
        for line in [line(&entry, address()), event(&notice, UNIX), started(1, Some(&text), UNIX)] {
            assert_eq!(line.find('\n'), Some(line.len() - 1));
            assert!(line.len() < 8 * LONGEST_TEXT * 2, "{}", line.len());
            read(&line);
        }
    }
}
