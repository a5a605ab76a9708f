//! The simulated LiDAR: ray-cast ranges with the faults that real ones have.

use std::{
    f64::consts::{PI, TAU},
    time::Duration,
};

use nalgebra::{Isometry2, UnitComplex, Vector2};

use super::{
    hall::{Disc, Hall},
    random::Random,
};

/// The LiDAR and how it is mounted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LidarConfig {
    /// Pose of the LiDAR in the robot's base frame (REP 103).
    pub base_from_laser: Isometry2<f64>,
    /// Beams of a full turn; the first one points backwards, at -pi.
    pub beams: usize,
    /// Scans a second, Hz; see [`FREQUENCIES`].
    pub frequency: f64,
    /// What is nearer is not measured reliably, m. The simulated LiDAR measures it all the same.
    pub range_min: f64,
    /// What is farther is not seen, m.
    pub range_max: f64,
    /// Standard deviation of a range, m.
    pub noise: f64,
    /// Probability that a beam is lost.
    pub dropout: f64,
    /// From the motor's start to the first scan.
    pub spin_up: Duration,
}

/// One turn of the LiDAR. All beams are of the same moment: the sweep is not simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Time in the world.
    pub at: Duration,
    /// Time to the next scan.
    pub period: Duration,
    /// Angle of the first beam, rad, counter-clockwise from the LiDAR's x axis.
    pub angle_min: f64,
    /// Angle between beams, rad.
    pub angle_increment: f64,
    /// m
    pub range_min: f64,
    /// m
    pub range_max: f64,
    /// One a beam, m: NaN for a lost beam, infinite where nothing is within `range_max`.
    pub ranges: Vec<f32>,
}

/// A scan frequency that the LiDAR's motor cannot turn at.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("scan frequency {0} Hz is outside {min} to {max} Hz", min = FREQUENCIES.0, max = FREQUENCIES.1)]
pub struct FrequencyError(pub f64);

/// Lowest and highest scan frequency, Hz.
pub const FREQUENCIES: (f64, f64) = (1.0, 50.0);

#[derive(Debug, Clone)]
pub(super) struct Lidar {
    config: LidarConfig,
    random: Random,
    /// When the next scan is due; `None` while the motor stands.
    due: Option<Duration>,
}

impl Lidar {
    pub(super) fn new(config: LidarConfig, random: Random) -> Lidar {
        let due = Some(period(config.frequency));
        Lidar { config, random, due }
    }

    pub(super) fn set_motor(&mut self, on: bool, now: Duration) {
        self.due = match self.due {
            Some(due) if on => Some(due),
            None if on => Some(now + self.config.spin_up),
            _ => None,
        };
    }

    pub(super) fn set_frequency(&mut self, frequency: f64) -> Result<(), FrequencyError> {
        if !(FREQUENCIES.0..=FREQUENCIES.1).contains(&frequency) {
            return Err(FrequencyError(frequency));
        }
        self.config.frequency = frequency;
        Ok(())
    }

    /// Whether a scan is to be taken at `now`; moves on to the next one.
    pub(super) fn is_due(&mut self, now: Duration) -> bool {
        let Some(due) = self.due.filter(|due| *due <= now) else {
            return false;
        };
        // Late by more than a period: scans are left out, not made up for.
        self.due = Some((due + self.period()).max(now));
        true
    }

    pub(super) fn scan(
        &mut self,
        at: Duration,
        base: Isometry2<f64>,
        hall: &Hall,
        people: impl Iterator<Item = Disc> + Clone,
    ) -> Scan {
        let laser = base * self.config.base_from_laser;
        let origin = laser.translation.vector.into();
        let angle_increment = TAU / self.config.beams as f64;
        let ranges = (0..self.config.beams)
            .map(|beam| {
                let angle = UnitComplex::new(-PI + beam as f64 * angle_increment);
                let direction = laser.rotation * angle * Vector2::x();
                let nearest = people
                    .clone()
                    .map(|person| person.cast(origin, direction))
                    .fold(hall.cast(origin, direction), f64::min);
                self.measure(nearest) as f32
            })
            .collect();
        Scan {
            at,
            period: self.period(),
            angle_min: -PI,
            angle_increment,
            range_min: self.config.range_min,
            range_max: self.config.range_max,
            ranges,
        }
    }

    fn measure(&mut self, distance: f64) -> f64 {
        if self.random.uniform() < self.config.dropout {
            return f64::NAN;
        }
        let range = distance + self.config.noise * self.random.gaussian();
        if range > self.config.range_max { f64::INFINITY } else { range.max(0.0) }
    }

    fn period(&self) -> Duration {
        period(self.config.frequency)
    }
}

fn period(frequency: f64) -> Duration {
    Duration::from_secs_f64(1.0 / frequency)
}
