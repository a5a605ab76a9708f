//! How well perception sees, scored against what is truly there: in simulated halls, and in recordings with motion capture.
#![allow(clippy::unwrap_used)] // a test that unwraps fails, which is its job

#[path = "tracking/allocations.rs"]
mod allocations;
#[path = "tracking/any_scan.rs"]
mod any_scan;
#[path = "tracking/recorded.rs"]
mod recorded;
#[path = "tracking/score.rs"]
mod score;
#[path = "tracking/simulated.rs"]
mod simulated;
