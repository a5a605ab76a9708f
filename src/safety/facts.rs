//! What the Gate knows of the robot, and how old that is.

use std::time::Duration;

use super::Velocity;

/// Facts with the time of their arrival. An old fact is no fact.
#[derive(Debug, Default)]
pub struct Facts {
    /// Who else is on the topics that matter.
    pub graph: Graph,
    /// Whether the audit log can be written.
    pub audited: bool,
    odometry: Option<(Measured, Duration)>,
    hardware_stop: Option<(bool, Duration)>,
    /// From when on the hardware's stop may be missed.
    hardware_expected: Duration,
}

/// Who is on the topics that matter, besides the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Graph {
    /// Somebody listens on `cmd_vel`.
    pub drive_present: bool,
    /// Somebody else publishes on `cmd_vel`: whose velocity the drive follows is anybody's guess.
    pub cmd_vel_shared: bool,
    /// More than one publishes on `scan`: what the zones see is a mixture.
    pub scan_shared: bool,
}

/// The robot's own measure of its motion, in its base frame.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// m/s, forward positive.
    pub linear: f64,
    /// m/s, to the left positive.
    pub lateral: f64,
    /// rad/s, counter-clockwise positive.
    pub angular: f64,
}

/// What the robot's own emergency stop says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HardwareStop {
    /// It is pressed.
    Pressed,
    /// Its topic says nothing, so it may be.
    Silent,
}

impl Facts {
    /// The robot's own measure of its motion came.
    pub fn odometry(&mut self, measured: Measured, at: Duration) {
        self.odometry = Some((measured, at));
    }

    /// The robot's own emergency stop says whether it is pressed.
    pub fn hardware_stop(&mut self, pressed: bool, at: Duration) {
        self.hardware_stop = Some((pressed, at));
    }

    /// What keeps the hardware's stop from being known as released: nothing only if it said so within `timeout`.
    pub fn hardware_problem(&self, timeout: Duration, now: Duration) -> Option<HardwareStop> {
        match self.hardware_stop {
            Some((true, _)) => Some(HardwareStop::Pressed),
            Some((false, at)) if now.saturating_sub(at) < timeout => None,
            _ => Some(HardwareStop::Silent),
        }
    }

    /// The bridge begins to listen, or does so again: silence until now says nothing.
    pub fn listens(&mut self, now: Duration) {
        self.hardware_expected = now;
    }

    /// For how long the bridge has been listening.
    pub fn has_listened(&self, now: Duration) -> Duration {
        now.saturating_sub(self.hardware_expected)
    }

    /// How the robot moves, by odometry younger than `timeout`.
    pub fn actual(&self, timeout: Duration, now: Duration) -> Option<Measured> {
        let (measured, _) = self.odometry.filter(|(_, at)| now.saturating_sub(*at) < timeout)?;
        Some(measured)
    }

    /// When odometry came last, and whether it said that the robot is slower than `rest_speed` (m/s and rad/s).
    pub fn newest_rest(&self, rest_speed: f64) -> Option<(Duration, bool)> {
        let (measured, at) = self.odometry?;
        Some((at, measured.is_slower(rest_speed)))
    }

    /// Whether odometry younger than `timeout` says that the robot is slower than `rest_speed` (m/s and rad/s); `None`: nobody
    /// knows.
    pub fn rests(&self, rest_speed: f64, timeout: Duration, now: Duration) -> Option<bool> {
        Some(self.actual(timeout, now)?.is_slower(rest_speed))
    }
}

impl Measured {
    fn is_slower(self, rest_speed: f64) -> bool {
        // A robot that slides sideways is not at rest.
        self.linear.hypot(self.lateral) < rest_speed && self.angular.abs() < rest_speed
    }

    /// Without the sideways part, which no command asks for.
    pub fn velocity(self) -> Velocity {
        Velocity { linear: self.linear, angular: self.angular }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(1);
    const NOW: Duration = Duration::from_secs(10);
    const LAST: Duration = Duration::from_millis(10_999);
    const LATER: Duration = Duration::from_secs(11);

    #[test]
    fn a_stop_that_says_nothing_is_silent_and_one_that_was_pressed_stays_it() {
        let rows = [
            (None, Some(HardwareStop::Silent), Some(HardwareStop::Silent)),
            (Some(false), None, Some(HardwareStop::Silent)),
            (Some(true), Some(HardwareStop::Pressed), Some(HardwareStop::Pressed)),
        ];
        for (said, known, later) in rows {
            let mut facts = Facts::default();
            if let Some(pressed) = said {
                facts.hardware_stop(pressed, NOW);
            }
            for (now, expected) in [(NOW, known), (LAST, known), (LATER, later)] {
                assert_eq!(facts.hardware_problem(TIMEOUT, now), expected, "{said:?} {now:?}");
            }
        }
    }

    #[test]
    fn a_robot_rests_below_the_speed_of_rest_by_odometry_that_is_not_old() {
        let rows = [
            (0.009, 0.0, 0.0, true),
            (0.01, 0.0, 0.0, false),
            (-0.01, 0.0, 0.0, false),
            (0.0, 0.01, 0.0, false),
            (0.008, -0.008, 0.0, false),
            (0.0, 0.0, -0.009, true),
            (0.0, 0.0, -0.01, false),
        ];
        for (linear, lateral, angular, expected) in rows {
            let mut facts = Facts::default();
            assert_eq!(facts.rests(0.01, TIMEOUT, NOW), None);
            facts.odometry(Measured { linear, lateral, angular }, NOW);
            for (now, expected) in [(LAST, Some(expected)), (LATER, None)] {
                assert_eq!(facts.rests(0.01, TIMEOUT, now), expected, "{linear} {lateral}");
            }
        }
    }
}
