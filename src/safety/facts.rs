//! What the Gate knows of the robot, and how old that is.

use std::time::Duration;

use super::Velocity;

/// Facts with the time of their arrival. An old fact is no fact.
#[derive(Debug, Default)]
pub struct Facts {
    /// Whether anybody listens on `cmd_vel`.
    pub drive_present: bool,
    scanned: Option<Duration>,
    scan_was_fresh: bool,
    odometry: Option<(Velocity, Duration)>,
}

impl Facts {
    /// A valid scan came.
    pub fn scan(&mut self, now: Duration) {
        self.scanned = Some(now);
    }

    /// The robot's own measure of its velocity came.
    pub fn odometry(&mut self, velocity: Velocity, now: Duration) {
        self.odometry = Some((velocity, now));
    }

    /// Time since the newest scan; `None`: none ever came.
    pub fn scan_age(&self, now: Duration) -> Option<Duration> {
        self.scanned.map(|at| now.saturating_sub(at))
    }

    /// Whether a scan came within `timeout`.
    pub fn scan_is_fresh(&self, timeout: Duration, now: Duration) -> bool {
        self.scanned.is_some_and(|at| now.saturating_sub(at) < timeout)
    }

    /// Whether the scans came back (`true`) or ceased (`false`) since the last call.
    pub fn scan_change(&mut self, timeout: Duration, now: Duration) -> Option<bool> {
        let fresh = self.scan_is_fresh(timeout, now);
        let changed = fresh != self.scan_was_fresh;
        self.scan_was_fresh = fresh;
        changed.then_some(fresh)
    }

    /// Whether odometry younger than `timeout` says that the robot is slower than `rest_speed` (m/s and rad/s).
    pub fn at_rest(&self, rest_speed: f64, timeout: Duration, now: Duration) -> bool {
        self.odometry.is_some_and(|(velocity, at)| {
            now.saturating_sub(at) < timeout
                && velocity.linear.abs() < rest_speed
                && velocity.angular.abs() < rest_speed
        })
    }
}
