//! The robot_status stream: who drives, what moves, what holds it, and how old the inputs are.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{Origin, RobotStatus, encode, number, timestamp};
use crate::safety::{MotionKind, Velocity};

/// What `robot_status_update` tells. Times are since the Unix epoch, ages since arrival.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusReport {
    /// From the configuration.
    pub robot_id: u64,
    /// In one word.
    pub status: RobotStatus,
    /// Who drives; `None`: nobody.
    pub control: Option<Control>,
    /// The latch.
    pub emergency_stop: EmergencyStop,
    /// The motion that runs.
    pub motion: Option<Motion>,
    /// What motion safety says.
    pub safety: Safety,
    /// The LiDAR and its settings.
    pub lidar: Lidar,
    /// The dock.
    pub docking: Docking,
    /// How old the inputs are.
    pub sources: Sources,
}

/// Who drives.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// The user's name.
    pub holder: Arc<str>,
    /// The user.
    pub user_id: u64,
    /// Since when.
    pub since: Duration,
    /// Which of the user's connections, by the number that it was told.
    pub connection: u64,
}

/// The latch of the emergency stop; the rest is `None` unless it is active.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EmergencyStop {
    /// Whether it is latched.
    pub active: bool,
    /// Where it came from.
    pub source: Option<StopSource>,
    /// The user's name, if it was one.
    pub by: Option<Arc<str>>,
    /// Since when.
    pub since: Option<Duration>,
    /// For people.
    pub reason: Option<String>,
}

wire_names! {
    /// Where an emergency stop came from.
    pub enum StopSource {
        /// A client of this protocol.
        Web = "web",
        /// A ROS service.
        Service = "service",
        /// The robot's own hardware.
        Hardware = "hardware",
        /// The bridge itself, on a fault.
        Bridge = "bridge",
    }
}

/// A motion that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Motion {
    /// Which.
    pub command: MotionKind,
    /// What was asked for, within the robot's limits.
    pub requested: Velocity,
    /// What odometry says.
    pub actual: Option<Velocity>,
    /// Until it ends.
    pub remaining: Duration,
}

/// What motion safety says.
#[derive(Debug, Clone, PartialEq)]
pub struct Safety {
    /// What it lets through.
    pub decision: SafetyDecision,
    /// Why it is not all; a name in small letters with underscores.
    pub reason: Option<&'static str>,
    /// The zone behind the reason.
    pub zone: Option<Arc<str>>,
    /// Highest speed and turn rate that the surroundings leave, where they do not leave all.
    pub limit: Option<Velocity>,
}

wire_names! {
    /// What motion safety lets through.
    pub enum SafetyDecision {
        /// What is asked for.
        Allow = "allow",
        /// Less than is asked for.
        Limit = "limit",
        /// Nothing.
        Stop = "stop",
    }
}

/// The LiDAR and its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Lidar {
    /// Whether it scans.
    pub state: LidarState,
    /// Of the newest scan.
    pub age: Option<Duration>,
    /// The scan frequency that was set last, Hz.
    pub frequency: Option<f64>,
    /// Points farther than this are not shown, m.
    pub range: Option<f64>,
}

wire_names! {
    /// Whether the LiDAR scans.
    pub enum LidarState {
        /// No scan ever came.
        Absent = "absent",
        /// Scans come.
        Scanning = "scanning",
        /// Stopped on demand.
        Stopped = "stopped",
        /// Scans came, and ceased.
        Lost = "lost",
    }
}

/// The dock.
#[derive(Debug, Clone, PartialEq)]
pub struct Docking {
    /// Where the robot stands with its dock.
    pub state: DockingState,
    /// Since docking or undocking began, while it goes on.
    pub elapsed: Option<Duration>,
}

wire_names! {
    /// Where the robot stands with its dock.
    pub enum DockingState {
        /// Nothing was docked or undocked since the bridge started.
        Unknown = "unknown",
        /// On its way onto the dock.
        Docking = "docking",
        /// On the dock.
        Docked = "docked",
        /// On its way off the dock.
        Undocking = "undocking",
        /// Off the dock.
        Undocked = "undocked",
        /// The last attempt failed.
        Failed = "failed",
    }
}

/// How long ago each input came; `None`: never.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs)] // the names of the topics
pub struct Sources {
    pub scan: Option<Duration>,
    pub odom: Option<Duration>,
    pub battery_state: Option<Duration>,
    pub temperature: Option<Duration>,
}

/// `robot_status_update`; `stamp` is the odometry's, by the ROS clock.
pub fn robot_status_update(
    report: &StatusReport,
    seq: u64,
    stamp: Option<Duration>,
    unix: Duration,
) -> String {
    #[derive(Serialize)]
    struct Documented<'a> {
        data: Data<'a>,
    }
    encode(
        "robot_status_update",
        Documented { data: Data::of(report) },
        unix,
        Origin::new(seq, stamp),
    )
}

#[derive(Serialize)]
struct Data<'a> {
    robot_id: u64,
    status: RobotStatus,
    control: Option<WireControl<'a>>,
    emergency_stop: WireEmergencyStop<'a>,
    motion: Option<WireMotion>,
    safety: WireSafety<'a>,
    lidar: WireLidar,
    docking: WireDocking,
    sources: WireSources,
}

#[derive(Serialize)]
struct WireControl<'a> {
    holder: &'a str,
    user_id: u64,
    since: String,
    connection: u64,
}

#[derive(Serialize)]
struct WireEmergencyStop<'a> {
    active: bool,
    source: Option<StopSource>,
    by: Option<&'a str>,
    since: Option<String>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct WireMotion {
    command: &'static str,
    requested: WireVelocity,
    actual: Option<WireVelocity>,
    remaining: Option<f64>,
}

#[derive(Serialize)]
struct WireVelocity {
    linear: Option<f64>,
    angular: Option<f64>,
}

#[derive(Serialize)]
struct WireSafety<'a> {
    decision: SafetyDecision,
    reason: Option<&'static str>,
    zone: Option<&'a str>,
    limit: Option<WireVelocity>,
}

#[derive(Serialize)]
struct WireLidar {
    state: LidarState,
    age: Option<f64>,
    frequency: Option<f64>,
    range: Option<f64>,
}

#[derive(Serialize)]
struct WireDocking {
    state: DockingState,
    elapsed: Option<f64>,
}

#[derive(Serialize)]
struct WireSources {
    scan: Option<f64>,
    odom: Option<f64>,
    battery_state: Option<f64>,
    temperature: Option<f64>,
}

impl Data<'_> {
    fn of(report: &StatusReport) -> Data<'_> {
        let StatusReport { emergency_stop, lidar, docking, sources, .. } = report;
        let age = |age: Option<Duration>| age.and_then(number::seconds);
        Data {
            robot_id: report.robot_id,
            status: report.status,
            control: report.control.as_ref().map(|control| WireControl {
                holder: &control.holder,
                user_id: control.user_id,
                since: timestamp(control.since),
                connection: control.connection,
            }),
            emergency_stop: WireEmergencyStop {
                active: emergency_stop.active,
                source: emergency_stop.source,
                by: emergency_stop.by.as_deref(),
                since: emergency_stop.since.map(timestamp),
                reason: emergency_stop.reason.as_deref(),
            },
            motion: report.motion.as_ref().map(|motion| WireMotion {
                command: motion.command.as_str(),
                requested: motion.requested.into(),
                actual: motion.actual.map(WireVelocity::from),
                remaining: number::seconds(motion.remaining),
            }),
            safety: WireSafety {
                decision: report.safety.decision,
                reason: report.safety.reason,
                zone: report.safety.zone.as_deref(),
                limit: report.safety.limit.map(WireVelocity::from),
            },
            lidar: WireLidar {
                state: lidar.state,
                age: age(lidar.age),
                frequency: lidar.frequency.and_then(number::thousandths),
                range: lidar.range.and_then(number::thousandths),
            },
            docking: WireDocking { state: docking.state, elapsed: age(docking.elapsed) },
            sources: WireSources {
                scan: age(sources.scan),
                odom: age(sources.odom),
                battery_state: age(sources.battery_state),
                temperature: age(sources.temperature),
            },
        }
    }
}

impl From<Velocity> for WireVelocity {
    fn from(velocity: Velocity) -> WireVelocity {
        WireVelocity {
            linear: number::thousandths(velocity.linear),
            angular: number::thousandths(velocity.angular),
        }
    }
}
