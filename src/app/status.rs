//! The telemetry and robot_status streams: what is known now, and nothing that is not.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior},
};

use crate::{
    clock::Clock,
    config::TelemetryConfig,
    hub::{Frame, Hub},
    protocol::{
        Encoding, Stream,
        server::{
            self, Control, DockingCommand, DockingState, EmergencyStop, Lidar, LidarState, Motion,
            RobotStatus, Safety, SafetyDecision, Sources, StatusReport, Telemetry,
        },
    },
    robot::{Battery, Newest, Odometry, Received},
    safety::{Action, Reason, Summary, Velocity},
    telemetry::metrics::Metrics,
};

use super::{
    battery,
    events::{Teller, wire_source},
    latch_file,
    lidar::Settings,
    motion::{Dock, Report},
};

/// What the status task is wired to.
pub struct Wiring {
    /// From the configuration.
    pub robot_id: u64,
    /// When an input is too old to be told.
    pub timeouts: TelemetryConfig,
    /// Slower than this is rest, m/s and rad/s.
    pub rest_speed: f64,
    /// What the motion task reports.
    pub report: watch::Receiver<Report>,
    /// Arrival of the newest valid scan.
    pub scanned: watch::Receiver<Option<Duration>>,
    /// What was commanded of the LiDAR.
    pub settings: watch::Receiver<Settings>,
    /// Position and speed.
    pub odometry: Newest<Odometry>,
    /// State of charge.
    pub battery: Newest<Battery>,
    /// Degrees Celsius.
    pub temperature: Newest<f64>,
    /// Where the streams go.
    pub hub: Hub,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where warnings go.
    pub teller: Teller,
    /// The time.
    pub clock: Clock,
}

/// Runs for ever; a return is a fault.
pub async fn run(mut wiring: Wiring) {
    let mut ticks = ticks();
    let mut telemetry_seq = 0;
    let mut status_seq = 0;
    let mut told: Option<(Essence, Duration)> = None;
    // Somebody subscribed and has seen nothing yet.
    let mut asked = false;
    let mut battery = battery::Watch::new(wiring.timeouts.battery_low);
    let hub = wiring.hub.clone();
    loop {
        let watched =
            [Stream::Telemetry, Stream::RobotStatus].iter().any(|it| hub.subscribers(*it) > 0);
        tokio::select! {
            _ = ticks.tick(), if watched => {
                if hub.subscribers(Stream::Telemetry) > 0 {
                    telemetry_seq += 1;
                    wiring.publish(Stream::Telemetry, wiring.telemetry(telemetry_seq));
                }
            }
            Ok(()) = wiring.battery.changed() => wiring.warn_of_battery(&mut battery),
            Ok(()) = wiring.report.changed() => {}
            () = hub.wanted(Stream::Telemetry) => {}
            () = hub.wanted(Stream::RobotStatus) => asked = true,
        }
        if hub.subscribers(Stream::RobotStatus) > 0 {
            let now = wiring.clock.now();
            let report = wiring.status();
            let essence = Essence::of(&report);
            let due = told.as_ref().is_none_or(|(known, at)| {
                let age = now.saturating_sub(*at);
                *known != essence || age >= STATUS_PERIOD || (asked && age >= TELEMETRY_PERIOD)
            });
            if due {
                asked = false;
                status_seq += 1;
                told = Some((essence, now));
                let text = server::robot_status_update(
                    &report,
                    status_seq,
                    wiring.stamp(),
                    wiring.clock.unix(),
                );
                wiring.publish(Stream::RobotStatus, Frame::text(&text).numbered(status_seq));
            }
        }
    }
}

/// The part of a status whose change is told at once; the rest (ages, time left, speeds) changes all the time.
#[derive(PartialEq)]
struct Essence {
    status: RobotStatus,
    control: Option<u64>,
    emergency_stop: EmergencyStop,
    motion: Option<(&'static str, Velocity)>,
    safety: Safety,
    lidar: (LidarState, Option<f64>, Option<f64>),
    docking: DockingState,
}

impl Essence {
    fn of(report: &StatusReport) -> Essence {
        Essence {
            status: report.status,
            control: report.control.as_ref().map(|control| control.user_id),
            emergency_stop: EmergencyStop { since: None, ..report.emergency_stop.clone() },
            motion: report
                .motion
                .as_ref()
                .map(|motion| (motion.command.as_str(), motion.requested)),
            safety: report.safety.clone(),
            lidar: (report.lidar.state, report.lidar.frequency, report.lidar.range),
            docking: report.docking.state,
        }
    }
}

impl Wiring {
    fn publish(&self, stream: Stream, frame: Frame) {
        self.hub.publish(stream, frame);
        self.metrics.encoded(stream.as_str(), Encoding::Json.as_str());
    }

    fn warn_of_battery(&self, watch: &mut battery::Watch) {
        let charge = self.fresh(&self.battery, self.timeouts.battery_timeout);
        if let Some(fraction) = charge.and_then(|battery| battery.fraction)
            && watch.warns(fraction)
        {
            self.teller.battery_low(percent(fraction));
        }
    }

    fn telemetry(&self, seq: u64) -> Frame {
        let odometry = self.fresh(&self.odometry, self.timeouts.odom_timeout);
        let battery = self.fresh(&self.battery, self.timeouts.battery_timeout);
        let telemetry = Telemetry {
            robot_id: self.robot_id,
            status: self.in_one_word(),
            position: odometry.as_ref().map(|odometry| odometry.position),
            yaw: odometry.as_ref().map(|odometry| odometry.yaw),
            speed: odometry.as_ref().map(|odometry| odometry.linear.hypot(odometry.lateral)),
            battery_level: battery.and_then(|battery| battery.fraction).map(percent),
            temperature: self.fresh(&self.temperature, self.timeouts.temperature_timeout),
        };
        let text = server::telemetry_update(&telemetry, seq, self.stamp(), self.clock.unix());
        Frame::text(&text).numbered(seq)
    }

    fn status(&self) -> StatusReport {
        let report = self.report.borrow().clone();
        let odometry = self.fresh(&self.odometry, self.timeouts.odom_timeout);
        StatusReport {
            robot_id: self.robot_id,
            status: self.in_one_word(),
            control: report.holder.map(|holder| Control {
                holder: holder.caller.username.clone(),
                user_id: holder.caller.user_id,
                connection: holder.caller.connection.0,
                since: self.clock.unix_at(holder.since),
            }),
            emergency_stop: report.emergency_stop.map_or_else(EmergencyStop::default, |stop| {
                let since = latch_file::began(&stop, &self.clock);
                EmergencyStop {
                    active: true,
                    source: Some(wire_source(stop.source)),
                    by: stop.by.map(|caller| caller.username),
                    since: Some(since),
                    reason: Some(stop.reason),
                }
            }),
            motion: report.motion.map(|motion| Motion {
                command: motion.kind,
                requested: motion.requested,
                actual: odometry.map(|odometry| Velocity {
                    linear: odometry.linear,
                    angular: odometry.angular,
                }),
                remaining: motion.remaining,
            }),
            safety: safety(report.safety),
            lidar: self.lidar(),
            docking: self.docking(report.dock),
            sources: Sources {
                scan: self.age_of(*self.scanned.borrow()),
                odom: self.age(&self.odometry),
                battery_state: self.age(&self.battery),
                temperature: self.age(&self.temperature),
            },
        }
    }

    /// The most important of what holds; see [`RobotStatus`] for the order.
    fn in_one_word(&self) -> RobotStatus {
        let report = self.report.borrow();
        let odometry = self.fresh(&self.odometry, self.timeouts.odom_timeout);
        let moving = odometry.as_ref().is_some_and(|odometry| {
            odometry.linear.hypot(odometry.lateral) >= self.rest_speed
                || odometry.angular.abs() >= self.rest_speed
        });
        let charging = self
            .fresh(&self.battery, self.timeouts.battery_timeout)
            .is_some_and(|battery| battery.charging);
        let holds = [
            (report.emergency_stop.is_some(), RobotStatus::EmergencyStop),
            (odometry.is_none(), RobotStatus::Offline),
            (report.safety.reason.is_some_and(is_fault), RobotStatus::Error),
            (matches!(report.dock, Dock::Under(DockingCommand::Dock, _)), RobotStatus::Docking),
            (matches!(report.dock, Dock::Under(DockingCommand::Undock, _)), RobotStatus::Undocking),
            (moving, RobotStatus::Moving),
            (report.held, RobotStatus::Paused),
            (charging, RobotStatus::Charging),
            (report.dock == Dock::On, RobotStatus::Docked),
        ];
        let status = holds.into_iter().filter(|(holds, _)| *holds).map(|(_, status)| status).min();
        status.unwrap_or(RobotStatus::Idle)
    }

    fn lidar(&self) -> Lidar {
        let settings = *self.settings.borrow();
        let age = self.age_of(*self.scanned.borrow());
        let state = match age {
            Some(age) if age < self.timeouts.scan_timeout => LidarState::Scanning,
            _ if settings.stopped => LidarState::Stopped,
            Some(_) => LidarState::Lost,
            None => LidarState::Absent,
        };
        Lidar { state, age, frequency: settings.frequency, range: settings.range }
    }

    fn docking(&self, dock: Dock) -> server::Docking {
        let (state, since) = match dock {
            Dock::Unknown => (DockingState::Unknown, None),
            Dock::Under(DockingCommand::Dock, since) => (DockingState::Docking, Some(since)),
            Dock::Under(DockingCommand::Undock, since) => (DockingState::Undocking, Some(since)),
            Dock::On => (DockingState::Docked, None),
            Dock::Off => (DockingState::Undocked, None),
            Dock::Failed => (DockingState::Failed, None),
        };
        server::Docking { state, elapsed: self.age_of(since) }
    }

    /// The newest value, unless it is too old.
    fn fresh<T: Clone>(&self, input: &Newest<T>, timeout: Duration) -> Option<T> {
        let now = self.clock.now();
        let newest = input.borrow();
        newest
            .as_ref()
            .filter(|received| now.saturating_sub(received.at) < timeout)
            .map(|received| received.value.clone())
    }

    fn age<T>(&self, input: &Newest<T>) -> Option<Duration> {
        self.age_of(input.borrow().as_ref().map(|Received { at, .. }| *at))
    }

    fn age_of(&self, at: Option<Duration>) -> Option<Duration> {
        at.map(|at| self.clock.now().saturating_sub(at))
    }

    /// The odometry's own time stamp.
    fn stamp(&self) -> Option<Duration> {
        let odometry = self.fresh(&self.odometry, self.timeouts.odom_timeout)?;
        Duration::try_from_secs_f64(odometry.stamp).ok()
    }
}

/// A state of charge in percent; drivers overshoot a little.
fn percent(fraction: f64) -> u8 {
    (fraction.clamp(0.0, 1.0) * 100.0).round() as u8
}

fn safety(summary: Summary) -> Safety {
    let decision = match summary.action {
        Action::Go => SafetyDecision::Allow,
        Action::Limit => SafetyDecision::Limit,
        Action::Stop | Action::EmergencyStop => SafetyDecision::Stop,
    };
    let reason = summary.reason.filter(|_| summary.action != Action::Go).map(Reason::as_str);
    Safety { decision, reason, zone: summary.zone, limit: summary.limit }
}

/// What somebody has to repair before the robot can move again.
fn is_fault(reason: Reason) -> bool {
    use crate::safety::zone::Stop;
    matches!(
        reason,
        Reason::CmdVelShared
            | Reason::ScanShared
            | Reason::Held(Stop::WrongFrame | Stop::StampFuture | Stop::Frozen)
    )
}

fn ticks() -> Interval {
    let mut ticks = tokio::time::interval(TELEMETRY_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// 10 Hz.
const TELEMETRY_PERIOD: Duration = Duration::from_millis(100);

/// Without a change, once a second.
const STATUS_PERIOD: Duration = Duration::from_secs(1);
