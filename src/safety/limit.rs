//! How fast: clamps to the robot's limits, and the growth of speed.

use super::{GateConfig, Velocity};

/// The part of `wanted` that is within the limits; what is not finite is nothing.
pub fn clamp(wanted: Velocity, config: &GateConfig) -> Velocity {
    Velocity {
        linear: within(wanted.linear, config.max_linear_speed),
        angular: within(wanted.angular, config.max_angular_speed),
    }
}

/// The velocity `seconds` after `current` on the way to `target`.
///
/// Only growth of the absolute speed takes time: braking is the drive's business and never delayed here, and a
/// reversal passes through zero.
pub fn ramp(current: Velocity, target: Velocity, seconds: f64, config: &GateConfig) -> Velocity {
    Velocity {
        linear: grow(current.linear, target.linear, config.linear_acceleration * seconds),
        angular: grow(current.angular, target.angular, config.angular_acceleration * seconds),
    }
}

/// `value`, but no further from zero than `limit`.
pub fn within(value: f64, limit: f64) -> f64 {
    if value.is_finite() { value.clamp(-limit, limit) } else { 0.0 }
}

fn grow(current: f64, target: f64, step: f64) -> f64 {
    if current * target < 0.0 {
        0.0
    } else if target.abs() <= current.abs() {
        target
    } else {
        target.signum() * (current.abs() + step).min(target.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_growth_of_the_absolute_speed_takes_time() {
        let rows = [
            (0.0, 1.0, 0.1),   // starts slowly
            (0.0, -1.0, -0.1), // backwards too
            (0.95, 1.0, 1.0),  // never beyond the target
            (1.0, 0.3, 0.3),   // slows at once
            (1.0, 0.0, 0.0),   // stops at once
            (1.0, -1.0, 0.0),  // reverses through zero
            (-0.4, -0.3, -0.3),
        ];
        for (current, target, expected) in rows {
            assert!((grow(current, target, 0.1) - expected).abs() < 1e-12, "{current} {target}");
        }
    }

    #[test]
    fn what_is_not_finite_is_nothing() {
        for wanted in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(within(wanted, 1.0), 0.0);
        }
        assert_eq!(within(-7.0, 1.0), -1.0);
        assert_eq!(within(0.5, 1.0), 0.5);
    }
}
