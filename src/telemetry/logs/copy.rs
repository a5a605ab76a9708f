//! A copy of the bridge's own log lines, in a bounded queue that nobody waits for.

use std::{
    fmt::{self, Write},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::telemetry::metrics::Metrics;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How severe.
    pub level: Level,
    /// What happened, with its fields and those of the connection it belongs to.
    pub text: String,
    /// Where in the program.
    pub file: &'static str,
    /// Where in the file.
    pub line: u32,
}

/// The queue's end: lines, oldest first.
#[derive(Debug)]
pub struct Lines(Receiver<Line>);

/// The queue's beginning.
pub struct Copies {
    queue: SyncSender<Line>,
    metrics: Arc<Metrics>,
}

/// A queue; lines without room are counted.
pub fn queue(metrics: Arc<Metrics>) -> (Copies, Lines) {
    let (queue, lines) = sync_channel(ROOM);
    (Copies { queue, metrics }, Lines(lines))
}

impl Lines {
    /// The next line, if one waits.
    pub fn next(&self) -> Option<Line> {
        self.0.try_recv().ok()
    }
}

/// What a span says, as text, for the lines within it.
struct Said(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Copies {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !is_ours(attributes.metadata()) {
            return;
        }
        if let Some(span) = context.span(id) {
            let mut said = Said(String::new());
            attributes.record(&mut Fields(&mut said.0));
            span.extensions_mut().insert(said);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(said) = span.extensions_mut().get_mut::<Said>()
        {
            values.record(&mut Fields(&mut said.0));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        if !is_ours(metadata) {
            return;
        }
        let mut text = String::new();
        event.record(&mut Fields(&mut text));
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(said) = span.extensions().get::<Said>() {
                // Writing to a String cannot fail.
                let _ = write!(text, " [{}{}]", span.name(), said.0);
            }
        }
        let line = Line {
            level: *metadata.level(),
            text: on_one_line(text.trim_start()),
            file: metadata.file().unwrap_or_default(),
            line: metadata.line().unwrap_or_default(),
        };
        if self.queue.try_send(line).is_err() {
            self.metrics.log_line_dropped();
        }
    }
}

/// A name may hold a newline; it must not look like another line of the log.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

/// Libraries may log what clients sent.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().split("::").next() == Some(env!("CARGO_CRATE_NAME"))
}

/// Appends fields, each behind a space; the message without its name.
struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

/// Lines that may wait: those of the start, before there is a node to send them, and a burst later.
const ROOM: usize = 256;

#[cfg(test)]
mod tests {
    use tracing::{info, info_span, trace, warn};
    use tracing_subscriber::{layer::SubscriberExt, registry};

    use super::*;
    use crate::telemetry::vitals::Vitals;

    fn logged(log: impl FnOnce()) -> (Lines, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new());
        let (copies, lines) = queue(metrics.clone());
        tracing::subscriber::with_default(registry().with(copies), log);
        (lines, metrics)
    }

    fn check(log: impl FnOnce(), expected: &[(Level, &str)]) {
        let (lines, _) = logged(log);
        let lines: Vec<_> = std::iter::from_fn(|| lines.next()).collect();
        let told: Vec<_> = lines.iter().map(|line| (line.level, line.text.as_str())).collect();
        assert_eq!(told, expected);
        assert!(lines.iter().all(|line| line.file.ends_with("copy.rs") && line.line > 0));
    }

    #[test]
    fn a_line_has_its_fields_and_those_of_its_connection() {
        check(
            || {
                info!("started");
                let number = tracing::field::Empty;
                let span = info_span!("connection", number, user = %"lan\nERROR", role = "viewer");
                span.record("number", 12u64);
                span.in_scope(|| warn!(code = 4009, reason = "No heartbeat", "closed"));
                trace!(nested = ?Some("a\nb"), "two {}", "lines");
            },
            &[
                (Level::INFO, "started"),
                (
                    Level::WARN,
                    "closed code=4009 reason=No heartbeat \
                     [connection user=lan\\nERROR role=viewer number=12]",
                ),
                (Level::TRACE, "two lines nested=Some(\"a\\nb\")"),
            ],
        );
    }

    #[test]
    fn lines_of_libraries_are_not_copied() {
        check(|| info!(target: "hyper::proto", "a token, perhaps"), &[]);
        check(|| info!(target: "oht50_bridge_of_others", "a token, perhaps"), &[]);
    }

    #[test]
    fn a_burst_is_bounded_and_what_is_dropped_is_counted() {
        let (lines, metrics) = logged(|| (0..ROOM + 7).for_each(|number| info!(number)));
        assert_eq!(std::iter::from_fn(|| lines.next()).count(), ROOM);
        let text = metrics.text(&Vitals::unknown());
        assert!(text.contains("oht50_bridge_log_lines_dropped_total 7\n"), "{text}");
    }
}
