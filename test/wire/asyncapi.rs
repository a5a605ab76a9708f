//! `docs/asyncapi.yaml` against the code and the golden files.

use std::collections::BTreeSet;

use oht50_bridge::{
    auth::Role,
    protocol::{
        CloseReason, ErrorCode, Stream,
        client::ControlAction,
        server::{
            ControlCause, DockingCommand, DockingState, EventName, LidarState, ObstacleKind,
            RobotStatus, SafetyDecision, Severity, StopSource, ZoneKind,
        },
    },
};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};

use super::{
    OTHER_ERRORS, accepted, golden, json as parse, read,
    schema::{self, Unnamed},
};

fn document() -> Value {
    let text = read("docs/asyncapi.yaml");
    value(&Yaml::load_from_str(&text).expect("YAML")[0])
}

fn value(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(items) => items.iter().map(value).collect(),
        Yaml::Mapping(members) => {
            let member = |(key, member): (&Yaml, &Yaml)| {
                (key.as_str().expect("a text").to_owned(), value(member))
            };
            Value::Object(members.iter().map(member).collect())
        }
        other => panic!("unexpected YAML: {other:?}"),
    }
}

/// What is wrong with a message, by the schema of its type.
fn faults(document: &Value, message: &Value, unnamed: Unnamed) -> Vec<String> {
    let payload = message["type"]
        .as_str()
        .and_then(|kind| document.pointer(&format!("/components/messages/{kind}/payload")));
    match payload {
        Some(payload) => schema::faults(document, payload, message, unnamed),
        None => vec![format!("no message of this type: {}", message["type"])],
    }
}

#[test]
fn every_accepted_message_conforms_to_its_schema() {
    let document = document();
    for (name, text) in golden("accepted") {
        assert_eq!(faults(&document, &parse(&text), Unnamed::Allowed), [""; 0], "{name}");
    }
}

#[test]
fn no_refused_message_conforms_to_a_schema() {
    let document = document();
    for (name, text) in golden("refused") {
        let row = parse(&text);
        assert_eq!(faults(&document, &row["answer"], Unnamed::Refused), [""; 0], "{name}");
        if row["answer"]["code"] != "invalid_json" {
            let sent = parse(row["sent"].as_str().expect("a text"));
            assert_ne!(faults(&document, &sent, Unnamed::Allowed), [""; 0], "{name}");
        }
    }
}

#[test]
fn every_message_of_the_bridge_conforms_to_its_schema_and_has_no_other_field() {
    let document = document();
    for (name, text) in golden("server") {
        assert_eq!(faults(&document, &parse(&text), Unnamed::Refused), [""; 0], "{name}");
    }
}

#[test]
fn messages_are_those_of_the_golden_files() {
    let document = document();
    let golden: BTreeSet<String> = golden("accepted")
        .into_values()
        .chain(golden("server").into_values())
        .map(|text| parse(&text)["type"].as_str().expect("a type").to_owned())
        .collect();
    for list in ["/components/messages", "/channels/operator/messages"] {
        let listed = document.pointer(list).and_then(Value::as_object).expect("an object");
        assert_eq!(listed.keys().cloned().collect::<BTreeSet<_>>(), golden, "{list}");
    }
}

#[test]
fn closed_lists_are_those_of_the_code() {
    fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
        all.iter().map(|each| name(*each)).collect()
    }
    let commands = |kind: &str| -> BTreeSet<String> {
        let files = golden("accepted");
        let messages = accepted().into_iter().map(|(name, _)| parse(&files[name]));
        let commands = messages
            .filter(|message| message["type"] == kind)
            .map(|message| message["command"].clone());
        commands.map(|command| command.as_str().expect("a text").to_owned()).collect()
    };
    let document = document();
    let listed = |schema: &str| -> Vec<String> {
        let list = document["components"]["schemas"][schema]["enum"].as_array().expect(schema);
        list.iter().map(|each| each.as_str().expect("a text").to_owned()).collect()
    };
    for (schema, expected) in [
        ("Stream", names(&Stream::ALL, Stream::as_str)),
        ("Role", names(&[Role::Viewer, Role::Operator, Role::Administrator], Role::as_str)),
        ("RobotStatus", names(RobotStatus::ALL, RobotStatus::as_str)),
        ("ErrorCode", names(ErrorCode::ALL, ErrorCode::as_str)),
        ("EventName", names(EventName::ALL, EventName::as_str)),
        ("Severity", names(Severity::ALL, Severity::as_str)),
        ("StopSource", names(StopSource::ALL, StopSource::as_str)),
        ("SafetyDecision", names(SafetyDecision::ALL, SafetyDecision::as_str)),
        ("LidarState", names(LidarState::ALL, LidarState::as_str)),
        ("DockingState", names(DockingState::ALL, DockingState::as_str)),
        ("DockingCommand", names(DockingCommand::ALL, DockingCommand::as_str)),
        ("ControlAction", names(ControlAction::ALL, ControlAction::as_str)),
        ("ControlCause", names(ControlCause::ALL, ControlCause::as_str)),
        ("ObstacleKind", names(ObstacleKind::ALL, ObstacleKind::as_str)),
        ("ZoneKind", names(ZoneKind::ALL, ZoneKind::as_str)),
    ] {
        assert_eq!(listed(schema), expected, "{schema}");
    }
    for (schema, kind) in [("RobotCommand", "robot_control"), ("LidarCommand", "lidar_control")] {
        assert_eq!(listed(schema).into_iter().collect::<BTreeSet<_>>(), commands(kind), "{schema}");
    }
}

#[test]
fn close_codes_and_error_texts_are_those_of_the_code() {
    let document = document();
    let closes: Vec<Value> = CloseReason::ALL
        .iter()
        .map(|reason| json!({"code": reason.code(), "reason": reason.text()}))
        .collect();
    assert_eq!(document["channels"]["operator"]["x-close-codes"], Value::Array(closes));

    let texts = document["components"]["messages"]["error"]["x-texts"].as_array().expect("a list");
    let listed: BTreeSet<_> = texts.iter().map(|row| pair(&row["code"], &row["text"])).collect();
    let shown = golden("refused").into_values().map(|text| {
        let answer = parse(&text)["answer"].clone();
        let message = answer["message"].as_str().expect("a text");
        // What follows the colon is an echo.
        let text =
            message.split_once(": ").map_or(message.to_owned(), |(text, _)| format!("{text}: X"));
        pair(&answer["code"], &json!(text))
    });
    let others =
        OTHER_ERRORS.iter().map(|(code, text)| (code.as_str().to_owned(), (*text).to_owned()));
    assert_eq!(listed, shown.chain(others).collect());
}

fn pair(code: &Value, text: &Value) -> (String, String) {
    (code.as_str().expect("a text").to_owned(), text.as_str().expect("a text").to_owned())
}
