use std::time::Duration;

use super::*;

mod any_text;

fn check(text: &str, expected: ClientMessage) {
    assert_eq!(parse(text).map(|request| request.message), Ok(expected), "{text}");
}

fn check_refused(text: &str, code: ErrorCode, message: &str) {
    let refused = parse(text).expect_err(text);
    assert_eq!((refused.code, refused.message.as_str()), (code, message), "{text}");
}

fn robot(command: &str, rest: &str) -> String {
    format!(r#"{{"type":"robot_control","command":"{command}"{rest}}}"#)
}

fn lidar(command: &str, rest: &str) -> String {
    format!(r#"{{"type":"lidar_control","command":"{command}"{rest}}}"#)
}

fn motion(kind: MotionKind, speed: Option<f64>, duration: Option<Duration>) -> ClientMessage {
    ClientMessage::Robot(RobotCommand::Motion(MotionRequest {
        kind,
        speed: speed.map_or(Speed::Default, Speed::Magnitude),
        duration,
        hold_to_run: false,
    }))
}

#[test]
fn every_message_is_understood() {
    for stream in Stream::ALL {
        let name = stream.as_str();
        check(
            &format!(r#"{{"type":"subscribe","subscription_type":"{name}"}}"#),
            ClientMessage::Subscribe(stream, Options::default()),
        );
        check(
            &format!(r#"{{"subscription_type":"{name}","type":"unsubscribe","timestamp":"x"}}"#),
            ClientMessage::Unsubscribe(stream),
        );
    }
    check(r#"{"type":"ping"}"#, ClientMessage::Ping);
    check(
        r#"{"type":"authenticate","token":"a.b.c"}"#,
        ClientMessage::Authenticate { token: "a.b.c".to_owned() },
    );
    for (name, command) in [
        ("stop", RobotCommand::Stop),
        ("emergency_stop", RobotCommand::EmergencyStop),
        ("dock", RobotCommand::Dock),
        ("undock", RobotCommand::Undock),
        ("reset_emergency_stop", RobotCommand::ResetEmergencyStop { confirmed: false }),
    ] {
        assert_eq!(command.as_str(), name);
        for rest in [
            "",
            r#","parameters":null"#,
            r#","parameters":{}"#,
            r#","parameters":{"speed":0.1,"duration":2}"#,
        ] {
            check(&robot(name, rest), ClientMessage::Robot(command));
        }
    }
    for (name, command) in
        [("start_scan", LidarCommand::StartScan), ("stop_scan", LidarCommand::StopScan)]
    {
        assert_eq!(command.as_str(), name);
        for rest in ["", r#","parameters":null"#, r#","parameters":{"frequency":5,"range":3}"#] {
            check(&lidar(name, rest), ClientMessage::Lidar(command));
        }
    }
}

#[test]
fn a_motion_has_speed_and_duration_within_their_bounds() {
    for (name, kind) in [
        ("move_forward", MotionKind::MoveForward),
        ("move_backward", MotionKind::MoveBackward),
        ("turn_left", MotionKind::TurnLeft),
        ("turn_right", MotionKind::TurnRight),
    ] {
        assert_eq!(kind.as_str(), name);
        check(&robot(name, ""), motion(kind, None, None));
    }
    let forward = |speed, seconds: f64| {
        motion(MotionKind::MoveForward, Some(speed), Some(Duration::from_secs_f64(seconds)))
    };
    for (speed, duration, expected) in [
        ("0", "0", forward(0.0, 0.0)),
        ("-0.0", "-0.0", forward(0.0, 0.0)),
        ("10", "3600", forward(10.0, 3600.0)),
        ("1e1", "3.6e3", forward(10.0, 3600.0)),
        ("1e-400", "1e-300", forward(0.0, 0.0)),
        ("0.3", "2.5", forward(0.3, 2.5)),
    ] {
        let text = robot(
            "move_forward",
            &format!(r#","parameters":{{"speed":{speed},"duration":{duration}}}"#),
        );
        check(&text, expected);
        assert!(!format!("{:?}", parse(&text)).contains("-0.0"), "{text}");
    }
}

#[test]
fn a_number_out_of_bounds_or_of_another_type_gets_its_text() {
    let rows = [
        ("speed", "Speed must be between 0 and 10", ["-0.1", "10.000001", "-1e-300"]),
        ("duration", "Duration must be between 0 and 3600 seconds", ["-1", "3600.1", "1e308"]),
    ];
    for (key, message, wrong) in rows {
        for value in
            wrong.into_iter().chain(["\"1\"", "true", "null", "[]", "{}", "18446744073709551616"])
        {
            let rest = format!(r#","parameters":{{"{key}":{value}}}"#);
            for command in ["move_forward", "turn_right", "dock", "reset_emergency_stop"] {
                check_refused(&robot(command, &rest), ErrorCode::InvalidParameter, message);
            }
        }
    }
    let rows = [
        (
            "set_frequency",
            "frequency",
            "Frequency must be between 1 and 50 Hz",
            ["0.999", "50.1", "-0"],
        ),
        (
            "set_range",
            "range",
            "Range must be between 0.1 and 20 meters",
            ["0.0999", "20.001", "-1"],
        ),
    ];
    for (command, key, message, wrong) in rows {
        for value in wrong.into_iter().chain(["\"2\"", "false", "null", "[2]"]) {
            let rest = format!(r#","parameters":{{"{key}":{value}}}"#);
            for command in [command, "start_scan"] {
                check_refused(&lidar(command, &rest), ErrorCode::InvalidParameter, message);
            }
        }
        for rest in ["", r#","parameters":null"#, r#","parameters":{}"#] {
            check_refused(&lidar(command, rest), ErrorCode::InvalidParameter, message);
        }
    }
}

#[test]
fn lidar_settings_are_read() {
    for (value, number) in [("1", 1.0), ("50", 50.0), ("12.5", 12.5)] {
        let text = lidar("set_frequency", &format!(r#","parameters":{{"frequency":{value}}}"#));
        check(&text, ClientMessage::Lidar(LidarCommand::SetFrequency(number)));
    }
    for (value, number) in [("0.1", 0.1), ("20", 20.0)] {
        let text = lidar("set_range", &format!(r#","parameters":{{"range":{value}}}"#));
        check(&text, ClientMessage::Lidar(LidarCommand::SetRange(number)));
    }
}

#[test]
fn a_reset_tells_whether_it_was_confirmed() {
    for (rest, confirmed) in [
        ("", false),
        (r#","parameters":{"confirm":false}"#, false),
        (r#","parameters":{"confirm":true}"#, true),
    ] {
        check(
            &robot("reset_emergency_stop", rest),
            ClientMessage::Robot(RobotCommand::ResetEmergencyStop { confirmed }),
        );
    }
    for value in ["1", "\"true\"", "null", "{}"] {
        check_refused(
            &robot("reset_emergency_stop", &format!(r#","parameters":{{"confirm":{value}}}"#)),
            ErrorCode::InvalidParameter,
            "Confirm must be true or false",
        );
    }
}

#[test]
fn what_is_not_one_json_object_is_invalid_json() {
    for text in [
        "",
        "x",
        "[]",
        "null",
        "{} {}",
        r#"{"type":"ping","type":"ping"}"#,
        r#"{"type":"ping","x":1e999}"#,
    ] {
        check_refused(text, ErrorCode::InvalidJson, "Invalid JSON format");
    }
}

#[test]
fn an_unknown_name_is_echoed_and_a_missing_one_is_not() {
    let long = "é".repeat(65);
    let cut = "é".repeat(64);
    let mut rows = vec![
        (r#"{}"#.to_owned(), "Message type is required".to_owned()),
        (r#"{"type":null}"#.to_owned(), "Message type is required".to_owned()),
    ];
    for (before, message) in [
        (r#"{"type":"#, "Invalid message type: "),
        (r#"{"type":"subscribe","subscription_type":"#, "Invalid subscription type: "),
        (r#"{"type":"unsubscribe","subscription_type":"#, "Invalid subscription type: "),
        (r#"{"type":"robot_control","command":"#, "Invalid robot command: "),
        (r#"{"type":"lidar_control","command":"#, "Invalid LiDAR command: "),
    ] {
        for (value, echo) in [
            (r#""""#, ""),
            ("5", ""),
            ("true", ""),
            ("[\"stop\"]", ""),
            (r#"{"a":1}"#, ""),
            (r#""jump""#, "jump"),
            (r#""Stop""#, "Stop"),
            (r#"" stop""#, " stop"),
            (&format!("\"{long}\""), &cut),
            (&format!("\"{cut}\""), &cut),
        ] {
            rows.push((format!("{before}{value}}}"), format!("{message}{echo}")));
        }
    }
    for (text, message) in [
        (r#"{"type":"subscribe"}"#, "Invalid subscription type: "),
        (r#"{"type":"subscribe","subscription_type":null}"#, "Invalid subscription type: "),
        (r#"{"type":"robot_control"}"#, "Invalid robot command: "),
        (r#"{"type":"robot_control","command":"start_scan"}"#, "Invalid robot command: start_scan"),
        (r#"{"type":"lidar_control","parameters":5}"#, "Invalid LiDAR command: "),
        (r#"{"type":"authenticate"}"#, "Token must be a string"),
        (r#"{"type":"authenticate","token":7}"#, "Token must be a string"),
    ] {
        rows.push((text.to_owned(), message.to_owned()));
    }
    for (text, message) in rows {
        check_refused(&text, ErrorCode::InvalidMessage, &message);
    }
}

#[test]
fn a_key_that_the_command_does_not_know_is_refused() {
    for (text, key) in [
        (robot("move_forward", r#","parameters":{"spede":1}"#), "spede"),
        (robot("move_forward", r#","parameters":{"Speed":1}"#), "Speed"),
        (robot("move_forward", r#","parameters":{"speed":1,"confirm":true}"#), "confirm"),
        (robot("dock", r#","parameters":{"":1}"#), ""),
        (robot("reset_emergency_stop", r#","parameters":{"confirm":true,"x":1}"#), "x"),
        (lidar("start_scan", r#","parameters":{"speed":1}"#), "speed"),
        (
            lidar("set_range", &format!(r#","parameters":{{"{}":1}}"#, "ü".repeat(70))),
            &"ü".repeat(64),
        ),
    ] {
        check_refused(&text, ErrorCode::InvalidParameter, &format!("Unknown parameter: {key}"));
    }
    for value in ["[]", "5", "\"\"", "true"] {
        for text in [
            robot("undock", &format!(r#","parameters":{value}"#)),
            lidar("stop_scan", &format!(r#","parameters":{value}"#)),
        ] {
            check_refused(&text, ErrorCode::InvalidParameter, "Parameters must be an object");
        }
    }
}

#[test]
fn unknown_fields_and_any_timestamp_pass() {
    for rest in [
        r#","timestamp":5"#,
        r#","timestamp":null"#,
        r#","options":{"rate_hz":1}"#,
        r#","parameters":7"#,
    ] {
        check(&format!(r#"{{"type":"ping"{rest}}}"#), ClientMessage::Ping);
    }
}

#[test]
fn a_request_id_comes_back() {
    let longest = "ß".repeat(64);
    for id in ["", "a", &longest] {
        let accepted = parse(&format!(r#"{{"type":"ping","request_id":"{id}"}}"#));
        assert_eq!(accepted.map(|request| request.id), Ok(Some(id.to_owned())));
        let refused = parse(&format!(r#"{{"type":"?","request_id":"{id}"}}"#));
        assert_eq!(refused.map_err(|refused| refused.request_id), Err(Some(id.to_owned())));
    }
    assert_eq!(parse(r#"{"type":"ping"}"#).map(|request| request.id), Ok(None));
    for id in ["5", "null", "[]", &format!("\"{}\"", "a".repeat(65))] {
        let text = format!(r#"{{"type":"ping","request_id":{id}}}"#);
        let message = "request_id must be a string of at most 64 characters";
        check_refused(&text, ErrorCode::InvalidMessage, message);
        assert_eq!(parse(&text).expect_err("refused").request_id, None);
    }
}

#[test]
fn debug_output_leaves_the_token_out() {
    let request = parse(r#"{"type":"authenticate","token":"secret"}"#).expect("accepted");
    assert!(!format!("{request:?}").contains("secret"));
}
