//! The motors' own controller: speed and acceleration limits, and the watchdog that stops a robot nobody commands.

use std::time::Duration;

/// A velocity in the base frame; the robot cannot drive sideways.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Velocity {
    /// Forward, m/s.
    pub linear: f64,
    /// Counter-clockwise, rad/s.
    pub angular: f64,
}

/// What the motors can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DriveConfig {
    /// m/s
    pub linear: AxisLimits,
    /// rad/s
    pub angular: AxisLimits,
    /// Without a command for this long the drive stops; `None`: it goes on for ever.
    pub watchdog: Option<Duration>,
}

/// Limits of one axis; all positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AxisLimits {
    /// Highest absolute speed.
    pub speed: f64,
    /// How fast the absolute speed can grow.
    pub acceleration: f64,
    /// How fast it can shrink.
    pub deceleration: f64,
}

/// The drive: commands in, the velocity of the robot out.
#[derive(Debug, Clone)]
pub(super) struct Drive {
    config: DriveConfig,
    command: Velocity,
    arrived: Duration,
    emergency_stop: bool,
    velocity: Velocity,
}

impl Velocity {
    /// Standing still.
    pub const ZERO: Velocity = Velocity { linear: 0.0, angular: 0.0 };
}

impl Drive {
    pub(super) fn new(config: DriveConfig) -> Drive {
        Drive {
            config,
            command: Velocity::ZERO,
            arrived: Duration::ZERO,
            emergency_stop: false,
            velocity: Velocity::ZERO,
        }
    }

    /// A command arrived. One that is no number is no sign of life either: it is dropped, and the watchdog goes on.
    pub(super) fn command(&mut self, velocity: Velocity, now: Duration) {
        if !(velocity.linear.is_finite() && velocity.angular.is_finite()) {
            return;
        }
        self.arrived = now;
        if !self.emergency_stop {
            self.command = Velocity {
                linear: self.config.linear.clamp(velocity.linear),
                angular: self.config.angular.clamp(velocity.angular),
            };
        }
    }

    /// While active, commands are dropped; after the release the drive waits for a new one.
    pub(super) fn emergency_stop(&mut self, active: bool) {
        // It is told again and again, as a heartbeat.
        if active != self.emergency_stop {
            self.command = Velocity::ZERO;
        }
        self.emergency_stop = active;
    }

    pub(super) fn is_emergency_stopped(&self) -> bool {
        self.emergency_stop
    }

    /// Ends a motion that nobody commands any more; true when it did so just now.
    pub(super) fn watch(&mut self, now: Duration) -> bool {
        let silent = now.saturating_sub(self.arrived);
        let expired = self.config.watchdog.is_some_and(|timeout| silent >= timeout);
        expired && std::mem::take(&mut self.command) != Velocity::ZERO
    }

    /// Moves the velocity towards the command for `dt` seconds.
    pub(super) fn ramp(&mut self, dt: f64) -> Velocity {
        self.velocity = Velocity {
            linear: self.config.linear.ramp(self.velocity.linear, self.command.linear, dt),
            angular: self.config.angular.ramp(self.velocity.angular, self.command.angular, dt),
        };
        self.velocity
    }

    /// Something solid is in the way: the wheels stand, turning on the spot goes on.
    pub(super) fn block(&mut self) {
        self.velocity.linear = 0.0;
    }

    /// What the drive steers to: the command after the watchdog, the emergency stop and the speed limits.
    pub(super) fn target(&self) -> Velocity {
        self.command
    }

    pub(super) fn velocity(&self) -> Velocity {
        self.velocity
    }
}

impl AxisLimits {
    fn clamp(&self, speed: f64) -> f64 {
        speed.clamp(-self.speed, self.speed)
    }

    /// A reversal first decelerates to rest, and starts the other way in the next step.
    fn ramp(&self, speed: f64, target: f64, dt: f64) -> f64 {
        if speed * target < 0.0 {
            let magnitude = (speed.abs() - self.deceleration * dt).max(0.0);
            return magnitude.copysign(speed);
        }
        let rate = if target.abs() > speed.abs() { self.acceleration } else { self.deceleration };
        speed + (target - speed).clamp(-rate * dt, rate * dt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: AxisLimits = AxisLimits { speed: 1.0, acceleration: 0.5, deceleration: 1.0 };
    const CONFIG: DriveConfig =
        DriveConfig { linear: LIMITS, angular: LIMITS, watchdog: Some(Duration::from_millis(500)) };

    fn forward(linear: f64) -> Velocity {
        Velocity { linear, angular: 0.0 }
    }

    #[test]
    fn speed_grows_and_shrinks_within_its_limits() {
        let check = |speed: f64, target: f64, expected: f64| {
            let ramped = LIMITS.ramp(speed, target, 0.1);
            assert!((ramped - expected).abs() < 1e-12, "{speed} -> {target}: {ramped}");
        };
        check(0.0, 1.0, 0.05);
        check(0.0, -1.0, -0.05);
        check(0.98, 1.0, 1.0);
        check(1.0, 0.0, 0.9);
        check(-1.0, 0.0, -0.9);
        check(0.05, 0.0, 0.0);
        check(0.5, -0.5, 0.4);
        check(0.05, -0.5, 0.0);
    }

    #[test]
    fn silence_ends_the_motion_once() {
        let mut drive = Drive::new(CONFIG);
        drive.command(forward(0.3), Duration::from_secs(1));
        assert!(!drive.watch(Duration::from_millis(1499)));
        assert_eq!(drive.target(), forward(0.3));
        assert!(drive.watch(Duration::from_millis(1500)));
        assert_eq!(drive.target(), Velocity::ZERO);
        assert!(!drive.watch(Duration::from_millis(1510)));
    }

    #[test]
    fn a_command_that_is_no_number_does_not_feed_the_watchdog() {
        let mut drive = Drive::new(CONFIG);
        drive.command(forward(0.3), Duration::ZERO);
        drive.command(forward(f64::NAN), Duration::from_millis(400));
        assert!(drive.watch(Duration::from_millis(500)));
    }

    #[test]
    fn an_emergency_stop_drops_commands_and_resumes_nothing() {
        let mut drive = Drive::new(CONFIG);
        drive.command(forward(0.3), Duration::ZERO);
        drive.emergency_stop(true);
        drive.command(forward(0.3), Duration::ZERO);
        assert_eq!(drive.target(), Velocity::ZERO);
        drive.emergency_stop(false);
        assert_eq!(drive.target(), Velocity::ZERO);
        drive.command(forward(0.2), Duration::ZERO);
        drive.emergency_stop(false);
        assert_eq!(drive.target(), forward(0.2), "a heartbeat changes nothing");
    }

    proptest! {
        #[test]
        fn no_command_breaks_the_limits(commands in prop::collection::vec((-5.0..5.0, -5.0..5.0), 1..50)) {
            let mut drive = Drive::new(CONFIG);
            let dt = 0.01;
            let mut before = Velocity::ZERO;
            for (linear, angular) in commands {
                drive.command(Velocity { linear, angular }, Duration::ZERO);
                for _ in 0..20 {
                    let after = drive.ramp(dt);
                    for (was, is) in [(before.linear, after.linear), (before.angular, after.angular)] {
                        prop_assert!(is.abs() <= LIMITS.speed);
                        prop_assert!(is.abs() - was.abs() <= LIMITS.acceleration * dt + 1e-12);
                        prop_assert!(was.abs() - is.abs() <= LIMITS.deceleration * dt + 1e-12);
                        prop_assert!(was * is >= 0.0, "a reversal passes through rest");
                    }
                    before = after;
                }
            }
        }
    }
}
