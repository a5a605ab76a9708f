//! Logs: to standard error as text or JSON, and in a copy for `/rosout`.

use std::{fmt, io::IsTerminal, str::FromStr, sync::Arc};

use tracing_subscriber::{
    EnvFilter, Layer, filter::ParseError, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

use super::metrics::Metrics;

mod copy;

pub use copy::{Line, Lines};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// The format has another name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not accepted: text or json")]
pub struct NoSuchFormat(String);

impl FromStr for LogFormat {
    type Err = NoSuchFormat;

    fn from_str(name: &str) -> Result<LogFormat, NoSuchFormat> {
        match name {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            other => Err(NoSuchFormat(other.to_owned())),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        })
    }
}

/// Sends logs to standard error, and a copy of the bridge's own into a bounded queue.
///
/// `level` is what `--ros-args --log-level` says (`debug`, `info`, `warn`, `error`, `fatal`); `filter` is `RUST_LOG`
/// and wins, being finer. Both sides get what they let through. Lines that find no room in the queue are counted.
pub fn start(
    level: Option<&str>,
    filter: Option<&str>,
    format: LogFormat,
    metrics: Arc<Metrics>,
) -> Result<Lines, ParseError> {
    let level = match level {
        Some(level) if level.eq_ignore_ascii_case("fatal") => "error",
        Some(level) => level,
        None => "info",
    };
    let filter = EnvFilter::builder().parse(filter.unwrap_or(level))?;
    let (copies, lines) = copy::queue(metrics);
    let written = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let written = match format {
        LogFormat::Text => written.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => written.json().flatten_event(true).with_span_list(false).boxed(),
    };
    registry().with(filter).with(written).with(copies).init();
    Ok(lines)
}
