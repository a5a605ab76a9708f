//! ROS messages and parameter values to the bridge's own types and back.

use r2r::{
    ParameterValue, builtin_interfaces, geometry_msgs, nav_msgs, oht50_bridge, rcl_interfaces,
    sensor_msgs, std_msgs,
};

use crate::{
    config::Value,
    lidar::RawScan,
    robot::{Battery, DockVelocity, Notice, Odometry},
    safety::{Action, Reason, Summary, Velocity},
};

/// A scan, unjudged; it arrived when the ROS clock said `ros_now`, s.
pub(super) fn scan(scan: sensor_msgs::msg::LaserScan, ros_now: f64) -> RawScan {
    RawScan {
        stamp: seconds(&scan.header),
        stamp_nanoseconds: nanoseconds(&scan.header),
        ros_now,
        frame_id: scan.header.frame_id.into(),
        angle_min: scan.angle_min.into(),
        angle_increment: scan.angle_increment.into(),
        range_min: scan.range_min.into(),
        range_max: scan.range_max.into(),
        ranges: scan.ranges.into(),
    }
}

/// Odometry; `None` where a number is not finite or the orientation is no rotation.
pub(super) fn odometry(odometry: &nav_msgs::msg::Odometry) -> Option<Odometry> {
    let position = &odometry.pose.pose.position;
    let twist = &odometry.twist.twist;
    let odometry = Odometry {
        position: [position.x, position.y, position.z],
        yaw: yaw(&odometry.pose.pose.orientation)?,
        linear: twist.linear.x,
        lateral: twist.linear.y,
        angular: twist.angular.z,
        stamp: seconds(&odometry.header),
    };
    let Odometry { position: [x, y, z], yaw, linear, lateral, angular, .. } = odometry;
    [x, y, z, yaw, linear, lateral, angular]
        .iter()
        .all(|value| value.is_finite())
        .then_some(odometry)
}

/// The battery. A percentage that is no fraction (NaN by the message's definition; in practice also -1, or 85 for
/// 85 %) is one that nobody knows.
pub(super) fn battery(battery: &sensor_msgs::msg::BatteryState) -> Battery {
    let fraction = f64::from(battery.percentage);
    let charging = sensor_msgs::msg::BatteryState::POWER_SUPPLY_STATUS_CHARGING;
    Battery {
        fraction: (0.0..=FULL).contains(&fraction).then(|| fraction.min(1.0)),
        charging: battery.power_supply_status == charging as u8,
    }
}

/// What the docking controller asks for; `None` where it is not finite.
pub(super) fn dock_velocity(twist: &geometry_msgs::msg::Twist) -> Option<DockVelocity> {
    let velocity = DockVelocity { linear: twist.linear.x, angular: twist.angular.z };
    (velocity.linear.is_finite() && velocity.angular.is_finite()).then_some(velocity)
}

/// A notice to operators.
pub(super) fn notice(notice: oht50_bridge::msg::Notice) -> Notice {
    let oht50_bridge::msg::Notice { severity, text, user_id, group } = notice;
    Notice { severity, text, user_id, group }
}

/// A velocity in the plane.
pub(super) fn twist(linear: f64, angular: f64) -> geometry_msgs::msg::Twist {
    let along = |x, z| geometry_msgs::msg::Vector3 { x, y: 0.0, z };
    geometry_msgs::msg::Twist { linear: along(linear, 0.0), angular: along(0.0, angular) }
}

/// A decision, for the rest of the robot and for engineers.
pub(super) fn safety_state(
    summary: &Summary,
    holder: Option<&str>,
    header: std_msgs::msg::Header,
) -> oht50_bridge::msg::SafetyState {
    use oht50_bridge::msg::SafetyState;
    let decision = match summary.action {
        Action::Go => SafetyState::GO as u8,
        Action::Limit => SafetyState::LIMIT as u8,
        Action::Stop => SafetyState::STOP as u8,
        Action::EmergencyStop => SafetyState::EMERGENCY_STOP as u8,
    };
    let reason = summary.reason.filter(|_| summary.action != Action::Go);
    let velocity = |velocity: Velocity| twist(velocity.linear, velocity.angular);
    SafetyState {
        header,
        decision,
        reason: reason.map_or("", Reason::as_str).to_owned(),
        zone: summary.zone.as_deref().unwrap_or_default().to_owned(),
        limited: summary.limit.is_some(),
        limit: summary.limit.map(velocity).unwrap_or_default(),
        requested: velocity(summary.requested),
        allowed: velocity(summary.allowed),
        emergency_stop: summary.action == Action::EmergencyStop,
        holder: holder.unwrap_or_default().to_owned(),
    }
}

/// A parameter as r2r read it.
pub(super) fn value(value: &ParameterValue) -> Value {
    match value.clone() {
        ParameterValue::NotSet => Value::NotSet,
        ParameterValue::Bool(value) => Value::Bool(value),
        ParameterValue::Integer(value) => Value::Integer(value),
        ParameterValue::Double(value) => Value::Double(value),
        ParameterValue::String(value) => Value::String(value),
        ParameterValue::ByteArray(values) => Value::ByteArray(values),
        ParameterValue::BoolArray(values) => Value::BoolArray(values),
        ParameterValue::IntegerArray(values) => Value::IntegerArray(values),
        ParameterValue::DoubleArray(values) => Value::DoubleArray(values),
        ParameterValue::StringArray(values) => Value::StringArray(values),
    }
}

/// A parameter as the parameter services send it.
pub(super) fn value_message(value: &Value) -> rcl_interfaces::msg::ParameterValue {
    let mut message =
        rcl_interfaces::msg::ParameterValue { type_: type_number(value), ..Default::default() };
    match value.clone() {
        Value::NotSet => {}
        Value::Bool(value) => message.bool_value = value,
        Value::Integer(value) => message.integer_value = value,
        Value::Double(value) => message.double_value = value,
        Value::String(value) => message.string_value = value,
        Value::ByteArray(values) => message.byte_array_value = values,
        Value::BoolArray(values) => message.bool_array_value = values,
        Value::IntegerArray(values) => message.integer_array_value = values,
        Value::DoubleArray(values) => message.double_array_value = values,
        Value::StringArray(values) => message.string_array_value = values,
    }
    message
}

/// `rcl_interfaces/msg/ParameterType`
pub(super) fn type_number(value: &Value) -> u8 {
    match value {
        Value::NotSet => 0,
        Value::Bool(_) => 1,
        Value::Integer(_) => 2,
        Value::Double(_) => 3,
        Value::String(_) => 4,
        Value::ByteArray(_) => 5,
        Value::BoolArray(_) => 6,
        Value::IntegerArray(_) => 7,
        Value::DoubleArray(_) => 8,
        Value::StringArray(_) => 9,
    }
}

fn seconds(header: &std_msgs::msg::Header) -> f64 {
    seconds_of(&header.stamp)
}

fn nanoseconds(header: &std_msgs::msg::Header) -> i64 {
    i64::from(header.stamp.sec) * 1_000_000_000 + i64::from(header.stamp.nanosec)
}

/// A time in s.
pub(super) fn seconds_of(time: &builtin_interfaces::msg::Time) -> f64 {
    f64::from(time.sec) + f64::from(time.nanosec) * 1e-9
}

/// Heading of a rotation, rad, by the z-y-x Euler angles of REP 103: atan2(2(wz + xy), w² + x² - y² - z²). The
/// quaternion need not be normalised; `None` for the zero quaternion, which is no rotation.
fn yaw(q: &geometry_msgs::msg::Quaternion) -> Option<f64> {
    let norm = q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z;
    let sine = 2.0 * (q.w * q.z + q.x * q.y);
    let cosine = q.w * q.w + q.x * q.x - q.y * q.y - q.z * q.z;
    (norm > 0.0).then(|| sine.atan2(cosine))
}

/// A full battery, with room for a driver's rounding.
const FULL: f64 = 1.01;

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, PI};

    use super::*;

    fn odometry_with(change: impl FnOnce(&mut nav_msgs::msg::Odometry)) -> Option<Odometry> {
        let mut message = nav_msgs::msg::Odometry::default();
        message.pose.pose.orientation.w = 1.0;
        change(&mut message);
        odometry(&message)
    }

    #[test]
    fn yaw_is_the_heading_of_the_quaternion() {
        for (x, y, z, w, expected) in [
            (0.0, 0.0, 0.0, 1.0, Some(0.0)),
            (0.0, 0.0, 0.5f64.sqrt(), 0.5f64.sqrt(), Some(FRAC_PI_2)),
            (0.0, 0.0, -3.0, 3.0, Some(-FRAC_PI_2)),
            (0.0, 0.0, 1.0, 0.0, Some(PI)),
            (0.0, 0.0, 0.0, 0.0, None),
            (f64::NAN, 0.0, 0.0, 1.0, None),
        ] {
            let got = yaw(&geometry_msgs::msg::Quaternion { x, y, z, w });
            let close = match (got, expected) {
                (Some(got), Some(expected)) => (got - expected).abs() < 1e-12,
                (got, expected) => got == expected,
            };
            assert!(close, "({x}, {y}, {z}, {w}): {got:?} instead of {expected:?}");
        }
    }

    #[test]
    fn odometry_that_is_not_finite_is_dropped() {
        let good = odometry_with(|message| {
            message.header.stamp.sec = 2;
            message.header.stamp.nanosec = 500_000_000;
            message.pose.pose.position.x = 1.0;
            message.twist.twist.linear.y = -0.2;
            message.twist.twist.angular.z = 0.3;
        });
        let expected = Odometry {
            position: [1.0, 0.0, 0.0],
            yaw: 0.0,
            linear: 0.0,
            lateral: -0.2,
            angular: 0.3,
            stamp: 2.5,
        };
        assert_eq!(good, Some(expected));
        assert_eq!(odometry_with(|message| message.pose.pose.position.y = f64::NAN), None);
        assert_eq!(odometry_with(|message| message.twist.twist.linear.x = f64::INFINITY), None);
        assert_eq!(odometry_with(|message| message.pose.pose.orientation.w = 0.0), None);
    }

    #[test]
    fn a_battery_that_does_not_know_its_charge_says_so() {
        for (percentage, status, fraction, charging) in [
            (0.5, 1, Some(0.5), true),
            (1.005, 2, Some(1.0), false),
            (85.0, 2, None, false),
            (-1.0, 3, None, false),
            (f32::NAN, 4, None, false),
        ] {
            let message = sensor_msgs::msg::BatteryState {
                percentage,
                power_supply_status: status,
                ..Default::default()
            };
            assert_eq!(battery(&message), Battery { fraction, charging });
        }
    }

    #[test]
    fn parameter_values_survive_both_ways() {
        for value in [
            ParameterValue::NotSet,
            ParameterValue::Bool(true),
            ParameterValue::Integer(-3),
            ParameterValue::Double(0.5),
            ParameterValue::String("text".to_owned()),
            ParameterValue::StringArray(vec!["a".to_owned()]),
            ParameterValue::DoubleArray(vec![0.2, 0.0]),
        ] {
            let message = value_message(&super::value(&value));
            let back = match message.type_ {
                1 => ParameterValue::Bool(message.bool_value),
                2 => ParameterValue::Integer(message.integer_value),
                3 => ParameterValue::Double(message.double_value),
                4 => ParameterValue::String(message.string_value),
                8 => ParameterValue::DoubleArray(message.double_array_value),
                9 => ParameterValue::StringArray(message.string_array_value),
                _ => ParameterValue::NotSet,
            };
            assert_eq!(back, value);
        }
    }
}
