//! What is written about the program is what the program does: the README's tables, and the shipped configurations.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that unwraps fails, which is its job

use oht50_bridge::{
    auth::Role,
    config::{self, Config, Environment, Params, Value},
    robot::topics,
    telemetry::metrics,
};

const README: &str = include_str!("../README.md");
const BRIDGE: &str = include_str!("../config/bridge.yaml");
const SECURE: &str = include_str!("../config/bridge.secure.yaml");
const SAFETY: &str = include_str!("../docs/SAFETY.md");
const OPERATIONS: &str = include_str!("../docs/OPERATIONS.md");

#[track_caller]
fn check(section: &str, expected: &str) {
    check_in("README.md", README, section, expected);
}

#[track_caller]
fn check_in(file: &str, text: &str, section: &str, expected: &str) {
    let begin = format!("<!-- {section}:begin -->\n");
    let end = format!("<!-- {section}:end -->");
    let table = text
        .split_once(&begin)
        .and_then(|(_, rest)| rest.split_once(&end))
        .map(|(table, _)| table.trim());
    let expected = expected.trim();
    assert!(
        table == Some(expected),
        "{file} must hold this between {begin}and {end}:\n\n{expected}\n"
    );
}

#[test]
fn the_readme_tables_every_parameter() {
    check("parameters", &config::markdown_table());
}

#[test]
fn the_readme_tables_every_topic_with_its_quality_of_service() {
    check("topics", &topics::markdown_table());
}

#[test]
fn the_operations_manual_tables_every_metric() {
    check_in("docs/OPERATIONS.md", OPERATIONS, "metrics", &metrics::markdown_table());
}

#[test]
fn alerts_are_about_metrics_that_there_are() {
    let words = OPERATIONS.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let named = words.filter(|word| word.starts_with("oht50_bridge_"));
    for name in named {
        let base = name.trim_end_matches("_bucket");
        let known = metrics::METRICS.iter().any(|metric| metric.name == base);
        assert!(known, "{name} is no metric");
    }
}

/// The parameters of a file in the style of ours: one on a line, strings in quotes, doubles with a point.
fn params(yaml: &str) -> Params {
    let lines = yaml.lines().filter_map(|line| line.strip_prefix("    "));
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.split_once(": ").expect("name: value");
            (name.to_owned(), value_of(value))
        })
        .collect()
}

fn value_of(text: &str) -> Value {
    if let Some(list) = text.strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
        let items: Vec<_> =
            list.split(", ").filter(|item| !item.is_empty()).map(value_of).collect();
        let strings: Option<Vec<_>> = items.iter().map(string).collect();
        let doubles: Option<Vec<_>> = items.iter().map(double).collect();
        return match (strings, doubles) {
            // As ROS does with an empty list.
            (Some(strings), _) if strings.is_empty() => Value::NotSet,
            (Some(strings), _) => Value::StringArray(strings),
            (_, Some(doubles)) => Value::DoubleArray(doubles),
            _ => panic!("a mixed list: {text}"),
        };
    }
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match (quoted, text.parse()) {
        (Some(quoted), _) => Value::String(quoted.to_owned()),
        (None, Ok(flag)) => Value::Bool(flag),
        (None, Err(_)) if text.contains('.') => Value::Double(text.parse().expect("a double")),
        _ => Value::Integer(text.parse().expect("an integer")),
    }
}

fn string(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Double(number) => Some(*number),
        _ => None,
    }
}

fn accepted(yaml: &str) -> Config {
    accept(&params(yaml))
}

fn accept(params: &Params) -> Config {
    let environment = Environment { home: Some("/home/robot".into()), ..Environment::default() };
    Config::from_params(params, &environment).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_shipped_configuration_is_accepted() {
    assert_eq!(accepted(BRIDGE).server.tls, None);
}

#[test]
fn the_zones_that_are_shown_are_accepted() {
    let (_, rest) = SAFETY.split_once("```yaml\nfootprint: ").expect("an example");
    let (footprint, rest) = rest.split_once("\nzones:\n").expect("its zones");
    let zones = rest.lines().map_while(|line| line.strip_prefix("  - "));
    let zones: Vec<_> = zones.map(|zone| zone.trim_matches('"').to_owned()).collect();
    assert!(zones.len() > 3, "{zones:?}");
    let forwards = "sides: critical 0.1 1.0..-1.0".to_owned();
    assert!(SAFETY.contains(&forwards));
    let mut params = params(BRIDGE);
    params.insert("footprint".to_owned(), value_of(footprint));
    params.insert("zones".to_owned(), Value::StringArray(zones));
    params.insert("docking_zones".to_owned(), Value::StringArray(vec![forwards]));
    accept(&params);
}

#[test]
fn the_hardened_configuration_is_accepted_and_hardened() {
    let (shipped, secure) = (accepted(BRIDGE).server, accepted(SECURE).server);
    assert!(secure.tls.is_some());
    assert!(secure.require_origin);
    assert_eq!(secure.default_role, Role::Viewer);
    let access = accepted(SECURE).access;
    assert!(access.jwks_file.is_some() && access.revocation_file.is_some());
    assert!(access.rules.issuer.is_some() && access.rules.audience.is_some());
    assert!(secure.max_connections_per_user < shipped.max_connections_per_user);
    assert!(secure.heartbeat_timeout < shipped.heartbeat_timeout);
}
