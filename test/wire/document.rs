//! `docs/PROTOCOL.md` against the code and the golden files.

use std::collections::BTreeSet;

use oht50_bridge::{
    protocol::{
        CloseReason, ErrorCode, Stream,
        client::ControlAction,
        server::{
            ControlCause, DockingState, EventName, LidarState, ObstacleKind, RobotStatus,
            SafetyDecision, Severity, StopSource, ZoneKind,
        },
    },
    safety::{
        Reason,
        zone::{Cause, Stop, ZoneId},
    },
};
use serde_json::Value;

use super::{ERROR_TEXTS, OTHER_ERRORS, golden_messages, json, read};

/// Whether `part` is found in `whole`: the same value somewhere, or an object with these members.
fn contains(whole: &Value, part: &Value) -> bool {
    if whole == part {
        return true;
    }
    match whole {
        Value::Object(members) => {
            let with_these = part.as_object().is_some_and(|part| {
                !part.is_empty() && part.iter().all(|(key, value)| members.get(key) == Some(value))
            });
            with_these || members.values().any(|member| contains(member, part))
        }
        Value::Array(items) => items.iter().any(|item| contains(item, part)),
        _ => false,
    }
}

fn json_blocks(text: &str) -> Vec<&str> {
    let blocks = text.split("```json\n").skip(1);
    blocks.map(|rest| rest.split("```").next().expect("split gives one")).collect()
}

/// The cells of every row of the table with this header.
fn table(text: &str, header: &str) -> Vec<Vec<String>> {
    let rows = text.lines().skip_while(|line| *line != header).skip(2);
    let rows: Vec<_> = rows.take_while(|line| line.starts_with('|')).collect();
    assert!(!rows.is_empty(), "there is no table {header}");
    let cells =
        |row: &&str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.iter().map(cells).collect()
}

/// What stands between backticks in a cell.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn first_names(text: &str, header: &str) -> Vec<String> {
    table(text, header).iter().flat_map(|row| names(&row[0])).collect()
}

#[test]
fn every_json_example_is_a_golden_file() {
    let text = read("docs/PROTOCOL.md");
    let golden = golden_messages();
    let blocks = json_blocks(&text);
    assert!(blocks.len() > 20, "only {} examples were found", blocks.len());
    for block in blocks {
        let example = json(block);
        assert!(
            golden.iter().any(|message| contains(message, &example)),
            "no golden file holds {block}"
        );
    }
}

#[test]
fn every_type_of_message_has_an_example() {
    let text = read("docs/PROTOCOL.md");
    let kind = |message: &Value| message["type"].as_str().map(str::to_owned);
    let shown: BTreeSet<_> =
        json_blocks(&text).iter().filter_map(|block| kind(&json(block))).collect();
    let golden: BTreeSet<_> = golden_messages().iter().filter_map(kind).collect();
    assert_eq!(shown, golden);
}

#[test]
fn tables_list_what_the_code_knows() {
    let text = read("docs/PROTOCOL.md");
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(first_names(&text, "| `code` | meaning | what helps |"), codes);
    let statuses: Vec<_> = RobotStatus::ALL.iter().map(|status| status.as_str()).collect();
    assert_eq!(first_names(&text, "| `status` | |"), statuses);
    let events: Vec<_> = EventName::ALL.iter().map(|event| event.as_str()).collect();
    assert_eq!(first_names(&text, "| `event` | to | `data` |"), events);
    // Of a motion that goes on, that finished, or that was never asked for, no reason is told.
    let reasons = [
        Reason::EmergencyStop,
        Reason::ShuttingDown,
        Reason::Suspended,
        Reason::DriveAbsent,
        Reason::CmdVelShared,
        Reason::ScanShared,
        Reason::Held(Stop::NoScan),
        Reason::Held(Stop::ScanStale),
        Reason::Held(Stop::WrongFrame),
        Reason::Held(Stop::StampFuture),
        Reason::Held(Stop::StampOld),
        Reason::Held(Stop::FewHits),
        Reason::Held(Stop::Blackout),
        Reason::Held(Stop::Frozen),
        Reason::Held(Stop::Zone(ZoneId(0))),
        Reason::Held(Stop::NotCovered),
        Reason::Held(Stop::NoOdometry),
        Reason::LinkClosed,
        Reason::LinkSilent,
        Reason::TokenExpired,
        Reason::TakenOver,
        Reason::Released,
        Reason::Unattended,
        Reason::Stopped,
        Reason::DockingTimeout,
        Reason::Slowed(Cause::Escape(ZoneId(0))),
        Reason::Slowed(Cause::StopDistance),
        Reason::Slowed(Cause::Sight),
        Reason::Slowed(Cause::Warning(ZoneId(0))),
        Reason::Limited,
        Reason::Docking,
    ];
    assert_eq!(first_names(&text, "| reason | |"), reasons.map(Reason::as_str));
}

#[test]
fn error_texts_and_close_codes_are_those_of_the_code() {
    let text = read("docs/PROTOCOL.md");
    let listed: BTreeSet<_> = table(&text, "| `message` | `code` |")
        .iter()
        .map(|row| names(&row[0])[0].trim_end_matches('X').to_owned())
        .collect();
    let known = ERROR_TEXTS.iter().chain(OTHER_ERRORS.iter().map(|(_, text)| text));
    assert_eq!(listed, known.map(|text| (*text).to_owned()).collect());

    let listed: Vec<_> = table(&text, "| code | reason | |")
        .into_iter()
        .flat_map(|row| {
            let reasons = if row[1].is_empty() { vec![String::new()] } else { names(&row[1]) };
            reasons.into_iter().map(move |reason| (row[0].clone(), reason))
        })
        .collect();
    let known =
        CloseReason::ALL.iter().map(|reason| (reason.code().to_string(), reason.text().to_owned()));
    assert_eq!(listed, known.collect::<Vec<_>>());
}

#[test]
fn every_name_on_the_wire_is_explained() {
    let text = read("docs/PROTOCOL.md");
    let lists: [Vec<&str>; 10] = [
        Stream::ALL.iter().map(|each| each.as_str()).collect(),
        Severity::ALL.iter().map(|each| each.as_str()).collect(),
        StopSource::ALL.iter().map(|each| each.as_str()).collect(),
        SafetyDecision::ALL.iter().map(|each| each.as_str()).collect(),
        LidarState::ALL.iter().map(|each| each.as_str()).collect(),
        DockingState::ALL.iter().map(|each| each.as_str()).collect(),
        ControlAction::ALL.iter().map(|each| each.as_str()).collect(),
        ControlCause::ALL.iter().map(|each| each.as_str()).collect(),
        ObstacleKind::ALL.iter().map(|each| each.as_str()).collect(),
        ZoneKind::ALL.iter().map(|each| each.as_str()).collect(),
    ];
    for name in lists.concat() {
        assert!(text.contains(&format!("`{name}`")), "{name}");
    }
}
