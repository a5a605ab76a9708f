//! What the beams of one scan say about the surroundings: points in the base frame, and which directions were seen.

use std::f64::consts::TAU;

use nalgebra::{Point2, Vector2};

use super::{
    ScanView,
    body::{BINS, Body, bin_of},
    config::{Means, Sector, ZoneConfig},
};

/// The newest scan as the zones read it. Its buffers are kept from scan to scan.
#[derive(Debug, Clone)]
pub struct Beams {
    /// Where something stands, in the order of the sweep.
    pub hits: Vec<Hit>,
    /// What each direction returned, one a degree of the LiDAR's frame.
    pub seen: [Seen; BINS],
    /// Directions in which nothing as wide as a leg can hide between two valid beams.
    pub covered: [bool; BINS],
    /// Beams outside of the masks.
    pub count: usize,
    /// How far a 70 mm leg is sure to be recognised, m from the LiDAR.
    pub sight: f64,
    /// Angle between beams, rad, without sign; and whether they close the circle.
    step: f64,
    closed: bool,
    /// Further bins on either side that a beam stands for.
    around: usize,
    geometry: (f64, f64, usize),
    rays: Vec<Ray>,
}

/// Something that a beam met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Number of the beam.
    pub index: usize,
    /// Where, base frame, m.
    pub point: Point2<f64>,
    /// From the LiDAR, m.
    pub range: f64,
    /// From the footprint, m; beyond [`Body::reach`] a lower bound.
    pub distance: f64,
}

/// What a direction returned; of several beams the one that says most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// No beam goes there, or it is masked.
    Nothing,
    /// Invalid, or the robot's own body.
    Failed,
    /// Free as far as the LiDAR reaches.
    Free,
    /// Something stands there.
    Hit,
}

#[derive(Debug, Clone, Copy)]
struct Ray {
    /// Unit vector in the base frame.
    direction: Vector2<f64>,
    bin: usize,
    masked: bool,
}

enum Beam {
    Range(f64),
    NoReturn,
    Invalid,
}

impl Beams {
    /// Nothing was seen yet.
    pub fn new() -> Beams {
        Beams {
            hits: Vec::new(),
            seen: [Seen::Nothing; BINS],
            covered: [false; BINS],
            count: 0,
            sight: 0.0,
            step: 0.0,
            closed: false,
            around: 0,
            geometry: (0.0, 0.0, 0),
            rays: Vec::new(),
        }
    }

    /// Reads a scan. Linear in its beams.
    pub fn read(&mut self, scan: &ScanView, config: &ZoneConfig, body: &Body) {
        self.point_rays(scan, config, body);
        let Beams { hits, seen, covered, rays, step, around, .. } = self;
        hits.clear();
        *seen = [Seen::Nothing; BINS];
        *covered = [false; BINS];
        // Numbers and directions of the first valid beam and of the newest one.
        let mut valid: Option<[(usize, usize); 2]> = None;
        for (index, (range, ray)) in scan.ranges.iter().zip(rays.iter()).enumerate() {
            if ray.masked {
                continue;
            }
            let bin = ray.bin;
            let says = match classify(f64::from(*range), scan, config) {
                Beam::Invalid => Seen::Failed,
                Beam::NoReturn => Seen::Free,
                Beam::Range(range) => {
                    let point = body.laser + ray.direction * range;
                    let distance = body.distance(point);
                    if config.mask_footprint && distance == 0.0 {
                        Seen::Failed
                    } else {
                        hits.push(Hit { index, point, range, distance });
                        Seen::Hit
                    }
                }
            };
            if *around == 0 {
                seen[bin] = says.max(seen[bin]);
            } else {
                bins_around(bin, *around).for_each(|bin| seen[bin] = says.max(seen[bin]));
            }
            if says > Seen::Failed {
                covered[bin] = true;
                let [first, last] = valid.unwrap_or([(index, bin); 2]);
                if last.1 != bin && is_narrow(index - last.0, *step) {
                    cover(covered, last.1, bin);
                }
                valid = Some([first, (index, bin)]);
            }
        }
        if let (true, Some([first, last])) = (self.closed, valid)
            && is_narrow(first.0 + self.rays.len() - last.0, self.step)
        {
            cover(&mut self.covered, last.1, first.1);
        }
    }

    /// Numbers and hits in the order of the sweep. Where the beams close the circle, the first hits come once more at
    /// its end, so that what stands across the seam is in one piece.
    pub fn around(&self) -> impl Iterator<Item = (usize, &Hit)> {
        let beams = self.rays.len();
        let seam = if self.closed { SEAM.min(beams) } else { 0 };
        let again = self.hits.iter().take_while(move |hit| hit.index < seam);
        self.hits
            .iter()
            .map(|hit| (hit.index, hit))
            .chain(again.map(move |hit| (hit.index + beams, hit)))
    }

    /// The directions that a hit stands for.
    pub fn bins_of(&self, hit: &Hit) -> impl Iterator<Item = usize> + use<> {
        bins_around(self.bin_of(hit), self.around)
    }

    /// The direction of the beam itself.
    pub fn bin_of(&self, hit: &Hit) -> usize {
        self.rays[hit.index].bin
    }

    /// How many contiguous points make a thing where this one is.
    pub fn need(&self, hit: &Hit) -> u32 {
        need(hit.range, self.step)
    }

    /// Sines and cosines, kept as long as the geometry stays.
    fn point_rays(&mut self, scan: &ScanView, config: &ZoneConfig, body: &Body) {
        let geometry = (scan.angle_min, scan.angle_increment, scan.ranges.len());
        if self.geometry != geometry {
            let (first, increment, count) = geometry;
            self.geometry = geometry;
            self.step = increment.abs();
            self.closed = count as f64 * self.step > TAU - 1.5 * self.step;
            // A bin of a degree on its own, and half of what is missing up to the next beam.
            let around = ((self.step.to_degrees() - 1.001) / 2.0).ceil().max(0.0) as usize;
            self.around = around.min(BINS / 4);
            self.rays.clear();
            self.rays.extend((0..count).map(|index| {
                let angle = first + index as f64 * increment;
                let (sin, cos) = angle.sin_cos();
                Ray {
                    direction: body.rotation * Vector2::new(cos, sin),
                    bin: bin_of(angle),
                    masked: config.masked.iter().any(|sector| sector.contains(angle)),
                }
            }));
            self.count = self.rays.iter().filter(|ray| !ray.masked).count();
            self.hits.reserve(count);
        }
        self.sight = sight(self.step).min(scan.range_max);
    }
}

impl Sector {
    /// Whether `angle`, rad, of any turn, is in it.
    pub fn contains(&self, angle: f64) -> bool {
        let past = |angle: f64| (angle - self.from).rem_euclid(TAU);
        past(angle) <= past(self.to)
    }
}

/// How many contiguous points make a thing at `range` m, with `step` rad between beams: 20 mm of it.
pub fn need(range: f64, step: f64) -> u32 {
    // A cast rounds down and saturates, so that a range of next to nothing needs the most.
    ((0.02 / (range * step)) as u32).clamp(3, 8)
}

/// How far, in m, a 70 mm leg has the points it needs with `step` rad between beams, wherever the beams fall.
///
/// At that distance three are needed; nearer, the beams on it grow faster than the need.
pub fn sight(step: f64) -> f64 {
    let half_width = 1.5 * step;
    if half_width < std::f64::consts::FRAC_PI_2 { LEG / 2.0 / half_width.sin() } else { 0.0 }
}

fn classify(range: f64, scan: &ScanView, config: &ZoneConfig) -> Beam {
    let means = |means| match means {
        Means::Invalid => Beam::Invalid,
        Means::NoReturn => Beam::NoReturn,
        Means::TooClose => Beam::Range(scan.range_min),
    };
    if range > CODE && range <= scan.range_max {
        // Below `range_min` too: the number is unreliable, but something is there.
        Beam::Range(range)
    } else if range > scan.range_max {
        Beam::NoReturn
    } else if range == 0.0 {
        means(config.zero_means)
    } else if range == f64::NEG_INFINITY {
        means(config.neg_inf_means)
    } else {
        Beam::Invalid
    }
}

/// A direction and `around` further ones on either side.
fn bins_around(bin: usize, around: usize) -> impl Iterator<Item = usize> {
    let first = bin + BINS - around;
    (first..=first + 2 * around).map(|bin| bin % BINS)
}

/// Whether nothing can hide between two valid beams that are `beams` apart.
fn is_narrow(beams: usize, step: f64) -> bool {
    beams as f64 * step <= GAP
}

/// Marks the directions from one to another, the short way.
fn cover(covered: &mut [bool; BINS], from: usize, to: usize) {
    let ahead = (to + BINS - from) % BINS;
    let (start, count) = if ahead <= BINS / 2 { (from, ahead) } else { (to, BINS - ahead) };
    for offset in 0..count {
        covered[(start + offset) % BINS] = true;
    }
}

/// Ranges up to this are codes of a driver, not distances, m.
const CODE: f64 = 0.05_f32 as f64;

/// Width of the thinnest thing that must be recognised, m.
const LEG: f64 = 0.07;

/// Widest gap between valid beams, rad: up to 1 m a leg is wider.
const GAP: f64 = 0.07;

/// Beams of the longest chain that is needed.
const SEAM: usize = 8 * 3;
