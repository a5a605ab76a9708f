//! What the bridge tells its keepers: logs, the audit log, metrics, and how it is.

pub mod audit;
pub mod logs;
pub mod metrics;
mod process;
pub mod vitals;
