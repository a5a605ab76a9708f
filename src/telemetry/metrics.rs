//! What is counted and measured, in the words of Prometheus.
//!
//! A label is a text of the program or a small number, never anything that came from outside: no user's name, address or
//! token can become one, and the number of series is bounded. Counting is an atomic, or a short uncontended lock. Who
//! sends many frames counts by itself and hands the sums over now and then.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::prometheus_text,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry},
};

use super::{process, vitals::Vitals};

mod table;
#[cfg(test)]
mod tests;

pub use table::{Description, METRICS, markdown_table};

/// What `/metrics` is served as.
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// Every counter, gauge and histogram of the bridge.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    http_responses: Family<Number, Counter>,
    opened: Counter,
    refused: Family<Number, Counter>,
    closed: Family<Number, Counter>,
    received: Family<Text, Counter>,
    sent: Family<Texts, Counter>,
    sent_bytes: Counter,
    replaced: Family<Text, Counter>,
    encoded: Family<Texts, Counter>,
    events: Family<Text, Counter>,
    answers: Family<Texts, Counter>,
    decisions: Family<Text, Counter>,
    log_lines_dropped: Counter,
    scans: Counter,
    scan_to_clients: Histogram,
    perception: Histogram,
    command_to_velocity: Histogram,
    stop_to_zero: Histogram,
    moment: Moment,
}

type Text = [(&'static str, &'static str); 1];
type Texts = [(&'static str, &'static str); 2];
type Number = [(&'static str, u16); 1];
type Reading = Gauge<f64, AtomicU64>;

/// What is read when somebody asks.
#[derive(Debug)]
struct Moment {
    connections: Family<Text, Gauge>,
    ages: Family<Text, Reading>,
    ready: Family<Text, Gauge>,
    emergency_stop: Gauge,
    controlled: Gauge,
    audit_written: Counter,
    audit_lost: Counter,
    audit_waiting: Gauge,
    audit_writable: Gauge,
    certificate_end: Reading,
    certificate_stale: Gauge,
    uptime: Reading,
    resident: Gauge,
    descriptors: Gauge,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Metrics {
        let mut table = Registrar { registry: Registry::default(), rest: METRICS.iter() };
        Metrics {
            http_responses: table.add(Family::default()),
            opened: table.add(Counter::default()),
            refused: table.add(Family::default()),
            closed: table.add(Family::default()),
            received: table.add(Family::default()),
            sent: table.add(Family::default()),
            sent_bytes: table.add(Counter::default()),
            replaced: table.add(Family::default()),
            encoded: table.add(Family::default()),
            events: table.add(Family::default()),
            answers: table.add(Family::default()),
            decisions: table.add(Family::default()),
            log_lines_dropped: table.add(Counter::default()),
            scans: table.add(Counter::default()),
            scan_to_clients: table.add(Histogram::new(LATENCIES)),
            perception: table.add(Histogram::new(LATENCIES)),
            command_to_velocity: table.add(Histogram::new(LATENCIES)),
            stop_to_zero: table.add(Histogram::new(LATENCIES)),
            moment: Moment {
                connections: table.add(Family::default()),
                ages: table.add(Family::default()),
                ready: table.add(Family::default()),
                emergency_stop: table.add(Gauge::default()),
                controlled: table.add(Gauge::default()),
                audit_written: table.add(Counter::default()),
                audit_lost: table.add(Counter::default()),
                audit_waiting: table.add(Gauge::default()),
                audit_writable: table.add(Gauge::default()),
                certificate_end: table.add(Reading::default()),
                certificate_stale: table.add(Gauge::default()),
                uptime: table.add(Reading::default()),
                resident: table.add(Gauge::default()),
                descriptors: table.add(Gauge::default()),
            },
            registry: table.registry,
        }
    }

    /// A plain request was answered, or became a WebSocket (101).
    pub fn http_response(&self, status: u16) {
        self.http_responses.get_or_create(&[("status", status)]).inc();
    }

    /// A client was let in.
    pub fn connection_opened(&self) {
        self.opened.inc();
    }

    /// A client was sent away with this close code before it was let in.
    pub fn connection_refused(&self, code: u16) {
        self.refused.get_or_create(&[("code", code)]).inc();
    }

    /// A client that was let in is gone; 1006 without a Close.
    pub fn connection_closed(&self, code: u16) {
        self.closed.get_or_create(&[("code", code)]).inc();
    }

    /// Messages of this type came from clients.
    pub fn received(&self, kind: &'static str, count: u64) {
        self.received.get_or_create(&[("type", kind)]).inc_by(count);
    }

    /// Messages of this stream left for clients, written in this way.
    pub fn sent(&self, stream: &'static str, encoding: &'static str, count: u64) {
        self.sent.get_or_create(&[("stream", stream), ("encoding", encoding)]).inc_by(count);
    }

    /// Bytes of WebSocket frames left for clients.
    pub fn sent_bytes(&self, count: u64) {
        self.sent_bytes.inc_by(count);
    }

    /// Values of this stream gave way to newer ones before they were sent to a client.
    pub fn replaced(&self, stream: &'static str, count: u64) {
        self.replaced.get_or_create(&[("stream", stream)]).inc_by(count);
    }

    /// A value of this stream was written, once for all who get it in this form.
    pub fn encoded(&self, stream: &'static str, encoding: &'static str) {
        self.encoded.get_or_create(&[("stream", stream), ("encoding", encoding)]).inc();
    }

    /// An event was told.
    pub fn event(&self, name: &'static str) {
        self.events.get_or_create(&[("event", name)]).inc();
    }

    /// Commands were answered, or stops latched.
    pub fn answered(&self, command: &'static str, result: &'static str, count: u64) {
        self.answers.get_or_create(&[("command", command), ("result", result)]).inc_by(count);
    }

    /// The Gate's decision has another reason than before.
    pub fn decided(&self, reason: &'static str) {
        self.decisions.get_or_create(&[("reason", reason)]).inc();
    }

    /// A log line found no room on its way to `/rosout`.
    pub fn log_line_dropped(&self) {
        self.log_lines_dropped.inc();
    }

    /// A scan was taken.
    pub fn scanned(&self) {
        self.scans.inc();
    }

    /// From a scan's stamp until it was handed to the connections.
    pub fn scan_to_clients(&self, took: Duration) {
        self.scan_to_clients.observe(took.as_secs_f64());
    }

    /// How long perception looked at a scan.
    pub fn perceived(&self, took: Duration) {
        self.perception.observe(took.as_secs_f64());
    }

    /// From the arrival of a motion's command until its first velocity was published.
    pub fn command_to_velocity(&self, took: Duration) {
        self.command_to_velocity.observe(took.as_secs_f64());
    }

    /// From the arrival of a stop until its connection knew that zero was published.
    pub fn stop_to_zero(&self, took: Duration) {
        self.stop_to_zero.observe(took.as_secs_f64());
    }

    /// Everything in Prometheus' text format. Reads `/proc`; takes no longer than that.
    pub fn text(&self, vitals: &Vitals) -> String {
        self.moment.read(vitals);
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = prometheus_text::encode(&mut text, &self.registry);
        text
    }
}

impl Moment {
    fn read(&self, vitals: &Vitals) {
        for (role, count) in vitals.connections {
            self.connections.get_or_create(&[("role", role)]).set(whole(count));
        }
        for (input, age) in vitals.ages() {
            let age = age.map_or(f64::NAN, |age| age.as_secs_f64());
            self.ages.get_or_create(&[("input", input)]).set(age);
        }
        for part in &vitals.parts {
            self.ready.get_or_create(&[("part", part.name)]).set(part.is_ready().into());
        }
        self.emergency_stop.set(vitals.emergency_stop.into());
        self.controlled.set(vitals.holder.is_some().into());
        let audit = &vitals.audit;
        catch_up(&self.audit_written, audit.written);
        catch_up(&self.audit_lost, audit.lost);
        self.audit_waiting.set(whole(audit.waiting));
        self.audit_writable.set(audit.writable.into());
        self.certificate_end.set(vitals.certificate_end.unwrap_or(f64::NAN));
        self.certificate_stale.set(vitals.certificate_is_stale.into());
        self.uptime.set(vitals.uptime.as_secs_f64());
        self.resident.set(process::resident_bytes().map_or(-1, whole));
        self.descriptors.set(process::open_descriptors().map_or(-1, whole));
    }
}

/// Adds metrics in the order of the table.
struct Registrar {
    registry: Registry,
    rest: std::slice::Iter<'static, Description>,
}

impl Registrar {
    fn add<M: Metric + Clone>(&mut self, metric: M) -> M {
        if let Some(description) = self.rest.next() {
            // The format's own ending of a counter's name.
            let name = description.name.trim_end_matches("_total");
            let help = description.meaning.trim_end_matches('.').replace('`', "");
            self.registry.register(name, help, metric.clone());
        }
        metric
    }
}

/// Two who ask at the same time may both add what is missing: then it is true again with the next line.
fn catch_up(counter: &Counter, value: u64) {
    counter.inc_by(value.saturating_sub(counter.get()));
}

fn whole(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// Upper ends of the latencies' buckets, s. The bounds that are promised are among them: a decision every 20 ms, a scan
/// every 50 ms, zero within 100 ms.
const LATENCIES: [f64; 14] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0];
