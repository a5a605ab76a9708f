//! What the simulator publishes: values of the world as ROS messages.

use std::time::Duration;

use nalgebra::Isometry2;
use oht50_bridge::sim::{Battery, Odometry, Scan, Velocity, WorldConfig};
use r2r::{
    Node, Publisher, QosProfile,
    builtin_interfaces::msg::Time,
    geometry_msgs::msg::{
        Pose, Quaternion, Transform, TransformStamped, Twist, TwistStamped, Vector3,
    },
    nav_msgs, sensor_msgs,
    std_msgs::{self, msg::Header},
    tf2_msgs::msg::TFMessage,
};

use super::settings::Settings;

/// All publishers, and the frames they speak of.
pub struct Topics {
    odom_frame: String,
    base_frame: String,
    laser_frame: String,
    scan: Publisher<sensor_msgs::msg::LaserScan>,
    odom: Publisher<nav_msgs::msg::Odometry>,
    tf: Publisher<TFMessage>,
    tf_static: Publisher<TFMessage>,
    robot_description: Publisher<std_msgs::msg::String>,
    battery_state: Publisher<sensor_msgs::msg::BatteryState>,
    temperature: Publisher<sensor_msgs::msg::Temperature>,
    drive_command: Publisher<TwistStamped>,
    cmd_vel_dock: Publisher<Twist>,
}

impl Topics {
    /// Offers the topics.
    pub fn offer(node: &mut Node, settings: &Settings) -> r2r::Result<Topics> {
        let newest = QosProfile::default().keep_last(1);
        // What is held up goes out in one burst.
        let held_up = QosProfile::default().keep_last(256);
        let latched = newest.clone().transient_local();
        Ok(Topics {
            odom_frame: settings.odom_frame.clone(),
            base_frame: settings.base_frame.clone(),
            laser_frame: settings.laser_frame.clone(),
            scan: node.create_publisher("scan", QosProfile::sensor_data())?,
            odom: node.create_publisher("odom", held_up.clone())?,
            tf: node.create_publisher("/tf", QosProfile::default().keep_last(100))?,
            tf_static: node.create_publisher("/tf_static", latched.clone())?,
            robot_description: node.create_publisher("robot_description", latched)?,
            battery_state: node.create_publisher("battery_state", QosProfile::default())?,
            temperature: node.create_publisher("temperature", QosProfile::default())?,
            drive_command: node.create_publisher("drive_command", held_up)?,
            cmd_vel_dock: node.create_publisher("cmd_vel_dock", newest)?,
        })
    }

    /// `robot_description` and `/tf_static`: once; who comes later gets them too.
    pub fn publish_description(&self, stamp: Time, world: &WorldConfig) -> r2r::Result<()> {
        let data = include_str!("../../../config/oht50.urdf").to_owned();
        self.robot_description.publish(&std_msgs::msg::String { data })?;
        let mut laser = transform(&world.lidar.base_from_laser);
        laser.translation.z = LASER_HEIGHT;
        let header = Header { stamp, frame_id: self.base_frame.clone() };
        let child_frame_id = self.laser_frame.clone();
        let transforms = vec![TransformStamped { header, child_frame_id, transform: laser }];
        self.tf_static.publish(&TFMessage { transforms })
    }

    /// `scan`
    pub fn publish_scan(&self, stamp: Time, scan: Scan) -> r2r::Result<()> {
        self.scan.publish(&sensor_msgs::msg::LaserScan {
            header: Header { stamp, frame_id: self.laser_frame.clone() },
            angle_min: scan.angle_min as f32,
            angle_max: (scan.angle_min + scan.angle_increment * (scan.ranges.len() - 1) as f64)
                as f32,
            angle_increment: scan.angle_increment as f32,
            time_increment: 0.0,
            scan_time: scan.period.as_secs_f32(),
            range_min: scan.range_min as f32,
            range_max: scan.range_max as f32,
            ranges: scan.ranges,
            intensities: Vec::new(),
        })
    }

    /// `odom` and `/tf`
    pub fn publish_odometry(&self, stamp: Time, odometry: &Odometry) -> r2r::Result<()> {
        let header = Header { stamp, frame_id: self.odom_frame.clone() };
        let child_frame_id = self.base_frame.clone();
        let transform = transform(&odometry.pose);
        let mut message = nav_msgs::msg::Odometry {
            header: header.clone(),
            child_frame_id: child_frame_id.clone(),
            ..Default::default()
        };
        message.pose.pose = Pose {
            position: r2r::geometry_msgs::msg::Point {
                x: odometry.pose.translation.x,
                y: odometry.pose.translation.y,
                z: 0.0,
            },
            orientation: transform.rotation.clone(),
        };
        message.twist.twist = twist(odometry.twist);
        self.odom.publish(&message)?;
        let transforms = vec![TransformStamped { header, child_frame_id, transform }];
        self.tf.publish(&TFMessage { transforms })
    }

    /// `drive_command`
    pub fn publish_drive_command(&self, stamp: Time, velocity: Velocity) -> r2r::Result<()> {
        let header = Header { stamp, frame_id: self.base_frame.clone() };
        self.drive_command.publish(&TwistStamped { header, twist: twist(velocity) })
    }

    /// `cmd_vel_dock`
    pub fn publish_docking_velocity(&self, velocity: Velocity) -> r2r::Result<()> {
        self.cmd_vel_dock.publish(&twist(velocity))
    }

    /// `battery_state`
    pub fn publish_battery(&self, stamp: Time, battery: &Battery) -> r2r::Result<()> {
        use sensor_msgs::msg::BatteryState;
        let status = if battery.charging {
            BatteryState::POWER_SUPPLY_STATUS_CHARGING as u8
        } else if battery.fraction >= 1.0 {
            BatteryState::POWER_SUPPLY_STATUS_FULL as u8
        } else {
            BatteryState::POWER_SUPPLY_STATUS_DISCHARGING as u8
        };
        self.battery_state.publish(&BatteryState {
            header: Header { stamp, frame_id: self.base_frame.clone() },
            voltage: battery.voltage as f32,
            current: battery.current as f32,
            percentage: battery.fraction as f32,
            // Not measured.
            temperature: f32::NAN,
            charge: f32::NAN,
            capacity: f32::NAN,
            design_capacity: f32::NAN,
            power_supply_status: status,
            power_supply_health: BatteryState::POWER_SUPPLY_HEALTH_GOOD as u8,
            power_supply_technology: BatteryState::POWER_SUPPLY_TECHNOLOGY_LIFE as u8,
            present: true,
            ..Default::default()
        })
    }

    /// `temperature`
    pub fn publish_temperature(&self, stamp: Time, temperature: f64) -> r2r::Result<()> {
        let header = Header { stamp, frame_id: self.base_frame.clone() };
        let message = sensor_msgs::msg::Temperature { header, temperature, variance: 0.0 };
        self.temperature.publish(&message)
    }
}

/// Of a ROS clock's time since its epoch.
pub fn stamp(time: Duration) -> Time {
    r2r::Clock::to_builtin_time(&time)
}

/// What of a `Twist` concerns a robot that cannot drive sideways.
pub fn velocity(twist: &Twist) -> Velocity {
    Velocity { linear: twist.linear.x, angular: twist.angular.z }
}

fn twist(velocity: Velocity) -> Twist {
    Twist {
        linear: Vector3 { x: velocity.linear, y: 0.0, z: 0.0 },
        angular: Vector3 { x: 0.0, y: 0.0, z: velocity.angular },
    }
}

fn transform(pose: &Isometry2<f64>) -> Transform {
    let (z, w) = (pose.rotation.angle() / 2.0).sin_cos();
    Transform {
        translation: Vector3 { x: pose.translation.x, y: pose.translation.y, z: 0.0 },
        rotation: Quaternion { x: 0.0, y: 0.0, z, w },
    }
}

/// Of the LiDAR above the floor, m; as in the robot description.
const LASER_HEIGHT: f64 = 0.25;
