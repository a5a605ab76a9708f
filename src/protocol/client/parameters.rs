//! `parameters` of a command: known keys, numbers within their bounds.

use std::time::Duration;

use super::{Fault, cut};
use crate::{
    protocol::json::{Json, Object},
    safety::Velocity,
};

/// Of `robot_control`.
#[derive(Default)]
pub(super) struct RobotParameters {
    /// m/s for moves, rad/s for turns.
    pub speed: Option<f64>,
    pub duration: Option<Duration>,
    /// `confirm`; false if it is missing.
    pub confirmed: bool,
    /// `hold_to_run`; false if it is missing.
    pub hold_to_run: bool,
    /// `linear` and `angular`; one that is missing is zero, and `None` if both are.
    pub velocity: Option<Velocity>,
}

impl RobotParameters {
    /// `speed` and `duration` are checked for every command: a client may fill them in where they mean nothing, but
    /// not with nonsense. `more` are the other keys that the command knows.
    pub(super) fn read(message: &Object, more: &[&str]) -> Result<RobotParameters, Fault> {
        let Some(parameters) = parameters(message)? else {
            return Ok(RobotParameters::default());
        };
        let speed = SPEED.read(parameters)?;
        let duration = match DURATION.read(parameters)? {
            Some(seconds) => {
                Some(Duration::try_from_secs_f64(seconds).map_err(|_| DURATION.fault())?)
            }
            None => None,
        };
        let linear = LINEAR.read(parameters)?;
        let angular = ANGULAR.read(parameters)?;
        only(parameters, &[&[SPEED.key, DURATION.key], more])?;
        let velocity = linear
            .or(angular)
            .map(|_| Velocity { linear: linear.unwrap_or(0.0), angular: angular.unwrap_or(0.0) });
        Ok(RobotParameters {
            speed,
            duration,
            confirmed: flag(parameters, "confirm", "Confirm must be true or false")?,
            hold_to_run: flag(parameters, "hold_to_run", "Hold_to_run must be true or false")?,
            velocity,
        })
    }
}

/// Of `lidar_control`.
#[derive(Default)]
pub(super) struct LidarParameters {
    /// Hz
    pub frequency: Option<f64>,
    /// Metres.
    pub range: Option<f64>,
}

impl LidarParameters {
    /// Both are checked for every command, as those of `robot_control` are.
    pub(super) fn read(message: &Object) -> Result<LidarParameters, Fault> {
        let Some(parameters) = parameters(message)? else {
            return Ok(LidarParameters::default());
        };
        let frequency = FREQUENCY.read(parameters)?;
        let range = RANGE.read(parameters)?;
        only(parameters, &[&[FREQUENCY.key, RANGE.key]])?;
        Ok(LidarParameters { frequency, range })
    }
}

/// A number with its bounds, both included.
pub(super) struct Bounded {
    key: &'static str,
    from: f64,
    to: f64,
    text: &'static str,
}

impl Bounded {
    /// What is there under its key.
    pub(super) fn read(&self, parameters: &Object) -> Result<Option<f64>, Fault> {
        match parameters.get(self.key) {
            None => Ok(None),
            Some(Json::Number(number)) if (self.from..=self.to).contains(number) => {
                Ok(Some(number + 0.0)) // -0.0 becomes 0.0
            }
            Some(_) => Err(self.fault()),
        }
    }

    /// The documented text.
    pub(super) fn fault(&self) -> Fault {
        Fault::parameter(self.text)
    }
}

fn parameters(message: &Object) -> Result<Option<&Object>, Fault> {
    match message.get("parameters") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(parameters)) => Ok(Some(parameters)),
        Some(_) => Err(Fault::parameter("Parameters must be an object")),
    }
}

fn flag(parameters: &Object, key: &str, text: &str) -> Result<bool, Fault> {
    match parameters.get(key) {
        None => Ok(false),
        Some(Json::Bool(flag)) => Ok(*flag),
        Some(_) => Err(Fault::parameter(text)),
    }
}

/// A mistyped `spede` must not move a robot at its default speed.
fn only(parameters: &Object, known: &[&[&str]]) -> Result<(), Fault> {
    let known = |key: &str| known.iter().any(|keys| keys.contains(&key));
    match parameters.keys().find(|key| !known(key)) {
        None => Ok(()),
        Some(key) => Err(Fault::parameter(format!("Unknown parameter: {}", cut(key)))),
    }
}

/// m/s for moves, rad/s for turns.
const SPEED: Bounded =
    Bounded { key: "speed", from: 0.0, to: 10.0, text: "Speed must be between 0 and 10" };

/// m/s, forward positive.
pub(super) const LINEAR: Bounded =
    Bounded { key: "linear", from: -10.0, to: 10.0, text: "Linear must be between -10 and 10" };

/// rad/s, counter-clockwise positive.
const ANGULAR: Bounded =
    Bounded { key: "angular", from: -10.0, to: 10.0, text: "Angular must be between -10 and 10" };

/// Seconds.
const DURATION: Bounded = Bounded {
    key: "duration",
    from: 0.0,
    to: 3600.0,
    text: "Duration must be between 0 and 3600 seconds",
};

/// `options`: messages a second.
pub(super) const RATE: Bounded =
    Bounded { key: "rate_hz", from: 0.1, to: 50.0, text: "Rate must be between 0.1 and 50 Hz" };

/// `options`: points of a message.
pub(super) const POINTS: Bounded = Bounded {
    key: "max_points",
    from: 1.0,
    to: 100_000.0,
    text: "Max_points must be a whole number between 1 and 100000",
};

/// `options`: messages without an acknowledgement.
pub(super) const IN_FLIGHT: Bounded = Bounded {
    key: "max_in_flight",
    from: 1.0,
    to: 16.0,
    text: "Max_in_flight must be a whole number between 1 and 16",
};

/// Hz.
pub(super) const FREQUENCY: Bounded = Bounded {
    key: "frequency",
    from: 1.0,
    to: 50.0,
    text: "Frequency must be between 1 and 50 Hz",
};

/// Metres.
pub(super) const RANGE: Bounded =
    Bounded { key: "range", from: 0.1, to: 20.0, text: "Range must be between 0.1 and 20 meters" };
