//! One thing followed over several scans: a constant-velocity Kalman filter in the odometry frame, and what follows from it
//! for the thing's motion and existence.
//!
//! Both axes have the same noise, so one covariance serves both (Bar-Shalom, Li and Kirubarajan, "Estimation with
//! Applications to Tracking and Navigation", 2001, section 6.3.2: discrete white noise acceleration).

use nalgebra::{Point2, Vector2};

use super::trail::Trail;

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
    pub fn new(position: Point2<f64>, radius: f64, stamp: f64) -> Track {
        let variances = (SIGMA_M * SIGMA_M, FIRST_SPEED * FIRST_SPEED);
        Track {
            id: 0,
            position,
            velocity: Vector2::zeros(),
            radius,
            dynamic: false,
            trail: Trail::default(),
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
    pub fn update(&mut self, measured: Point2<f64>, radius: f64, shifted: f64, stamp: f64) {
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
        self.radius += SMOOTH * (radius - self.radius);
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
/// Weight of a newly measured radius.
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
mod tests {
    use super::*;

    const DT: f64 = 0.05;

    /// Follows a thing that is seen where `at` says, with this share of it shifted, and looks after each scan.
    fn follow(
        seconds: f64,
        at: impl Fn(f64) -> f64,
        shifted: f64,
        mut look: impl FnMut(f64, &Track),
    ) -> Track {
        let mut track = Track::new(Point2::new(at(0.0), 0.0), 0.2, 0.0);
        for scan in 1..=(seconds / DT).round() as u32 {
            let now = f64::from(scan) * DT;
            track.predict(DT);
            track.update(Point2::new(at(now), 0.0), 0.2, shifted, now);
            look(now, &track);
        }
        track
    }

    #[test]
    fn position_and_velocity_of_what_moves_evenly_are_found() {
        let track = follow(3.0, |now| 1.0 + 1.2 * now, 1.0, |_, _| {});
        assert!((track.position.x - 4.6).abs() < 0.01, "{track:?}");
        assert!((track.velocity.x - 1.2).abs() < 0.01, "{track:?}");
        assert!(track.velocity.y.abs() < 1e-12);
    }

    #[test]
    fn what_moves_is_dynamic_only_if_it_came_from_somewhere() {
        let mut since = None;
        follow(
            3.0,
            |now| now,
            1.0,
            |now, track| {
                if track.dynamic {
                    since.get_or_insert(now);
                }
            },
        );
        assert!(since.is_some_and(|since| (0.15..0.4).contains(&since)), "{since:?}");
        assert!(!follow(3.0, |now| now, 0.15, |_, _| {}).dynamic);
        assert!(!follow(3.0, |now| 0.2 * now, 1.0, |_, _| {}).dynamic, "too slow");
        assert!(!follow(3.0, |now| 0.07 * (6.0 * now).sin(), 1.0, |_, _| {}).dynamic, "to and fro");
    }

    #[test]
    fn what_stops_is_static_again() {
        let stop = |now: f64| now.min(2.0);
        let mut stood = None;
        follow(4.0, stop, 1.0, |now, track| {
            if now > 2.0 && !track.dynamic {
                stood.get_or_insert(now);
            }
        });
        assert!(stood.is_some_and(|stood| (2.4..3.0).contains(&stood)), "{stood:?}");
    }

    #[test]
    fn confidence_comes_with_sightings_and_goes_with_misses() {
        let mut track = Track::new(Point2::origin(), 0.2, 0.0);
        assert!((0.29..0.31).contains(&track.confidence()));
        let mut before = track.confidence();
        for scan in 1..=10 {
            track.update(Point2::origin(), 0.2, 0.0, f64::from(scan) * DT);
            assert!(track.confidence() >= before);
            before = track.confidence();
        }
        assert!(before > 0.99 && before < 1.0, "{before}");
        track.hide(0.25);
        assert!((0.99..before).contains(&track.confidence()));
        (0..3).for_each(|_| track.miss());
        assert!(track.confidence() < 0.5, "{}", track.confidence());
    }

    #[test]
    fn what_is_not_seen_again_is_given_up() {
        let new = Track::new(Point2::origin(), 0.2, 10.0);
        assert!(!new.is_gone(10.25) && new.is_gone(10.26));
        let mut known = follow(1.0, |_| 0.0, 0.0, |_, _| {});
        assert!(known.is_fresh(1.2) && !known.is_fresh(1.3));
        assert!(!known.is_gone(1.79) && known.is_gone(1.81));
        (0..6).for_each(|_| known.miss());
        assert!(known.is_gone(1.0), "it is seen not to be there");
    }

    #[test]
    fn nothing_far_off_is_taken_for_the_same_thing() {
        let track = follow(1.0, |_| 0.0, 0.0, |_, _| {});
        assert_eq!(track.gate(Point2::origin()), Some(0.0));
        assert!(track.gate(Point2::new(0.2, 0.0)).is_some());
        assert!(track.gate(Point2::new(0.4, 0.0)).is_none());
        let mut lost = Track::new(Point2::origin(), 0.2, 0.0);
        lost.predict(0.8);
        assert!(
            lost.gate(Point2::new(0.59, 0.0)).is_some()
                && lost.gate(Point2::new(0.61, 0.0)).is_none()
        );
    }
}
