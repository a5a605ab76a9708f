//! What the surroundings allow: critical, warning and safe zones over the raw points of each scan.
//!
//! [`Zones`] is the whole interface. It is pure, knows no tracks, and allocates nothing once it has seen a scan of each size.
//!
//! - [`ZoneConfig::around`] has the shipped values; [`Zones::new`] refuses a wrong configuration, naming everything that
//!   is wrong.
//! - [`Zones::scan`] takes every scan, as it arrives, in time linear in its beams.
//! - [`Zones::verdict`] is asked at every tick with the velocity that is about to be published, after clamps and ramp, and with
//!   the odometry's. What it says holds for that velocity and for slower ones in the same proportion. A velocity of zero asks for the
//!   general state. Before a motion is accepted it is asked with the velocity that is wanted.
//! - [`Zones::states`] tells each zone's state, for the status and for events of change.
//!
//! The caller ends the motion on [`Verdict::Stop`], and publishes [`Limit::of`] it on a limit. It adds what is not in a scan: a
//! second publisher on `scan`, the age of odometry (too old: `None`). Docking has a field set of its own: a second [`Zones`] that is
//! fed the same scans, with `follow_speed` off since it ends in contact.
//!
//! # Rules
//!
//! A zone of a depth holds every point at most that far from the footprint. Things count, not points: chains of neighbouring points,
//! as long as 20 mm at their range, 3 to 8 (`watch.rs`).
//! A critical zone is occupied by one scan, others by two; all are released when they, grown by the hysteresis, were clear
//! for a while.
//!
//! The critical depth follows the speed. What lies in the sector swept by the motion, nearer to the footprint than the way to rest from the speed
//! asked for, limits that speed to what can stop before it; nearer than the way from the actual speed, it stops. Speed is that of the
//! body's fastest point, so turns count. The sector is the one from the LiDAR that contains the area which the body enters: wider than the area,
//! never narrower. In it every direction must have been seen, and a 70 mm leg be recognisable as far as the way to rest goes.

use std::{sync::Arc, time::Duration};

use super::Velocity;

mod beams;
mod body;
mod boundary;
pub mod config;
pub mod geometry;
mod health;
mod near;
pub mod verdict;
mod watch;

#[cfg(test)]
mod tests;

use beams::Beams;
use body::{Body, Stopping, Sweep};
pub use config::{Area, Kind, Means, Sector, Zone, ZoneConfig, ZoneError};
use geometry::Polygon;
use health::Health;
use near::Near;
pub use verdict::{Cause, Limit, Stop, Verdict, ZoneId};
use watch::{Chain, Watch};

/// The zones around the robot, and what the newest scan shows in them.
#[derive(Debug, Clone)]
pub struct Zones {
    config: ZoneConfig,
    body: Body,
    watches: Vec<Watch>,
    beams: Beams,
    health: Health,
    near: Near,
    newest: Option<Newest>,
    /// Time from the scan before to the newest; at least the nominal period.
    period: Duration,
}

/// One sweep of the LiDAR as its driver sent it, with a header that `lidar::Scan` accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScanView<'a> {
    /// Frame of the LiDAR.
    pub frame_id: &'a str,
    /// Time of the first beam, s of the ROS clock.
    pub stamp: f64,
    /// The ROS clock when the scan arrived, s.
    pub ros_now: f64,
    /// Angle of the first beam, rad.
    pub angle_min: f64,
    /// Angle between beams, rad; negative for a LiDAR mounted upside down.
    pub angle_increment: f64,
    /// Shorter ranges are unreliable, m.
    pub range_min: f64,
    /// Longer ranges are no return, m.
    pub range_max: f64,
    /// One a beam, m.
    pub ranges: &'a [f32],
}

#[derive(Debug, Clone, Copy)]
struct Newest {
    arrival: Duration,
    /// Age when it arrived, s; negative: stamped ahead.
    age: f64,
    fault: Option<Stop>,
}

impl Zones {
    /// Zones that saw nothing yet, or everything that is wrong with their configuration.
    pub fn new(config: ZoneConfig) -> Result<Zones, Vec<ZoneError>> {
        let errors = config.check();
        if !errors.is_empty() {
            return Err(errors);
        }
        let named = |error| vec![ZoneError::Polygon { name: "footprint".to_owned(), error }];
        let footprint = Polygon::new(config.footprint.clone()).map_err(named)?;
        let watches: Result<Vec<_>, _> = config.zones.iter().map(Watch::new).collect();
        let deepest = config.zones.iter().map(|zone| match zone.area {
            Area::Depth(depth) | Area::Part(depth, _) => depth + config.hysteresis,
            Area::Outline(_) => 0.0,
        });
        let reach = deepest.fold(FAR, f64::max);
        Ok(Zones {
            body: Body::new(footprint, config.base_from_laser, reach),
            watches: watches.map_err(|error| vec![error])?,
            beams: Beams::new(),
            health: Health::new(),
            near: Near::new(),
            newest: None,
            period: config.scan_period,
            config,
        })
    }

    /// Takes a scan that arrived at `arrival`. One without beams or with numbers that are none is not taken.
    pub fn scan(&mut self, scan: &ScanView, arrival: Duration) {
        let header = [scan.angle_min, scan.angle_increment, scan.range_min, scan.range_max];
        let usable = header.iter().all(|value| value.is_finite()) && scan.angle_increment != 0.0;
        if !usable || scan.ranges.is_empty() {
            return;
        }
        let fault = if *scan.frame_id != *self.config.frame_id {
            Some(Stop::WrongFrame)
        } else {
            self.beams.read(scan, &self.config, &self.body);
            self.near.see(&self.beams, &self.body);
            for watch in &mut self.watches {
                watch.see(&self.beams, &self.near.held, &self.config, arrival);
            }
            self.health.judge(scan, &self.beams, &self.config, arrival)
        };
        let gap = self.newest.map(|newest| arrival.saturating_sub(newest.arrival));
        // A longer silence was a stop by itself, and is none of the LiDAR's rhythm.
        let gap = gap.unwrap_or_default().min(self.config.scan_timeout);
        self.period = gap.max(self.config.scan_period);
        self.newest = Some(Newest { arrival, age: scan.ros_now - scan.stamp, fault });
    }

    /// What the surroundings allow of `wanted`, while the robot moves with `actual` (`None`: not known).
    pub fn verdict(&self, wanted: Velocity, actual: Option<Velocity>, now: Duration) -> Verdict {
        if let Some(stop) = self.fault(now) {
            return Verdict::Stop(stop);
        }
        let moves = !wanted.is_zero();
        if !is_finite(wanted) {
            return Verdict::Stop(Stop::NotCovered);
        }
        let actual = actual.filter(|actual| is_finite(*actual));
        let critical = self.occupied(Kind::Critical);
        let leaves = critical.is_some() && moves && self.escapes(wanted);
        let stops = [
            critical.filter(|_| !leaves).map(Stop::Zone),
            self.overrun(actual, now).map(Stop::Zone),
            (moves && self.config.follow_speed && actual.is_none()).then_some(Stop::NoOdometry),
        ];
        if let Some(stop) = stops.into_iter().flatten().min() {
            return Verdict::Stop(stop);
        }
        let mut limit = None;
        if let Some(zone) = self.occupied(Kind::Warning) {
            let Velocity { linear, angular } = self.config.warning_limit;
            limit = Some(Limit { linear, angular, cause: Cause::Warning(zone) });
        }
        if moves {
            match self.limit_ahead(wanted, limit, critical, now) {
                Ok(ahead) => limit = ahead,
                Err(stop) => return Verdict::Stop(stop),
            }
        }
        match (limit, self.occupied(Kind::Safe)) {
            (Some(limit), _) => Verdict::Limit(limit),
            (None, Some(zone)) => Verdict::Report(zone),
            (None, None) => Verdict::Clear,
        }
    }

    /// What is wrong with the scans themselves, if anything; then nothing may move.
    pub fn fault(&self, now: Duration) -> Option<Stop> {
        let Some(newest) = self.newest else { return Some(Stop::NoScan) };
        let silence = now.saturating_sub(newest.arrival);
        let timeout = self.config.scan_timeout;
        // An age that is no number is too old. What was fresh when it came grows old for want of the next scan.
        let was_fresh = newest.age <= timeout.as_secs_f64();
        let aged = newest.age + silence.as_secs_f64() > timeout.as_secs_f64();
        let ahead = -newest.age > self.config.stamp_ahead.as_secs_f64();
        let faults = [
            (silence >= timeout || (was_fresh && aged)).then_some(Stop::ScanStale),
            newest.fault,
            ahead.then_some(Stop::StampFuture),
            (!was_fresh).then_some(Stop::StampOld),
        ];
        faults.into_iter().flatten().min()
    }

    /// The first zone of this kind that something is in.
    pub fn occupied(&self, kind: Kind) -> Option<ZoneId> {
        self.watches.iter().position(|watch| watch.kind == kind && watch.occupied).map(ZoneId)
    }

    /// When the newest scan came, whatever it shows.
    pub fn scanned(&self) -> Option<Duration> {
        self.newest.map(|newest| newest.arrival)
    }

    /// Name of a zone.
    pub fn name(&self, zone: ZoneId) -> Option<&Arc<str>> {
        self.config.zones.get(zone.0).map(|zone| &zone.name)
    }

    /// Outline of each zone, m, base frame, for people: the rules do not use it.
    pub fn boundaries(&self) -> Vec<Vec<[f64; 2]>> {
        let footprint = &self.body.footprint;
        self.config.zones.iter().map(|zone| boundary::of(&zone.area, footprint)).collect()
    }

    /// Each zone's name, kind, and whether something is in it.
    pub fn states(&self) -> impl Iterator<Item = (&Arc<str>, Kind, bool)> {
        let watches = self.config.zones.iter().zip(&self.watches);
        watches.map(|(zone, watch)| (&zone.name, zone.kind, watch.occupied))
    }

    /// What the zones were told.
    pub fn config(&self) -> &ZoneConfig {
        &self.config
    }

    /// The same curve, at most as fast as the robot's fastest point may be, m/s.
    pub fn no_faster(&self, velocity: Velocity, speed: f64) -> Velocity {
        let fastest = self.body.speed(velocity);
        let share = if fastest > speed { speed / fastest } else { 1.0 };
        Velocity { linear: velocity.linear * share, angular: velocity.angular * share }
    }

    /// How fast the robot's fastest point may be, m/s, with `room` m to stand in and the newest scan as old as it is at
    /// `now`.
    pub fn admissible_speed(&self, room: f64, now: Duration) -> f64 {
        self.stopping(now).speed(room)
    }

    /// Whether the motion leaves every point in every occupied critical zone.
    fn escapes(&self, wanted: Velocity) -> bool {
        let occupied = |watch: &&Watch| watch.kind == Kind::Critical && watch.occupied;
        let mut points = self.watches.iter().filter(occupied).flat_map(|watch| &watch.inside);
        self.config.allow_escape && points.all(|point| self.body.leaves(*point, wanted))
    }

    /// The critical zone that the actual speed makes too small.
    fn overrun(&self, actual: Option<Velocity>, now: Duration) -> Option<ZoneId> {
        let actual = actual.filter(|_| self.config.follow_speed)?;
        let speed = self.body.speed(actual);
        if speed < REST {
            return None;
        }
        let path = self.stopping(now).path(speed);
        let sweep = self.body.sweep(actual, path.max(LEAST_SWEEP));
        self.is_occupied(&sweep, path).then(|| self.first_critical())
    }

    /// The limits that the motion itself meets, on top of those of a warning.
    fn limit_ahead(
        &self,
        wanted: Velocity,
        warning: Option<Limit>,
        critical: Option<ZoneId>,
        now: Duration,
    ) -> Result<Option<Limit>, Stop> {
        let wanted = warning.map_or(wanted, |limit| limit.of(wanted));
        let speed = self.body.speed(wanted);
        let stopping = self.stopping(now);
        let way = stopping.distance(speed);
        let sweep = self.body.sweep(wanted, way.max(LEAST_SWEEP));
        let covered = |(needed, covered): (&bool, &bool)| !needed || *covered;
        let seen = sweep.entered.iter().zip(&self.beams.covered).all(covered);
        if self.config.follow_speed && !seen {
            return Err(Stop::NotCovered);
        }
        // An escape is named as one even where it is slow enough.
        let mut most = match critical {
            Some(zone) => (speed.min(self.config.escape_speed), Some(Cause::Escape(zone))),
            None => (speed, None),
        };
        let mut lower = |allowed: f64, cause| {
            if allowed < most.0 {
                most = (allowed, Some(cause));
            }
        };
        if self.config.follow_speed {
            let sight = stopping.speed(self.beams.sight - sweep.lead);
            if sight == 0.0 {
                return Err(Stop::NotCovered);
            }
            lower(sight, Cause::Sight);
            if let Some(free) = self.nearest(&sweep, way) {
                let allowed = stopping.speed(free);
                if allowed == 0.0 {
                    return Err(Stop::Zone(self.first_critical()));
                }
                lower(allowed, Cause::StopDistance);
            }
        }
        let (allowed, Some(cause)) = most else { return Ok(warning) };
        let share = allowed / speed;
        let (linear, angular) = (wanted.linear.abs() * share, wanted.angular.abs() * share);
        Ok(Some(Limit { linear, angular, cause }))
    }

    /// Distance from the footprint to the nearest thing in the sector, if it is less than `depth`; m, rounded down.
    fn nearest(&self, sweep: &Sweep, depth: f64) -> Option<f64> {
        if !self.is_occupied(sweep, depth) {
            return None;
        }
        // Between 0 and infinity there is no middle.
        let (mut free, mut occupied) = (0.0, depth.min(FARTHEST));
        while occupied - free > RESOLUTION {
            let middle = f64::midpoint(free, occupied);
            if self.is_occupied(sweep, middle) { occupied = middle } else { free = middle }
        }
        Some(free)
    }

    /// Whether a thing stands in the sector, at most `depth` m from the footprint.
    fn is_occupied(&self, sweep: &Sweep, depth: f64) -> bool {
        let mut held = self.near.held.iter().zip(&self.near.held_bins);
        if held.any(|((_, distance), bin)| sweep.bins[*bin] && *distance <= depth) {
            return true;
        }
        let mut chain = Chain::default();
        self.beams.around().any(|(index, hit)| {
            hit.distance <= depth
                && sweep.bins[self.beams.bin_of(hit)]
                && chain.completes(index, hit, self.beams.need(hit))
        })
    }

    fn first_critical(&self) -> ZoneId {
        ZoneId(self.watches.iter().position(|watch| watch.kind == Kind::Critical).unwrap_or(0))
    }

    fn stopping(&self, now: Duration) -> Stopping {
        let age = self.newest.map_or(0.0, |newest| {
            newest.age.max(0.0) + now.saturating_sub(newest.arrival).as_secs_f64()
        });
        Stopping {
            reaction: age + self.period.as_secs_f64() + DELAY,
            deceleration: self.config.deceleration,
            margin: self.config.margin,
        }
    }
}

fn is_finite(velocity: Velocity) -> bool {
    velocity.linear.is_finite() && velocity.angular.is_finite()
}

/// From a decision to the brakes, s.
const DELAY: f64 = 0.1;

/// Slower than this, m/s, the robot goes nowhere.
const REST: f64 = 0.02;

/// At least this much of a motion is looked at, m.
const LEAST_SWEEP: f64 = 0.1;

/// Up to here at least, m from the footprint, distances are exact: the way to rest from 2 m/s.
const FAR: f64 = 3.0;

/// Free distances are known to this, m.
const RESOLUTION: f64 = 0.01;

/// Beyond what any LiDAR sees, m: a longer way to rest is free up to here at most.
const FARTHEST: f64 = 1000.0;
