//! Whether the robot obeys: after zero it has to come to rest.

use std::time::Duration;

use super::super::{GateConfig, Velocity};

/// Waits for rest after each motion.
#[derive(Debug, Default)]
pub struct Obedience {
    /// The last velocity other than zero.
    last: Velocity,
    /// When the robot must stand at the latest.
    due: Option<Duration>,
    /// When it was first seen to move after that.
    moves_since: Option<Duration>,
}

impl Obedience {
    /// What was decided at `now`, with the deceleration of `config`'s robot in m/s².
    pub fn decided(&mut self, velocity: Velocity, config: &GateConfig, now: Duration) {
        if !velocity.is_zero() {
            *self = Obedience { last: velocity, ..Obedience::default() };
        } else if !self.last.is_zero() {
            let last = std::mem::take(&mut self.last);
            let braking = (last.linear.abs() / config.deceleration)
                .max(last.angular.abs() / config.angular_acceleration);
            let time = Duration::from_secs_f64(braking) + LATENCY;
            self.due = Some(now + time.max(PATIENCE));
        }
    }

    /// Somebody who drives by itself was told to stop.
    pub fn called_back(&mut self, now: Duration) {
        *self = Obedience { due: Some(now + CALL_BACK), ..Obedience::default() };
    }

    /// Somebody else drives now.
    pub fn suspend(&mut self) {
        *self = Obedience::default();
    }

    /// Whether the robot is known to move on. `measured`: when odometry came last, and whether it said that the robot stands.
    ///
    /// One message may be an old one, or noise; two that are some time apart are neither.
    pub fn is_broken(&mut self, measured: Option<(Duration, bool)>) -> bool {
        let Some((due, (at, rests))) = self.due.zip(measured) else { return false };
        if at < due {
            return false;
        }
        if rests {
            self.suspend();
            return false;
        }
        let since = *self.moves_since.get_or_insert(at);
        let broken = at.saturating_sub(since) >= CERTAIN;
        if broken {
            self.suspend();
        }
        broken
    }
}

/// From the decision to the brakes, and from the wheels back to the odometry.
const LATENCY: Duration = Duration::from_millis(250);

/// Even a slow robot has so long.
const PATIENCE: Duration = Duration::from_secs(1);

/// A docking controller that drives by itself has so long.
const CALL_BACK: Duration = Duration::from_secs(2);

/// It has to be seen to move for so long.
const CERTAIN: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::{super::tests::config, *};

    #[test]
    fn the_robot_has_the_time_that_it_needs_to_brake() {
        // m/s, rad/s, s
        let rows = [(1.0, 0.0, 2.25), (0.0, -1.0, 4.25), (-1.0, 0.1, 2.25), (0.1, 0.1, 1.0)];
        for (linear, angular, seconds) in rows {
            let config = GateConfig { deceleration: 0.5, angular_acceleration: 0.25, ..config() };
            let mut obedience = Obedience::default();
            let now = Duration::from_secs(10);
            let moves = |at| Some((at, false));
            obedience.decided(Velocity { linear, angular }, &config, now);
            assert!(!obedience.is_broken(moves(now + Duration::from_secs(60))), "it may move");
            obedience.decided(Velocity::default(), &config, now);
            let due = now + Duration::from_secs_f64(seconds);
            obedience.decided(Velocity::default(), &config, due);
            assert!(!obedience.is_broken(moves(due - Duration::from_millis(1))), "too early");
            assert!(!obedience.is_broken(None), "nobody knows");
            assert!(!obedience.is_broken(moves(due)), "once is never");
            assert!(!obedience.is_broken(moves(due + CERTAIN - Duration::from_millis(1))));
            assert!(obedience.is_broken(moves(due + CERTAIN)), "{linear} {angular}");
            assert!(!obedience.is_broken(moves(due + 2 * CERTAIN)), "said once");
        }
    }

    #[test]
    fn a_robot_that_came_to_rest_may_be_pushed_later() {
        let mut obedience = Obedience::default();
        obedience.called_back(Duration::ZERO);
        let second = Duration::from_secs(1);
        assert!(!obedience.is_broken(Some((2 * second, true))));
        assert!(!obedience.is_broken(Some((3 * second, false))));
        assert!(!obedience.is_broken(Some((4 * second, false))));
    }
}
