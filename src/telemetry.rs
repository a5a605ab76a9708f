//! What the bridge tells its keepers: logs, the audit log, metrics, and how it is.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, filter::ParseError};

pub mod audit;
pub mod metrics;
mod process;
pub mod vitals;

/// Sends logs to standard error.
///
/// `level` is what `--ros-args --log-level` says (`debug`, `info`, `warn`, `error`, `fatal`); `filter` is `RUST_LOG`
/// and wins, being finer.
pub fn start_logging(level: Option<&str>, filter: Option<&str>) -> Result<(), ParseError> {
    let level = match level {
        Some(level) if level.eq_ignore_ascii_case("fatal") => "error",
        Some(level) => level,
        None => "info",
    };
    let filter = EnvFilter::builder().parse(filter.unwrap_or(level))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}
