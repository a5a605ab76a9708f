//! One thing followed over several scans: a constant-velocity Kalman filter in the odometry frame, and what follows from it
//! for the thing's motion and existence.
//!
//! Both axes have the same noise, so one covariance serves both (Bar-Shalom, Li and Kirubarajan, "Estimation with
//! Applications to Tracking and Navigation", 2001, section 6.3.2: discrete white noise acceleration).
//!
//! A thing that comes into view or turns shows more or less of itself, and the middle of what is seen moves although nothing
//! did (Petrovskaya and Thrun, "Model based vehicle detection and tracking for autonomous urban driving", 2009: the anchor
//! point). So what is seen has a shape of its own here, and [`Track::update`] takes a change of it for no motion.

use nalgebra::{Point2, Vector2};

use super::trail::Trail;

/// What one scan shows of a thing, in the odometry frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// m
    pub middle: Point2<f64>,
    /// m
    pub radius: f64,
    /// Largest distance between two of its hits, m.
    pub extent: f64,
    /// How far the middle is taken to be behind its hits, m.
    pub depth: f64,
    /// Direction from the LiDAR to the middle, of length 1; zero for what is all around the LiDAR.
    pub away: Vector2<f64>,
}

/// Something that was seen in several scans, in the odometry frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Never used again; 0: not confirmed yet.
    pub id: u64,
    /// m
    pub position: Point2<f64>,
    /// m/s
    pub velocity: Vector2<f64>,
    /// m
    pub radius: f64,
    /// Whether it moves.
    pub dynamic: bool,
    /// Where it was seen lately.
    pub trail: Trail,
    /// Of what was seen last, m.
    extent: f64,
    /// Smoothed like the radius, m.
    depth: f64,
    covariance: Covariance,
    /// Logarithm of the odds that it exists.
    odds: f64,
    hits: u32,
    /// When it was seen last, s.
    seen: f64,
    /// Where it stood when it was last thought to stand.
    anchor: Point2<f64>,
    /// How often in a row it had come or left.
    shifts: u32,
    /// How often in a row it was slow.
    slow: u32,
}

/// Of one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Covariance {
    /// m²
    position: f64,
    /// m²/s²
    velocity: f64,
    /// m²/s
    both: f64,
}

impl Track {
    /// Seen for the first time, at `stamp` seconds.
    pub fn new(seen: &Sighting, stamp: f64) -> Track {
        let Sighting { middle: position, radius, extent, depth, .. } = *seen;
        let variances = (SIGMA_M * SIGMA_M, FIRST_SPEED * FIRST_SPEED);
        Track {
            id: 0,
            position,
            velocity: Vector2::zeros(),
            radius,
            dynamic: false,
            trail: Trail::default(),
            extent,
            depth,
            covariance: Covariance { position: variances.0, velocity: variances.1, both: 0.0 },
            odds: FIRST_ODDS,
            hits: 1,
            seen: stamp,
            anchor: position,
            shifts: 0,
            slow: 0,
        }
    }

    /// Moves on by `dt` seconds.
    pub fn predict(&mut self, dt: f64) {
        self.position += self.velocity * dt;
        let Covariance { position, velocity, both } = self.covariance;
        let q = SIGMA_A * SIGMA_A;
        self.covariance = Covariance {
            position: position + 2.0 * dt * both + dt.powi(2) * velocity + q * dt.powi(4) / 4.0,
            velocity: velocity + q * dt.powi(2),
            both: both + dt * velocity + q * dt.powi(3) / 2.0,
        };
    }

    /// Squared Mahalanobis distance of a measured position; `None` beyond the gate.
    pub fn gate(&self, measured: Point2<f64>) -> Option<f64> {
        let squared = (measured - self.position).norm_squared();
        let distance = squared / (self.covariance.position + SIGMA_M * SIGMA_M);
        (distance <= CHI2 && squared <= GATE * GATE).then_some(distance)
    }

    /// Was seen at `stamp` seconds. `shifted`: the share of its points that had come there lately, or had left where it was.
    ///
    /// How far the middle is behind the hits is a guess at each scan, of a disc or of something flat, and believed as slowly
    /// as the radius. If the extent changed by `g`, one end went on by that and the middle by half, or neither did: a jump of
    /// the position with the standard deviation `g / 2`, which says nothing of the velocity.
    pub fn update(&mut self, seen: &Sighting, shifted: f64, stamp: f64) {
        // The mean of the first ones, then of about as many.
        let weight = SMOOTH.max(1.0 / f64::from(self.hits + 1));
        self.radius += weight * (seen.radius - self.radius);
        self.depth += weight * (seen.depth - self.depth);
        let measured = seen.middle + seen.away * (self.depth - seen.depth);
        self.covariance.position += ((seen.extent - self.extent) / 2.0).powi(2);
        self.extent = seen.extent;
        let Covariance { position, velocity, both } = self.covariance;
        let innovation = position + SIGMA_M * SIGMA_M;
        let (position_gain, velocity_gain) = (position / innovation, both / innovation);
        let off = measured - self.position;
        self.position += off * position_gain;
        self.velocity += off * velocity_gain;
        self.covariance = Covariance {
            position: position * (1.0 - position_gain),
            velocity: velocity - velocity_gain * both,
            both: both * (1.0 - position_gain),
        };
        self.odds = (self.odds + HIT).min(MOST_ODDS);
        self.hits += 1;
        self.seen = stamp;
        self.judge_motion(shifted);
    }

    /// Was not seen where it should have been.
    pub fn miss(&mut self) {
        self.odds += MISS;
    }

    /// Could not be seen for `dt` seconds: something nearer hides it, or the scan says nothing there.
    pub fn hide(&mut self, dt: f64) {
        self.odds -= FADE * dt;
    }

    /// Whether it was seen often enough to be told.
    pub fn is_confirmed(&self) -> bool {
        self.hits >= CONFIRM
    }

    /// Whether it was seen just now.
    pub fn is_fresh(&self, stamp: f64) -> bool {
        stamp - self.seen <= FRESH
    }

    /// Whether it was seen in the scan of this time.
    pub fn is_seen_at(&self, stamp: f64) -> bool {
        self.seen >= stamp
    }

    /// Gives it up.
    pub fn give_up(&mut self) {
        self.odds = f64::NEG_INFINITY;
    }

    /// Whether it is given up.
    pub fn is_gone(&self, stamp: f64) -> bool {
        let patience = if self.is_confirmed() { COAST } else { FRESH };
        stamp - self.seen > patience || self.odds < LEAST_ODDS
    }

    /// Probability that it exists, 0 to 1.
    pub fn confidence(&self) -> f64 {
        1.0 / (1.0 + (-self.odds).exp())
    }

    fn judge_motion(&mut self, shifted: f64) {
        let speed = self.velocity.norm();
        self.shifts = if shifted > SHIFTED { self.shifts + 1 } else { 0 };
        if self.dynamic {
            self.slow = if speed < SLOW { self.slow + 1 } else { 0 };
            if self.slow >= STANDS {
                (self.dynamic, self.anchor) = (false, self.position);
            }
        } else {
            let moved = (self.position - self.anchor).norm() > MOVED;
            self.dynamic = speed > FAST && moved && self.shifts >= TWICE;
            self.slow = 0;
        }
    }
}

/// Acceleration of what is followed, m/s², one standard deviation. Below 3 the velocity of what brakes or starts lags by more
/// than 0.2 m/s in the recordings that we know.
const SIGMA_A: f64 = 3.0;
/// Of a measured position, m.
const SIGMA_M: f64 = 0.08;
/// Of the speed of something new, m/s.
const FIRST_SPEED: f64 = 1.5;
/// 99 % of the chi-squared distribution with two degrees of freedom.
const CHI2: f64 = 9.21;
/// Farther from where it is expected nothing is taken for the same thing, m.
const GATE: f64 = 0.6;
/// Seen this often it is told.
const CONFIRM: u32 = 3;
/// It is expected to come back for this long, s;
const COAST: f64 = 0.8;
/// after this long it is not told until it does.
const FRESH: f64 = 0.25;
/// Weight of a newly measured radius or depth.
const SMOOTH: f64 = 0.2;
/// Faster than this, m/s, it moves,
const FAST: f64 = 0.25;
/// if it came this far, m,
const MOVED: f64 = 0.15;
/// and more than this share of it had come or left,
const SHIFTED: f64 = 0.15;
/// this often in a row.
const TWICE: u32 = 2;
/// Slower than this, m/s,
const SLOW: f64 = 0.12;
/// for so many updates it stands again.
const STANDS: u32 = 8;
/// Logarithms of odds: of what is seen for the first time (0.3 to 0.7),
const FIRST_ODDS: f64 = -0.85;
/// what a sighting adds (it comes with probability 0.9 if the thing exists, 0.3 if not),
const HIT: f64 = 1.1;
/// what a miss adds (0.1 and 0.7),
const MISS: f64 = -1.95;
/// what each second without a sight of the place takes, and the bounds.
const FADE: f64 = 4.0;
const MOST_ODDS: f64 = 6.0;
const LEAST_ODDS: f64 = -4.0;

#[cfg(test)]
mod tests;
