//! What the LiDAR sees: scans become points in the robot's base frame, and a measure of how good they are.
//!
//! A [`Picture`] has points and a quality, for people. Nothing in here stops the robot: safety reads the raw points by
//! itself.

use std::{sync::Arc, time::Duration};

use nalgebra::{Isometry2, Point2};

pub mod cluster;
pub mod memory;
pub mod own;
pub mod projection;
pub mod quality;
pub mod scan;
pub mod shape;
pub mod track;
pub mod tracker;
pub mod trail;

use cluster::{Cluster, Sweep};
use memory::Memory;
use own::OwnBody;
use projection::{Hit, Projection};
use quality::Quality;
pub use scan::{Beam, Scan, ScanError};
use tracker::{Sight, Tracker};

/// One sweep of the LiDAR as a driver sends it (`sensor_msgs/LaserScan`), before any judgement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RawScan {
    /// Time of the first beam, seconds since the epoch of the ROS clock.
    pub stamp: f64,
    /// The same in ns, exactly, for those who join messages by their stamps: an `f64` of today's seconds has steps of 240 ns.
    pub stamp_nanoseconds: i64,
    /// What the ROS clock said when the scan arrived, s.
    pub ros_now: f64,
    /// Frame of the LiDAR.
    pub frame_id: Arc<str>,
    /// Angle of the first beam, rad, counter-clockwise from the LiDAR's x axis.
    pub angle_min: f64,
    /// Angle between beams, rad; negative for a LiDAR mounted upside down.
    pub angle_increment: f64,
    /// Shorter ranges are too close to be measured, m.
    pub range_min: f64,
    /// Longer ranges are no return, m.
    pub range_max: f64,
    /// One range a beam, m; NaN, infinities, zero and negative numbers are what drivers make of a missing return.
    pub ranges: Arc<[f32]>,
}

/// How the LiDAR is mounted and how its beams are read.
#[derive(Debug, Clone, PartialEq)]
pub struct LidarConfig {
    /// Pose of the LiDAR in the robot's base frame (REP 103).
    pub base_from_laser: Isometry2<f64>,
    /// Nominal time between scans, s; used by the quality.
    pub scan_period: f64,
    /// What is the robot itself is not followed.
    pub own_body: OwnBody,
}

/// What a scan shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Picture {
    /// Where beams hit, in the base frame, m.
    pub points: Vec<[f64; 2]>,
    /// What is followed, nearest first.
    pub obstacles: Vec<Obstacle>,
    /// 0 to 1, see [`quality`].
    pub quality: f64,
    /// The scan's own time stamp, s.
    pub stamp: f64,
    /// The same in ns, exactly.
    pub stamp_nanoseconds: i64,
}

/// Something that is followed over several scans; in the base frame at the scan's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Obstacle {
    /// The same as long as the thing is followed, then never used again.
    pub id: u64,
    /// Its middle, m.
    pub position: [f64; 2],
    /// Over the ground, along the axes of the base frame, m/s; zero for what stands.
    pub velocity: [f64; 2],
    /// Of the circle around it, m.
    pub radius: f64,
    /// Whether it moves.
    pub dynamic: bool,
    /// Probability that it exists, 0 to 1.
    pub confidence: f64,
}

impl Obstacle {
    /// As it is called on the wire and on ROS.
    pub fn name(&self) -> String {
        format!("obs_{}", self.id)
    }
}

/// Turns scans into pictures; one owner, `app/perception.rs`.
#[derive(Debug)]
pub struct Perception {
    config: LidarConfig,
    shown_range: f64,
    projection: Projection,
    quality: Quality,
    hits: Vec<Hit>,
    clusters: Vec<Cluster>,
    memory: Memory,
    tracker: Tracker,
    /// Whether things are followed over the ground: without odometry nothing can be said to move.
    over_ground: bool,
    stamp: f64,
    picture: Picture,
}

impl Perception {
    /// Shows the whole range of the LiDAR.
    pub fn new(config: LidarConfig) -> Perception {
        let quality = Quality::new(config.scan_period);
        Perception {
            config,
            shown_range: f64::INFINITY,
            projection: Projection::default(),
            quality,
            hits: Vec::new(),
            clusters: Vec::new(),
            memory: Memory::default(),
            tracker: Tracker::default(),
            over_ground: false,
            stamp: f64::NEG_INFINITY,
            picture: Picture::default(),
        }
    }

    /// Shows nothing beyond `range` metres from the LiDAR.
    pub fn set_range(&mut self, range: f64) {
        self.shown_range = range;
    }

    /// What this scan shows; it arrived at `at`, and now it is `now`. `odom_from_base`: where the robot stood at the scan's
    /// stamp, if that is known.
    pub fn look(
        &mut self,
        scan: &Scan,
        odom_from_base: Option<Isometry2<f64>>,
        at: Duration,
        now: Duration,
    ) -> &Picture {
        let base_from_laser = self.config.base_from_laser;
        self.projection.hits(scan, base_from_laser, self.shown_range, &mut self.hits);
        self.picture.points.clear();
        self.picture.points.extend(self.hits.iter().map(|hit| [hit.point.x, hit.point.y]));
        self.picture.quality = self.quality.of(scan, at, now);
        self.picture.stamp = scan.stamp();
        self.picture.stamp_nanoseconds = scan.stamp_nanoseconds();
        self.follow(scan, odom_from_base);
        &self.picture
    }

    /// Nobody wants to know what the scans show for a while: the next one that is looked at does not follow the last.
    pub fn rest(&mut self) {
        self.quality.rest();
    }

    fn follow(&mut self, scan: &Scan, odom_from_base: Option<Isometry2<f64>>) {
        let gap = scan.stamp() - self.stamp;
        if odom_from_base.is_some() != self.over_ground || !(-BACK..=PAUSE).contains(&gap) {
            self.tracker.clear();
            self.memory.clear();
            self.over_ground = odom_from_base.is_some();
        } else if gap <= 0.0 {
            // Twice the same, or out of order: what is followed stays as it is.
            return;
        }
        self.stamp = scan.stamp();
        let odom_from_base = odom_from_base.unwrap_or_default();
        let base_from_laser = self.config.base_from_laser;
        let (own, laser_from_base) = (&self.config.own_body, base_from_laser.inverse());
        self.hits.retain(|hit| !own.has(hit, &laser_from_base));
        let sweep = Sweep::of(scan);
        cluster::find(sweep, &mut self.hits, &mut self.clusters);
        let (_, _, beams) = scan.geometry();
        let sight = Sight {
            hits: &self.hits,
            clusters: &self.clusters,
            sweep,
            odom_from_base,
            laser: Point2::from(base_from_laser.translation.vector),
            fewest: if beams <= FEW_BEAMS { 3 } else { 4 },
            stamp: scan.stamp(),
        };
        self.memory.keep(scan, odom_from_base * base_from_laser);
        self.tracker.step(&sight, &self.memory);
        self.show(odom_from_base.inverse());
    }

    fn show(&mut self, base_from_odom: Isometry2<f64>) {
        let (stamp, over_ground) = (self.stamp, self.over_ground);
        let obstacles = &mut self.picture.obstacles;
        obstacles.clear();
        let shown = self.tracker.tracks().iter();
        let shown = shown
            .filter(|track| track.id > 0 && track.is_fresh(stamp) && track.confidence() >= SHOWN);
        obstacles.extend(shown.map(|track| {
            let dynamic = track.dynamic && over_ground;
            let position = base_from_odom * track.position;
            let velocity = base_from_odom.rotation * track.velocity;
            Obstacle {
                id: track.id,
                position: [position.x, position.y],
                velocity: if dynamic { [velocity.x, velocity.y] } else { [0.0; 2] },
                radius: track.radius,
                dynamic,
                confidence: track.confidence(),
            }
        }));
        let far = |it: &Obstacle| it.position[0].hypot(it.position[1]);
        obstacles.sort_unstable_by(|one, other| far(one).total_cmp(&far(other)));
    }
}

/// LiDARs with no more beams see a thing of three hits.
const FEW_BEAMS: usize = 400;
/// What is less likely than this is not shown.
const SHOWN: f64 = 0.5;
/// After a longer time without a scan things are followed anew, s.
const PAUSE: f64 = 1.0;
/// A stamp that goes back by more is a clock that was set, s.
const BACK: f64 = 1.0;

#[cfg(test)]
mod tests;
