use std::collections::BTreeSet;

use super::*;
use crate::telemetry::{
    audit::Kept,
    vitals::{Level, Part},
};

fn vitals() -> Vitals {
    let part = |name, level| Part { name, level, message: String::new(), values: Vec::new() };
    Vitals {
        uptime: Duration::from_millis(1500),
        connections: [("viewer", 2), ("operator", 1), ("administrator", 0)],
        holder: Some("lan".into()),
        emergency_stop: true,
        scan_age: Some(Duration::from_millis(20)),
        audit: Kept { written: 12, waiting: 3, lost: 1, writable: true },
        parts: vec![part("scan", Level::Stale), part("audit", Level::Warn)],
        ..Vitals::unknown()
    }
}

/// With something in every series.
fn counted() -> Metrics {
    let metrics = Metrics::new();
    metrics.http_response(404);
    metrics.connection_opened();
    metrics.connection_refused(4001);
    metrics.connection_closed(1000);
    metrics.received("ping", 2);
    metrics.sent("lidar", "binary", 3);
    metrics.sent_bytes(100);
    metrics.replaced("lidar", 4);
    metrics.encoded("lidar", "json");
    metrics.event("scan_lost");
    metrics.answered("move_forward", "success", 1);
    metrics.decided("moving");
    metrics.log_line_dropped();
    metrics.scanned();
    metrics.scan_to_clients(Duration::from_millis(3));
    metrics.perceived(Duration::from_micros(300));
    metrics.command_to_velocity(Duration::from_millis(2));
    metrics.stop_to_zero(Duration::from_secs(2));
    metrics
}

#[test]
fn every_metric_of_the_table_is_served_with_its_kind_and_no_other() {
    let text = counted().text(&vitals());
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let served: BTreeSet<String> = types.map(str::to_owned).collect();
    let table = METRICS.iter().map(|metric| format!("{} {}", metric.name, metric.kind)).collect();
    assert_eq!(served, table);
    for metric in METRICS {
        let ending = if metric.kind == "histogram" { "_count" } else { "" };
        let name = format!("{}{ending}", metric.name);
        let series: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix(name.as_str()))
            .filter(|rest| rest.starts_with(['{', ' ']))
            .collect();
        assert!(!series.is_empty(), "{name} has no series in\n{text}");
        let labels = metric.labels.split(", ").filter(|label| !label.is_empty());
        for label in labels {
            assert!(series[0].contains(&format!("{label}=\"")), "{name}: {label}");
        }
        assert_eq!(series[0].matches('=').count(), series[0].matches("=\"").count());
    }
}

#[test]
fn the_names_keep_to_the_conventions() {
    for metric in METRICS {
        let ours = metric.name.starts_with("oht50_bridge_") || metric.name.starts_with("process_");
        assert!(ours, "{}", metric.name);
        let ends = |ending| metric.name.ends_with(ending);
        assert_eq!(metric.kind == "counter", ends("_total"), "{}", metric.name);
        assert!(metric.kind != "histogram" || ends("_seconds"), "{}", metric.name);
    }
}

#[test]
fn the_values_are_those_that_were_counted_and_those_of_the_moment() {
    let metrics = counted();
    metrics.text(&vitals());
    let text = metrics.text(&vitals());
    for line in [
        "oht50_bridge_http_responses_total{status=\"404\"} 1",
        "oht50_bridge_connections_refused_total{code=\"4001\"} 1",
        "oht50_bridge_messages_sent_total{stream=\"lidar\",encoding=\"binary\"} 3",
        "oht50_bridge_commands_total{command=\"move_forward\",result=\"success\"} 1",
        "oht50_bridge_connections{role=\"viewer\"} 2",
        "oht50_bridge_input_age_seconds{input=\"scan\"} 0.02",
        "oht50_bridge_input_age_seconds{input=\"odom\"} NaN",
        "oht50_bridge_ready{part=\"scan\"} 0",
        "oht50_bridge_ready{part=\"audit\"} 1",
        "oht50_bridge_emergency_stop 1",
        "oht50_bridge_controlled 1",
        "oht50_bridge_audit_lines_written_total 12",
        "oht50_bridge_audit_lines_waiting 3",
        "oht50_bridge_audit_writable 1",
        "oht50_bridge_uptime_seconds 1.5",
        "oht50_bridge_scan_to_clients_seconds_bucket{le=\"0.005\"} 1",
        "oht50_bridge_scan_to_clients_seconds_bucket{le=\"0.002\"} 0",
        "oht50_bridge_stop_to_zero_seconds_bucket{le=\"1\"} 0",
        "oht50_bridge_stop_to_zero_seconds_bucket{le=\"+Inf\"} 1",
        "oht50_bridge_stop_to_zero_seconds_sum 2.0",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("lan"), "no name of a person");
}
