//! The parse, whatever a client sends.

use proptest::prelude::*;

use super::*;

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        word().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(word(), inner, 0..4)
                .prop_map(|object| serde_json::Value::Object(object.into_iter().collect())),
        ]
    })
}

/// The protocol's own words half of the time, so that the depths of the parser are reached.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "type",
            "command",
            "parameters",
            "speed",
            "duration",
            "confirm",
            "request_id",
            "token",
            "range",
            "frequency",
            "subscription_type",
            "robot_control",
            "lidar_control",
            "subscribe",
            "set_range",
            "move_forward",
            "turn_left",
            "dock",
            "reset_emergency_stop",
            "set_frequency",
            "telemetry",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_object() -> impl Strategy<Value = serde_json::Map<String, serde_json::Value>> {
    prop::collection::btree_map(word(), any_json(), 0..6)
        .prop_map(|object| object.into_iter().collect())
}

proptest! {
    #[test]
    fn any_text_is_answered_without_a_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn any_bytes_are_answered_without_a_panic(bytes in any::<Vec<u8>>()) {
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_object_is_answered_without_a_panic(
        mut object in any_object(),
        kind in prop::option::of(word()),
        command in prop::option::of(word()),
        parameters in prop::option::of(any_object()),
    ) {
        for (key, value) in [("type", kind), ("command", command)] {
            if let Some(value) = value {
                object.insert(key.to_owned(), value.into());
            }
        }
        if let Some(parameters) = parameters {
            object.insert("parameters".to_owned(), parameters.into());
        }
        let text = serde_json::Value::Object(object).to_string();
        if let Err(refused) = parse(&text) {
            prop_assert_ne!(refused.code, ErrorCode::InvalidJson);
            prop_assert!(refused.message.chars().count() <= 64 + 40);
        }
    }

    #[test]
    fn a_stop_stands_whatever_else_it_carries(mut object in any_object(), emergency: bool, value in any_json()) {
        let (name, command) = match emergency {
            true => ("emergency_stop", RobotCommand::EmergencyStop),
            false => ("stop", RobotCommand::Stop),
        };
        for key in ["parameters", "request_id", "timestamp"] {
            object.insert(key.to_owned(), value.clone());
        }
        object.insert("type".to_owned(), "robot_control".into());
        object.insert("command".to_owned(), name.into());
        let request = parse(&serde_json::Value::Object(object).to_string()).expect("a stop stands");
        prop_assert_eq!(request.message, ClientMessage::Robot(command));
        let valid = value.as_str().filter(|id| id.chars().count() <= 64);
        prop_assert_eq!(request.id.as_deref(), valid);
    }

    #[test]
    fn an_accepted_motion_is_within_bounds(speed in -1.0..11.0f64, duration in -100.0..3700.0f64) {
        let text = robot("turn_left", &format!(r#","parameters":{{"speed":{speed:e},"duration":{duration:e}}}"#));
        if let Ok(Request { message: ClientMessage::Robot(RobotCommand::Motion(request)), .. }) = parse(&text) {
            prop_assert_eq!(request.speed, Speed::Magnitude(speed + 0.0));
            prop_assert!((0.0..=10.0).contains(&speed));
            prop_assert!(request.duration.is_some_and(|duration| duration <= Duration::from_secs(3600)));
        } else {
            prop_assert!(!(0.0..=10.0).contains(&speed) || !(0.0..=3600.0).contains(&duration));
        }
    }
}
