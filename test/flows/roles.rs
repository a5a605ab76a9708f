//! Every role, every command, whoever drives, over a live link and a silent one: exactly as SECURITY.md's table says.

use serde_json::{Value, json};
use tokio::time::timeout;

use super::{client::Client, motion, robot::Bench, seconds};

const SECURITY: &str = include_str!("../../docs/SECURITY.md");

const ROLES: [&str; 3] = ["viewer", "operator", "administrator"];

/// Who drives when the command comes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Driver {
    Nobody,
    /// Who asks.
    Itself,
    /// Somebody else.
    Other,
}

/// Whether the client answers pings while it asks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Link {
    Fresh,
    Stale,
}

/// A row of the table: its commands, and what each is in need of beside the role.
struct Row {
    /// As SECURITY.md names them.
    text: &'static str,
    commands: Vec<Value>,
}

fn control(action: &str) -> Value {
    json!({"type": "control", "action": action})
}

fn lidar(command: &str, parameters: Value) -> Value {
    json!({"type": "lidar_control", "command": command, "parameters": parameters})
}

fn rows() -> [Row; 3] {
    [
        Row {
            text: "look; `stop`, `emergency_stop`",
            commands: vec![
                json!({"type": "subscribe", "subscription_type": "telemetry"}),
                json!({"type": "unsubscribe", "subscription_type": "telemetry"}),
                json!({"type": "ping"}),
                motion("stop", Value::Null),
                motion("emergency_stop", Value::Null),
            ],
        },
        Row {
            text: "move, dock, take and give back control, release the emergency stop, command the LiDAR",
            commands: vec![
                motion("move_forward", Value::Null),
                motion("move_backward", Value::Null),
                motion("turn_left", Value::Null),
                motion("turn_right", Value::Null),
                motion("drive", json!({"angular": 0.1})),
                motion("dock", Value::Null),
                motion("undock", Value::Null),
                control("acquire"),
                control("release"),
                motion("reset_emergency_stop", json!({"confirm": true})),
                lidar("start_scan", Value::Null),
                lidar("stop_scan", Value::Null),
                lidar("set_frequency", json!({"frequency": 10})),
                lidar("set_range", json!({"range": 10})),
            ],
        },
        Row { text: "take control from somebody", commands: vec![control("take_over")] },
    ]
}

/// Whether the table gives this role the row.
fn may(row: &Row, role: &str) -> bool {
    let line = SECURITY.lines().find_map(|line| line.strip_prefix(&format!("| {} |", row.text)));
    let cells: Vec<_> = line.expect(row.text).split('|').map(str::trim).collect();
    let at = ROLES.iter().position(|known| *known == role).unwrap();
    match cells[at] {
        "yes" => true,
        "no" => false,
        other => panic!("{other}"),
    }
}

/// What is answered where the role suffices: a code, or nothing where it succeeds.
fn expected(command: &Value, driver: Driver, link: Link) -> Option<&'static str> {
    let name = command["command"].as_str().or(command["action"].as_str()).unwrap_or_default();
    let moves = matches!(
        name,
        "move_forward" | "move_backward" | "turn_left" | "turn_right" | "drive" | "dock" | "undock"
    );
    let asks_for_control = matches!(name, "acquire" | "take_over");
    if link == Link::Stale && (moves || asks_for_control || name == "reset_emergency_stop") {
        return Some("stale_command");
    }
    match (name, driver) {
        ("release", Driver::Nobody | Driver::Other) => Some("not_in_control"),
        ("acquire", Driver::Other) => Some("not_in_control"),
        ("reset_emergency_stop", _) => Some("emergency_stop_not_active"),
        ("undock", Driver::Nobody | Driver::Itself) => Some("service_failed"),
        _ if moves && driver == Driver::Other => Some("not_in_control"),
        _ => None,
    }
}

async fn check(role: &str, command: &Value, allowed: bool, driver: Driver, link: Link) {
    let case = format!("{role} {command} {driver:?} {link:?}");
    let bench = Bench::new().await;
    let mut other =
        Client::of(&bench, json!({"user_id": 8, "sub": "minh", "role": "operator"})).await;
    let mut client = Client::of(&bench, json!({"user_id": 7, "sub": "lan", "role": role})).await;
    match driver {
        Driver::Nobody => {}
        Driver::Itself => {
            client.say(control("acquire")).await;
            assert_eq!(client.answer("control_response").await["success"], true, "{case}");
        }
        Driver::Other => {
            other.say(control("acquire")).await;
            assert_eq!(other.answer("control_response").await["success"], true, "{case}");
        }
    }
    if link == Link::Stale {
        // Who does not read answers no ping.
        other.listen(seconds(2.0)).await;
    }
    client.forget();
    client.say(command.clone()).await;
    let kind = match command["type"].as_str().unwrap() {
        "subscribe" => "subscription_confirmed",
        "unsubscribe" => "unsubscription_confirmed",
        "ping" => "pong",
        "control" => "control_response",
        "lidar_control" => "lidar_control_response",
        _ => "robot_control_response",
    };
    let answer = timeout(seconds(60.0), client.answer(kind)).await.expect(&case);
    let expected = if allowed { expected(command, driver, link) } else { Some("forbidden") };
    assert_eq!(answer["code"].as_str(), expected, "{case}: {answer}");
    if answer.get("success").is_some() {
        assert_eq!(answer["success"], expected.is_none(), "{case}: {answer}");
    }
    let moved = bench
        .robot
        .published()
        .iter()
        .any(|(_, velocity)| velocity.linear != 0.0 || velocity.angular != 0.0);
    let may_move = command["type"] == "robot_control" && expected.is_none();
    assert!(may_move || !moved, "{case}: the robot moved");
}

/// Each command of the table, in each state that this role can be in.
fn check_role(role: &str, states: &[(Driver, Link)]) {
    let mut cases = 0;
    for row in rows() {
        let allowed = may(&row, role);
        for (driver, link) in states {
            for command in &row.commands {
                // A world of its own, which ends with the case.
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                let runtime = runtime.enable_all().start_paused(true).build().unwrap();
                runtime.block_on(check(role, command, allowed, *driver, *link));
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 20 * states.len());
}

/// A link that is silent does not keep control, so nobody drives over one.
const STATES: [(Driver, Link); 5] = [
    (Driver::Nobody, Link::Fresh),
    (Driver::Nobody, Link::Stale),
    (Driver::Other, Link::Fresh),
    (Driver::Other, Link::Stale),
    (Driver::Itself, Link::Fresh),
];

#[test]
fn a_viewer_may_what_the_table_says_and_nothing_else() {
    // It cannot come to drive.
    check_role("viewer", &STATES[..4]);
}

#[test]
fn an_operator_may_what_the_table_says_and_nothing_else() {
    check_role("operator", &STATES);
}

#[test]
fn an_administrator_may_what_the_table_says_and_nothing_else() {
    check_role("administrator", &STATES);
}
