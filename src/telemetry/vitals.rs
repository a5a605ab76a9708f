//! How the bridge is at one moment, for those who keep it: what health, metrics, diagnostics and status are made of.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::audit::Kept;

/// Everything at one moment.
#[derive(Debug, Clone)]
pub struct Vitals {
    /// Since the start.
    pub uptime: Duration,
    /// Connections by role.
    pub connections: [(&'static str, usize); 3],
    /// Of these, the ones that may drive.
    pub operators: usize,
    /// Who is in control.
    pub holder: Option<Arc<str>>,
    /// The emergency stop is latched.
    pub emergency_stop: bool,
    /// Time since the newest scan; `None`: there was none.
    pub scan_age: Option<Duration>,
    /// Time since the newest odometry.
    pub odometry_age: Option<Duration>,
    /// Time since the newest battery state.
    pub battery_age: Option<Duration>,
    /// Time since the newest temperature.
    pub temperature_age: Option<Duration>,
    /// The audit log.
    pub audit: Kept,
    /// When the certificate in use ends, Unix time in s; `None`: no TLS, or it cannot be read.
    pub certificate_end: Option<f64>,
    /// The certificate's files hold something that cannot be used.
    pub certificate_is_stale: bool,
    /// Its parts, one by one.
    pub parts: Vec<Part>,
}

/// Asks how the bridge is; never blocks.
pub type Checkup = Arc<dyn Fn() -> Vitals + Send + Sync>;

/// One part of the bridge, or of what it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// One word.
    pub name: &'static str,
    /// How it is.
    pub level: Level,
    /// Why, for people.
    pub message: String,
    /// What is measured of it.
    pub values: Vec<(&'static str, String)>,
}

/// How a part is, as ROS diagnostics have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and somebody should look.
    Warn,
    /// It does not work.
    Error,
    /// It says nothing any more, or never did.
    Stale,
}

impl Vitals {
    /// Nothing is known yet.
    pub fn unknown() -> Vitals {
        Vitals {
            uptime: Duration::ZERO,
            connections: [("viewer", 0), ("operator", 0), ("administrator", 0)],
            operators: 0,
            holder: None,
            emergency_stop: false,
            scan_age: None,
            odometry_age: None,
            battery_age: None,
            temperature_age: None,
            audit: Kept::default(),
            certificate_end: None,
            certificate_is_stale: false,
            parts: Vec::new(),
        }
    }

    /// Whether the robot can be driven, as far as the bridge goes.
    pub fn is_ready(&self) -> bool {
        self.parts.iter().all(Part::is_ready)
    }

    /// The ages by topic.
    pub fn ages(&self) -> [(&'static str, Option<Duration>); 4] {
        [
            ("scan", self.scan_age),
            ("odom", self.odometry_age),
            ("battery_state", self.battery_age),
            ("temperature", self.temperature_age),
        ]
    }

    /// How many connections there are.
    pub fn all_connections(&self) -> usize {
        self.connections.iter().map(|(_, count)| count).sum()
    }
}

impl Part {
    /// Whether the robot can be driven, as far as this part goes.
    pub fn is_ready(&self) -> bool {
        matches!(self.level, Level::Ok | Level::Warn)
    }
}

/// A sign of life: a loop gives it, whoever watches sees how old it is. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// Says that all is well at `now`, monotonic.
    pub fn beat(&self, now: Duration) {
        let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        self.0.store(micros, Ordering::Relaxed);
    }

    /// When it did last.
    pub fn last(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}
