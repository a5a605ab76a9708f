//! What the zones are told before they start: the robot's outline, the fields around it, and every threshold.

use std::{f64::consts::PI, sync::Arc, time::Duration};

use nalgebra::{Isometry2, Point2};

use super::geometry::{Polygon, PolygonError};
use crate::safety::Velocity;

/// Everything the zones are told; [`Zones::new`](super::Zones::new) checks it whole.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneConfig {
    /// Outline of the robot, load included, m, base frame (REP 103).
    pub footprint: Vec<Point2<f64>>,
    /// Pose of the LiDAR in the base frame.
    pub base_from_laser: Isometry2<f64>,
    /// The only `frame_id` whose scans are believed.
    pub frame_id: Arc<str>,
    /// Up to [`MOST_ZONES`] fields, at least one of them critical; where two of a kind are occupied the first is named.
    pub zones: Vec<Zone>,
    /// Highest speed and turn rate while a warning zone is occupied, absolute.
    pub warning_limit: Velocity,
    /// Highest speed of any point of the robot while it leaves an occupied critical zone, m/s.
    pub escape_speed: f64,
    /// Whether a motion away from everything in a critical zone is allowed.
    pub allow_escape: bool,
    /// Whether the critical depth grows with the speed in the direction of the motion, and that direction must be seen as
    /// far as it takes to stop. Off only for a field set that ends in contact, as docking does.
    pub follow_speed: bool,
    /// Distance that is left when the robot stands, m.
    pub margin: f64,
    /// Braking of any point of the robot, m/s²; what the loaded robot reaches on its worst floor.
    pub deceleration: f64,
    /// Nominal time between scans.
    pub scan_period: Duration,
    /// How long a critical zone must be clear to be released.
    pub critical_release: Duration,
    /// The same for warning and safe zones.
    pub warning_release: Duration,
    /// An occupied zone is larger by this all around, m.
    pub hysteresis: f64,
    /// What a range of exactly 0 means to the LiDAR's driver.
    pub zero_means: Means,
    /// What -inf means to it.
    pub neg_inf_means: Means,
    /// Sectors of the LiDAR's frame in which it sees the robot itself: nothing is read there, and nothing counts as seen.
    pub masked: Vec<Sector>,
    /// Whether points inside the footprint are the robot's own.
    pub mask_footprint: bool,
    /// This much of adjacent beams that hit before and all fail is a blackout, rad.
    pub blackout: f64,
    /// Fewer hits than this share of the beams are too few.
    pub min_hit_share: f64,
    /// This many identical scans are a frozen LiDAR.
    pub frozen_count: u32,
    /// Without a scan for this long, or on data older than this, nothing moves.
    pub scan_timeout: Duration,
    /// How far a stamp may be ahead of the ROS clock.
    pub stamp_ahead: Duration,
}

/// A field around the robot.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// For people, events and logs; unique.
    pub name: Arc<str>,
    /// What its occupation does.
    pub kind: Kind,
    /// Where it is.
    pub area: Area,
}

/// What the occupation of a zone does, from the most restrictive on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Stops the robot.
    Critical,
    /// Limits its speed.
    Warning,
    /// Is told.
    Safe,
}

/// Where a zone is.
#[derive(Debug, Clone, PartialEq)]
pub enum Area {
    /// Every point that is at most this far from the footprint, m: the footprint offset outwards, with round corners.
    Depth(f64),
    /// The part of such a field that lies in these directions from the base frame's origin.
    Part(f64, Sector),
    /// A simple polygon, m, base frame.
    Outline(Vec<Point2<f64>>),
}

/// What a LiDAR's driver means by a value that is no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// Nothing is known.
    Invalid,
    /// Nothing is within reach.
    NoReturn,
    /// Something is nearer than can be measured: counts as standing at `range_min`.
    TooClose,
}

/// Angles, rad, counter-clockwise from `from` to `to`, both from -pi to pi.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sector {
    /// First angle.
    pub from: f64,
    /// Last angle; smaller than `from` when the sector spans the rear.
    pub to: f64,
}

/// Why a configuration is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ZoneError {
    /// A number is out of its range.
    #[error("{name} is {value}; it must be from {least} to {most}")]
    Range {
        /// Field of [`ZoneConfig`].
        name: String,
        /// What it holds.
        value: f64,
        /// Smallest value accepted.
        least: f64,
        /// Largest value accepted.
        most: f64,
    },
    /// An outline is no simple polygon.
    #[error("{name} {error}")]
    Polygon {
        /// `footprint`, or the zone.
        name: String,
        /// What is wrong with it.
        error: PolygonError,
    },
    /// None, or too many.
    #[error("zones has {0} entries; 1 to {MOST_ZONES} are accepted")]
    Count(usize),
    /// Nothing would ever stop the robot.
    #[error("zones has no critical zone; at least one is required")]
    NoCritical,
    /// Nobody could tell the zones apart.
    #[error("zones has the name {0:?} twice, or empty; names are unique")]
    Name(Arc<str>),
    /// The base frame's origin is outside of the robot, so one of the two is in another frame.
    #[error("footprint does not contain the base frame's origin")]
    FootprintElsewhere,
    /// A scan of no frame would be believed.
    #[error("frame_id is empty; it must be the LiDAR's frame")]
    FrameId,
}

impl ZoneConfig {
    /// The values as shipped: 0.5 m critical, 1.0 m warning, 2.0 m safe around `footprint`.
    pub fn around(
        footprint: Vec<Point2<f64>>,
        base_from_laser: Isometry2<f64>,
        frame_id: Arc<str>,
    ) -> ZoneConfig {
        let zone =
            |name: &str, kind, depth| Zone { name: name.into(), kind, area: Area::Depth(depth) };
        ZoneConfig {
            footprint,
            base_from_laser,
            frame_id,
            zones: vec![
                zone("critical", Kind::Critical, 0.5),
                zone("warning", Kind::Warning, 1.0),
                zone("safe", Kind::Safe, 2.0),
            ],
            warning_limit: Velocity { linear: 0.3, angular: 0.5 },
            escape_speed: 0.1,
            allow_escape: true,
            follow_speed: true,
            margin: 0.1,
            deceleration: 1.0,
            scan_period: Duration::from_millis(50),
            critical_release: Duration::from_secs(1),
            warning_release: Duration::from_millis(500),
            hysteresis: 0.05,
            zero_means: Means::Invalid,
            neg_inf_means: Means::Invalid,
            masked: Vec::new(),
            mask_footprint: true,
            blackout: 30_f64.to_radians(),
            min_hit_share: 0.1,
            frozen_count: 5,
            scan_timeout: Duration::from_millis(500),
            stamp_ahead: Duration::from_millis(100),
        }
    }

    /// The same robot and LiDAR with these zones while it docks, which ends in contact: the depth does not grow with the speed,
    /// nothing need be left, and a robot that leaves the dock escapes nothing.
    pub fn docking(&self, zones: Vec<Zone>) -> ZoneConfig {
        ZoneConfig { zones, follow_speed: false, allow_escape: false, margin: 0.0, ..self.clone() }
    }

    /// Everything that is wrong, in the order of the fields; empty: it can be used.
    pub fn check(&self) -> Vec<ZoneError> {
        let mut errors = Vec::new();
        self.check_footprint(&mut errors);
        self.check_zones(&mut errors);
        let mount = self.base_from_laser.translation.vector;
        let seconds = |duration: Duration| duration.as_secs_f64();
        let mut rows = vec![
            ("base_from_laser x".to_owned(), mount.x, -10.0, 10.0),
            ("base_from_laser y".to_owned(), mount.y, -10.0, 10.0),
            ("base_from_laser yaw".to_owned(), self.base_from_laser.rotation.angle(), -PI, PI),
            ("warning_limit linear".to_owned(), self.warning_limit.linear, 0.0, 3.0),
            ("warning_limit angular".to_owned(), self.warning_limit.angular, 0.0, 3.0),
            ("escape_speed".to_owned(), self.escape_speed, 0.01, 0.1),
            ("margin".to_owned(), self.margin, 0.0, 1.0),
            ("deceleration".to_owned(), self.deceleration, 0.05, 10.0),
            ("scan_period".to_owned(), seconds(self.scan_period), 0.01, 0.5),
            ("critical_release".to_owned(), seconds(self.critical_release), 0.1, 60.0),
            ("warning_release".to_owned(), seconds(self.warning_release), 0.1, 60.0),
            ("hysteresis".to_owned(), self.hysteresis, 0.0, 0.5),
            ("blackout".to_owned(), self.blackout, 5_f64.to_radians(), 2.0 * PI),
            ("min_hit_share".to_owned(), self.min_hit_share, 0.0, 1.0),
            ("frozen_count".to_owned(), f64::from(self.frozen_count), 2.0, 1000.0),
            ("scan_timeout".to_owned(), seconds(self.scan_timeout), 0.1, 1.0),
            ("stamp_ahead".to_owned(), seconds(self.stamp_ahead), 0.0, 1.0),
        ];
        for (at, sector) in self.masked.iter().enumerate() {
            rows.push((format!("masked[{at}] from"), sector.from, -PI, PI));
            rows.push((format!("masked[{at}] to"), sector.to, -PI, PI));
        }
        errors.extend(rows.into_iter().filter_map(|(name, value, least, most)| {
            let holds = (least..=most).contains(&value);
            (!holds).then_some(ZoneError::Range { name, value, least, most })
        }));
        if self.frame_id.is_empty() {
            errors.push(ZoneError::FrameId);
        }
        errors
    }

    fn check_footprint(&self, errors: &mut Vec<ZoneError>) {
        match Polygon::new(self.footprint.clone()) {
            Ok(footprint) if footprint.distance(Point2::origin()) > 0.0 => {
                errors.push(ZoneError::FootprintElsewhere);
            }
            Ok(_) => {}
            Err(error) => errors.push(ZoneError::Polygon { name: "footprint".to_owned(), error }),
        }
    }

    fn check_zones(&self, errors: &mut Vec<ZoneError>) {
        if !(1..=MOST_ZONES).contains(&self.zones.len()) {
            errors.push(ZoneError::Count(self.zones.len()));
        } else if !self.zones.iter().any(|zone| zone.kind == Kind::Critical) {
            errors.push(ZoneError::NoCritical);
        }
        for (at, zone) in self.zones.iter().enumerate() {
            if zone.name.is_empty() || self.zones[..at].iter().any(|other| other.name == zone.name)
            {
                errors.push(ZoneError::Name(zone.name.clone()));
            }
            match &zone.area {
                Area::Depth(depth) | Area::Part(depth, _)
                    if !(DEPTHS.0..=DEPTHS.1).contains(depth) =>
                {
                    let name = format!("depth of zone {:?}", zone.name);
                    errors.push(ZoneError::Range {
                        name,
                        value: *depth,
                        least: DEPTHS.0,
                        most: DEPTHS.1,
                    });
                }
                Area::Depth(_) | Area::Part(..) => {}
                Area::Outline(vertices) => {
                    if let Err(error) = Polygon::new(vertices.clone()) {
                        errors.push(ZoneError::Polygon {
                            name: format!("zone {:?}", zone.name),
                            error,
                        });
                    }
                }
            }
        }
    }
}

/// More fields than this are refused.
pub const MOST_ZONES: usize = 8;

/// Smallest and largest depth of a zone, m.
const DEPTHS: (f64, f64) = (0.02, 20.0);
