//! The table of metrics: what they are registered by, and what docs/OPERATIONS.md is held to.

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// As it is served; a histogram's without `_bucket`, `_sum` and `_count`.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels, separated by commas.
    pub labels: &'static str,
    /// One sentence for people.
    pub meaning: &'static str,
}

/// Every metric, in the order in which they are served.
#[rustfmt::skip]
pub const METRICS: &[Description] = &[
    counter("oht50_bridge_http_responses_total", "status", "Plain requests that were answered; 101 became a WebSocket, from 400 on they were refused."),
    counter("oht50_bridge_connections_opened_total", "", "Clients that were let in."),
    counter("oht50_bridge_connections_refused_total", "code", "Clients that were sent away with a close code before they were let in."),
    counter("oht50_bridge_connections_closed_total", "code", "Clients that were let in and are gone, by close code; 1006: without a Close."),
    counter("oht50_bridge_messages_received_total", "type", "Messages of clients; `invalid` was not understood."),
    counter("oht50_bridge_messages_sent_total", "stream, encoding", "Messages to clients; stream `none`: answers and events."),
    counter("oht50_bridge_sent_bytes_total", "", "Bytes of frames to clients, pings and pongs included."),
    counter("oht50_bridge_stream_values_replaced_total", "stream", "Values that gave way to newer ones before they were sent to a client: by a slow link, or because it asked for fewer."),
    counter("oht50_bridge_stream_values_encoded_total", "stream, encoding", "Values that were written, once for all clients of a form; none for streams that nobody subscribed to."),
    counter("oht50_bridge_events_total", "event", "Events that were told."),
    counter("oht50_bridge_commands_total", "command, result", "Commands by what came of them: `success`, the code of a refusal, `latched` for stops, `unanswered` where the connection ended before."),
    counter("oht50_bridge_decisions_total", "reason", "Changes of the reason behind what motion safety decides, by the new reason."),
    counter("oht50_bridge_log_lines_dropped_total", "", "Log lines that found no room on their way to `/rosout`."),
    counter("oht50_bridge_scans_total", "", "Scans that were taken; while nobody is there and the robot stands, the newest of each 0.2 s."),
    histogram("oht50_bridge_scan_to_clients_seconds", "From a scan's stamp until it was handed to the connections that want it."),
    histogram("oht50_bridge_perception_seconds", "How long perception looked at a scan. It does while somebody wants to see what scans show."),
    histogram("oht50_bridge_command_to_velocity_seconds", "From the arrival of a motion's command until its first velocity was published."),
    histogram("oht50_bridge_stop_to_zero_seconds", "From the arrival of a stop until its connection knew that zero was published."),
    gauge("oht50_bridge_connections", "role", "Clients that are connected."),
    gauge("oht50_bridge_input_age_seconds", "input", "Time since `scan`, `odom`, `battery_state` and `temperature` came last; NaN: never."),
    gauge("oht50_bridge_ready", "part", "1 where this part of the bridge is ready, as `/readyz` tells."),
    gauge("oht50_bridge_emergency_stop", "", "1 while the emergency stop is latched."),
    gauge("oht50_bridge_controlled", "", "1 while somebody is in control."),
    counter("oht50_bridge_audit_lines_written_total", "", "Lines of the audit log that were written."),
    counter("oht50_bridge_audit_lines_lost_total", "", "Lines of the audit log that found no room."),
    gauge("oht50_bridge_audit_lines_waiting", "", "Lines of the audit log that wait to be written."),
    gauge("oht50_bridge_audit_writable", "", "1 while the audit log is being kept."),
    gauge("oht50_bridge_certificate_expiry_timestamp_seconds", "", "When the TLS certificate in use ends, Unix time; NaN: without TLS."),
    gauge("oht50_bridge_certificate_stale", "", "1 while the certificate's files cannot be used, and the last good ones still are."),
    gauge("oht50_bridge_uptime_seconds", "", "Time since the start."),
    gauge("process_resident_memory_bytes", "", "Memory of the process; -1: not known."),
    gauge("process_open_fds", "", "File descriptors of the process; -1: not known."),
];

/// The table of docs/OPERATIONS.md, in Markdown; ends in a newline.
pub fn markdown_table() -> String {
    let head = "| Metric | Kind | Labels | Meaning |\n|---|---|---|---|\n";
    METRICS.iter().fold(head.to_owned(), |table, description| {
        let Description { name, kind, labels, meaning } = description;
        table + &format!("| `{name}` | {kind} | {labels} | {meaning} |\n")
    })
}

const fn counter(name: &'static str, labels: &'static str, meaning: &'static str) -> Description {
    Description { name, kind: "counter", labels, meaning }
}

const fn gauge(name: &'static str, labels: &'static str, meaning: &'static str) -> Description {
    Description { name, kind: "gauge", labels, meaning }
}

const fn histogram(name: &'static str, meaning: &'static str) -> Description {
    Description { name, kind: "histogram", labels: "", meaning }
}
