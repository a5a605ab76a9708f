//! The commissioning test of the drive's own watchdog: drive slowly, fall silent, see by odometry whether it stops.
//!
//! When the bridge dies, nothing but that watchdog stops the robot. [`DriveCheck`] is the one maker of [`SafeVelocity`]
//! besides the Gate, and runs instead of it: `oht50_bridge --check-drive` has no server, so nobody else can ask for motion.

use std::time::Duration;

use super::{
    GateConfig, SafeVelocity, Velocity,
    facts::{Graph, HardwareStop},
    gate::TICK,
    limit,
    zone::{self, Verdict as Surroundings},
};

mod braking;
mod verdict;

#[cfg(test)]
mod tests;

use braking::{Braking, Sample};
pub use verdict::{Hindrance, Verdict};

/// Drives, falls silent and judges. One owner feeds it with odometry and conditions, and publishes what
/// [`tick`](DriveCheck::tick) returns; `None` means that nothing may be published, not even zero.
#[derive(Debug)]
pub struct DriveCheck {
    config: GateConfig,
    latched: bool,
    conditions: Conditions,
    /// The newest odometry, and the sideways and turning parts of it.
    odometry: Option<(Sample, Velocity)>,
    output: Velocity,
    /// The newest tick of a check that goes on.
    ticked: Duration,
    /// Driven since the beginning, by odometry, m.
    way: f64,
    phase: Phase,
}

/// What must hold besides the odometry, as it is known at a tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// Who is on the topics that matter.
    pub graph: Graph,
    /// What keeps the robot's own emergency stop from being known as released.
    pub hardware_stop: Option<HardwareStop>,
    /// What the surroundings allow of [`asked`](DriveCheck::asked).
    pub surroundings: Surroundings,
}

#[derive(Debug)]
enum Phase {
    /// Nothing is published.
    Waiting,
    /// The velocity is published until the odometry has shown motion for [`STEADY`].
    Driving { begun: Duration, moved: Option<Duration>, speeds: Mean },
    /// Nothing is published: this is the test.
    Silent { since: Duration, braking: Braking },
    /// Zero is published, whatever came out.
    Zero { since: Duration, verdict: Verdict },
    /// Nothing is published any more.
    Done { verdict: Verdict, at_rest: bool },
}

#[derive(Debug, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl DriveCheck {
    /// A check that has not begun. `latched`: the emergency stop is, which refuses it.
    pub fn new(config: GateConfig, latched: bool) -> DriveCheck {
        DriveCheck {
            config,
            latched,
            conditions: Conditions {
                graph: Graph::default(),
                hardware_stop: None,
                surroundings: Surroundings::Stop(zone::Stop::NoScan),
            },
            odometry: None,
            output: Velocity::default(),
            ticked: Duration::ZERO,
            way: 0.0,
            phase: Phase::Waiting,
        }
    }

    /// The speed that is driven, m/s: [`SPEED`], or the highest that is allowed.
    pub fn speed(&self) -> f64 {
        SPEED.min(self.config.max_linear_speed)
    }

    /// What is driven, for the surroundings to judge.
    pub fn asked(&self) -> Velocity {
        Velocity { linear: self.speed(), angular: 0.0 }
    }

    /// How the robot moves, by fresh odometry.
    pub fn actual(&self, now: Duration) -> Option<Velocity> {
        self.odometry.filter(|_| self.is_known(now)).map(|(_, velocity)| velocity)
    }

    /// The robot's own measure of its velocity came. `linear` includes what it slides sideways.
    pub fn odometry(&mut self, velocity: Velocity, at: Duration) {
        let sample = Sample { speed: velocity.linear, at };
        let enough = self.enough();
        let before = self.odometry.replace((sample, velocity)).map(|(sample, _)| sample);
        match &mut self.phase {
            Phase::Driving { moved, speeds, .. } => {
                if let Some(moved) = moved {
                    // The first half may still belong to the start.
                    if at.saturating_sub(*moved) >= STEADY / 2 {
                        speeds.add(sample.speed);
                    }
                } else if sample.speed >= enough {
                    *moved = Some(at);
                }
            }
            Phase::Silent { braking, .. } => braking.sample(sample),
            Phase::Waiting | Phase::Zero { .. } | Phase::Done { .. } => return,
        }
        if let Some(before) = before {
            self.way += sample.speed.abs() * at.saturating_sub(before.at).as_secs_f64();
        }
    }

    /// What else holds now.
    pub fn conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// Everything because of which nothing may be driven now, from the most restrictive on.
    pub fn hindrances(&self, now: Duration) -> Vec<Hindrance> {
        let mut found = self.dangers(now);
        if self.is_known(now) && !self.is_at_rest(now) {
            found.push(Hindrance::NotAtRest);
        }
        if 4.0 * self.config.rest_speed > self.speed() {
            found.push(Hindrance::RestSpeed);
        }
        found
    }

    /// Starts to drive with the next tick, if nothing hinders.
    pub fn begin(&mut self, now: Duration) -> Result<(), Vec<Hindrance>> {
        let found = self.hindrances(now);
        if !found.is_empty() {
            return Err(found);
        }
        self.ticked = now;
        self.phase = Phase::Driving { begun: now, moved: None, speeds: Mean::default() };
        Ok(())
    }

    /// Somebody wants it to end: the next tick publishes zero.
    pub fn interrupt(&mut self, now: Duration) {
        if matches!(self.phase, Phase::Driving { .. } | Phase::Silent { .. }) {
            self.end(Verdict::Aborted(Hindrance::Interrupted), now);
        }
    }

    /// What to publish now. Called every [`TICK`], and at once after an interruption.
    pub fn tick(&mut self, now: Duration) -> Option<SafeVelocity> {
        if let Phase::Driving { .. } | Phase::Silent { .. } = self.phase
            && let Some(verdict) = self.verdict_now(now)
        {
            self.end(verdict, now);
        }
        self.fall_silent(now);
        let published = match &mut self.phase {
            Phase::Driving { .. } => {
                let target = self.asked();
                self.output = limit::ramp(self.output, target, TICK.as_secs_f64(), &self.config);
                Some(SafeVelocity(self.output))
            }
            Phase::Zero { since, .. } => {
                let since = now.saturating_sub(*since);
                let at_rest = self.is_at_rest(now);
                if since >= ZEROS && (at_rest || since >= PATIENCE) {
                    self.finish(at_rest);
                    None
                } else {
                    Some(SafeVelocity::STOP)
                }
            }
            Phase::Waiting | Phase::Silent { .. } | Phase::Done { .. } => None,
        };
        self.ticked = now;
        published
    }

    /// What came out, and whether the robot is known to stand, once everything is over.
    pub fn verdict(&self) -> Option<(&Verdict, bool)> {
        match &self.phase {
            Phase::Done { verdict, at_rest } => Some((verdict, *at_rest)),
            _ => None,
        }
    }

    /// After enough of driving. The newest tick published a velocity: the silence counts from there.
    fn fall_silent(&mut self, now: Duration) {
        if let Phase::Driving { moved: Some(moved), speeds, .. } = &self.phase
            && now.saturating_sub(*moved) >= STEADY
            && let Some((newest, _)) = self.odometry
        {
            let braking = Braking::new(speeds.value(), self.config.rest_speed, newest);
            self.output = Velocity::default();
            self.phase = Phase::Silent { since: self.ticked, braking };
        }
    }

    /// Why driving or silence end now, if they do.
    fn verdict_now(&self, now: Duration) -> Option<Verdict> {
        if now.saturating_sub(self.ticked) > SUSPENDED {
            return Some(Verdict::Aborted(Hindrance::Suspended));
        }
        let danger = self.dangers(now).into_iter().next().or_else(|| self.runaway());
        if let Some(danger) = danger {
            return Some(Verdict::Aborted(danger));
        }
        match &self.phase {
            Phase::Driving { begun, moved: None, .. } => {
                let ramp = Duration::from_secs_f64(self.speed() / self.config.linear_acceleration);
                (now.saturating_sub(*begun) >= OBEDIENCE + ramp).then_some(Verdict::Disobeyed)
            }
            Phase::Driving { moved: Some(moved), speeds, .. } => {
                let slow = speeds.value() < self.enough();
                (now.saturating_sub(*moved) >= STEADY && slow).then_some(Verdict::Disobeyed)
            }
            Phase::Silent { since, braking } => match braking.result(*since) {
                Some((acted, rest)) => Some(Verdict::Stopped { acted, rest }),
                None => {
                    let over = now.saturating_sub(*since) >= PATIENCE;
                    (over && !braking.stands()).then_some(Verdict::Off)
                }
            },
            Phase::Waiting | Phase::Zero { .. } | Phase::Done { .. } => None,
        }
    }

    /// What forbids to drive before and during the check.
    fn dangers(&self, now: Duration) -> Vec<Hindrance> {
        let Conditions { graph, hardware_stop, surroundings } = self.conditions;
        let mut found = Vec::new();
        if self.latched {
            found.push(Hindrance::Latched);
        }
        found.extend(hardware_stop.map(Hindrance::HardwareStop));
        if graph.cmd_vel_shared {
            found.push(Hindrance::CmdVelShared);
        }
        if graph.scan_shared {
            found.push(Hindrance::ScanShared);
        }
        if !graph.drive_present {
            found.push(Hindrance::DriveAbsent);
        }
        if !self.is_known(now) {
            found.push(Hindrance::OdometryAbsent);
        }
        match surroundings {
            // Told already.
            Surroundings::Stop(zone::Stop::NoOdometry) => {}
            Surroundings::Stop(stop) => found.push(Hindrance::Held(stop)),
            Surroundings::Limit(limit) if limit.linear < self.speed() => {
                found.push(Hindrance::NoRoom);
            }
            Surroundings::Limit(_) | Surroundings::Report(_) | Surroundings::Clear => {}
        }
        found
    }

    /// A robot that does anything else than creep forward.
    fn runaway(&self) -> Option<Hindrance> {
        let (sample, velocity) = self.odometry.as_ref()?;
        let speed = self.speed();
        if sample.speed <= -self.enough() {
            Some(Hindrance::Backwards)
        } else if sample.speed > TOO_FAST * speed || velocity.angular.abs() > TURNING {
            Some(Hindrance::TooFast)
        } else {
            (self.way > FREE_WAY - MARGIN).then_some(Hindrance::TooFar)
        }
    }

    /// What odometry must show to count as driving, m/s: half of what was commanded, and clear of what counts as rest.
    fn enough(&self) -> f64 {
        (self.speed() / 2.0).max(3.0 * self.config.rest_speed)
    }

    /// Whether the odometry is fresh.
    fn is_known(&self, now: Duration) -> bool {
        let fresh = |at| now.saturating_sub(at) < self.config.odom_timeout;
        self.odometry.as_ref().is_some_and(|(sample, _)| fresh(sample.at))
    }

    fn is_at_rest(&self, now: Duration) -> bool {
        let rest = self.config.rest_speed;
        self.is_known(now)
            && self.odometry.as_ref().is_some_and(|(sample, velocity)| {
                sample.speed.abs() < rest && velocity.angular.abs() < rest
            })
    }

    fn end(&mut self, verdict: Verdict, now: Duration) {
        self.output = Velocity::default();
        self.phase = Phase::Zero { since: now, verdict };
    }

    fn finish(&mut self, at_rest: bool) {
        if let Phase::Zero { verdict, .. } = std::mem::replace(&mut self.phase, Phase::Waiting) {
            self.phase = Phase::Done { verdict, at_rest };
        }
    }
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    /// Zero of nothing.
    fn value(&self) -> f64 {
        if self.count > 0.0 { self.sum / self.count } else { 0.0 }
    }
}

/// m/s
pub const SPEED: f64 = 0.05;

/// What must be free ahead of the robot, m: more than [`SPEED`] drives from the beginning to the last limit.
pub const FREE_WAY: f64 = 0.5;

/// The drive commands zero this long after the last velocity, or its watchdog is too slow.
pub const WATCHDOG: Duration = Duration::from_millis(550);

/// A drive that shows no motion for this long does not obey.
const OBEDIENCE: Duration = Duration::from_secs(3);

/// How long it drives before the silence.
const STEADY: Duration = Duration::from_secs(1);

/// How long nothing is published at most; then zero ends the check. Zero is repeated for no longer either.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// Zero is repeated for this long at least.
const ZEROS: Duration = Duration::from_millis(500);

/// A longer gap between ticks means that the process did not run, and measured nothing.
const SUSPENDED: Duration = Duration::from_millis(100);

/// Times the commanded speed.
const TOO_FAST: f64 = 3.0;

/// A robot that was sent straight ahead does not turn as fast as this, rad/s.
const TURNING: f64 = 0.2;

/// Of the free way, kept for braking, m.
const MARGIN: f64 = 0.1;
