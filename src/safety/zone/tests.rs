//! Scenes for the zones: a ray-caster of its own, and a robot that stands among discs.

use std::{f64::consts::PI, time::Duration};

use nalgebra::{Isometry2, Point2, Vector2};

use super::*;

mod configuration;
mod health;
mod motion;
mod occupancy;
mod oracle;
mod outline;
mod reach;
mod recordings;

/// A disc: x, y, radius, m, base frame.
pub type Disc = [f64; 3];

/// A robot of 0.8 m by 0.6 m and its LiDAR.
pub struct Rig {
    pub zones: Zones,
    pub now: Duration,
    pub beams: Lidar,
    scans: u32,
}

/// How the LiDAR sweeps.
#[derive(Debug, Clone, Copy)]
pub struct Lidar {
    pub first: f64,
    pub increment: f64,
    pub count: usize,
    /// What is behind all discs, m.
    pub background: f64,
}

pub const PERIOD: Duration = Duration::from_millis(50);
pub const STILL: Option<Velocity> = Some(Velocity { linear: 0.0, angular: 0.0 });
pub const AHEAD: Velocity = Velocity { linear: 0.1, angular: 0.0 };
pub const BACK: Velocity = Velocity { linear: -0.1, angular: 0.0 };
pub const LEFT: Velocity = Velocity { linear: 0.0, angular: 0.1 };
pub const REST: Velocity = Velocity { linear: 0.0, angular: 0.0 };

pub const CRITICAL: Verdict = Verdict::Stop(Stop::Zone(ZoneId(0)));

pub fn rectangle(length: f64, width: f64) -> Vec<Point2<f64>> {
    let (x, y) = (length / 2.0, width / 2.0);
    vec![Point2::new(x, y), Point2::new(-x, y), Point2::new(-x, -y), Point2::new(x, -y)]
}

pub fn config() -> ZoneConfig {
    ZoneConfig::around(rectangle(0.8, 0.6), Isometry2::identity(), "laser".into())
}

/// One degree between beams, all around.
pub fn full_turn() -> Lidar {
    Lidar { first: -PI, increment: 1_f64.to_radians(), count: 360, background: 5.0 }
}

impl Lidar {
    /// What this LiDAR sees of the discs from its place.
    pub fn cast(&self, base_from_laser: Isometry2<f64>, discs: &[Disc]) -> Vec<f32> {
        let place = base_from_laser.translation.vector;
        let beam = |index: usize| {
            let angle = self.first + index as f64 * self.increment;
            let direction = base_from_laser * Vector2::new(angle.cos(), angle.sin());
            let met = discs.iter().filter_map(|[x, y, radius]| {
                let to = Vector2::new(*x, *y) - place;
                let along = to.dot(&direction);
                let aside = to.norm_squared() - along * along;
                let half = (radius * radius - aside).max(-1.0);
                (along > 0.0 && half >= 0.0).then(|| along - half.sqrt())
            });
            met.fold(self.background, f64::min) as f32
        };
        (0..self.count).map(beam).collect()
    }
}

impl Rig {
    pub fn new(config: ZoneConfig, beams: Lidar) -> Rig {
        Rig { zones: Zones::new(config).unwrap(), now: Duration::from_secs(10), beams, scans: 0 }
    }

    /// One scan of these discs, a period after the last.
    pub fn see(&mut self, discs: &[Disc]) {
        let mount = self.zones.config().base_from_laser;
        let mut beams = self.beams;
        // Real scans never repeat themselves to the last bit.
        self.scans += 1;
        beams.background += f64::from(self.scans) * 1e-4;
        let ranges = beams.cast(mount, discs);
        self.see_ranges(&ranges);
    }

    pub fn see_ranges(&mut self, ranges: &[f32]) {
        self.now += PERIOD;
        let time = self.now.as_secs_f64();
        let scan = view(&self.beams, ranges, time);
        self.zones.scan(&scan, self.now);
    }

    /// The same for so many scans.
    pub fn see_for(&mut self, scans: usize, discs: &[Disc]) {
        (0..scans).for_each(|_| self.see(discs));
    }

    pub fn verdict(&self, wanted: Velocity) -> Verdict {
        self.zones.verdict(wanted, STILL, self.now)
    }

    pub fn occupied(&self) -> Vec<&str> {
        let occupied = self.zones.states().filter(|(.., occupied)| *occupied);
        occupied.map(|(name, ..)| &**name).collect()
    }
}

pub fn view<'a>(beams: &Lidar, ranges: &'a [f32], time: f64) -> ScanView<'a> {
    ScanView {
        frame_id: "laser",
        stamp: time,
        ros_now: time,
        angle_min: beams.first,
        angle_increment: beams.increment,
        range_min: 0.1,
        range_max: 20.0,
        ranges,
    }
}

/// Repeatable numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn below(&mut self, count: usize) -> usize {
        (self.bits() % count as u64) as usize
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}
