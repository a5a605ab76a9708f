//! The telemetry stream, and the one word for the robot's state.

use std::time::Duration;

use serde::Serialize;

use super::{Origin, encode, number};

wire_names! {
    /// The robot's state in one word. Where several hold, the first (the least) counts.
    #[derive(PartialOrd, Ord)]
    pub enum RobotStatus {
        /// The emergency stop is latched.
        EmergencyStop = "EMERGENCY_STOP",
        /// No odometry.
        Offline = "OFFLINE",
        /// Something is broken.
        Error = "ERROR",
        /// On its way onto the dock.
        Docking = "DOCKING",
        /// On its way off the dock.
        Undocking = "UNDOCKING",
        /// It moves, says odometry.
        Moving = "MOVING",
        /// Held by a critical zone.
        Paused = "PAUSED",
        /// Power flows in.
        Charging = "CHARGING",
        /// On the dock.
        Docked = "DOCKED",
        /// None of these.
        Idle = "IDLE",
    }
}

/// What `telemetry_update` tells; `None` is what was never received or is too old.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// From the configuration.
    pub robot_id: u64,
    /// In one word.
    pub status: RobotStatus,
    /// In the odometry frame, m.
    pub position: Option<[f64; 3]>,
    /// m/s; its absolute value is told.
    pub speed: Option<f64>,
    /// Percent.
    pub battery_level: Option<u8>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// Heading in the odometry frame, rad.
    pub yaw: Option<f64>,
}

/// `telemetry_update`; `stamp` is the odometry's, by the ROS clock.
pub fn telemetry_update(
    telemetry: &Telemetry,
    seq: u64,
    stamp: Option<Duration>,
    unix: Duration,
) -> String {
    #[derive(Serialize)]
    struct Documented {
        data: Data,
    }
    #[derive(Serialize)]
    struct Data {
        robot_id: u64,
        status: RobotStatus,
        position: Option<Position>,
        speed: Option<f64>,
        battery_level: Option<u8>,
        temperature: Option<f64>,
        yaw: Option<f64>,
    }
    let data = Data {
        robot_id: telemetry.robot_id,
        status: telemetry.status,
        position: telemetry.position.and_then(Position::new),
        speed: telemetry.speed.and_then(|speed| number::thousandths(speed.abs())),
        battery_level: telemetry.battery_level,
        temperature: telemetry.temperature.and_then(number::tenths),
        yaw: telemetry.yaw.and_then(number::thousandths),
    };
    encode("telemetry_update", Documented { data }, unix, Origin::new(seq, stamp))
}

/// A place, to the millimetre.
#[derive(Serialize)]
struct Position {
    x: f64,
    y: f64,
    z: f64,
}

impl Position {
    /// `None` unless every coordinate is finite.
    fn new([x, y, z]: [f64; 3]) -> Option<Position> {
        Some(Position {
            x: number::thousandths(x)?,
            y: number::thousandths(y)?,
            z: number::thousandths(z)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_status_counts() {
        let holding =
            [RobotStatus::Charging, RobotStatus::Offline, RobotStatus::Idle, RobotStatus::Moving];
        assert_eq!(holding.into_iter().min(), Some(RobotStatus::Offline));
    }

    #[test]
    fn what_is_not_finite_is_null() {
        let broken = Telemetry {
            robot_id: 1,
            status: RobotStatus::Idle,
            position: Some([1.0, f64::NAN, 0.0]),
            speed: Some(f64::INFINITY),
            battery_level: None,
            temperature: Some(f64::NAN),
            yaw: Some(f64::NAN),
        };
        let text = telemetry_update(&broken, 0, None, Duration::ZERO);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        for field in ["position", "speed", "battery_level", "temperature", "yaw"] {
            assert!(value["data"][field].is_null(), "{field}");
        }
    }
}
