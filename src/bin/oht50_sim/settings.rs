//! What the simulator's parameters make of the world.

use std::time::Duration;

use oht50_bridge::sim::{WorldConfig, routes};

/// All parameters with their values, each within its range; the defaults are the default world's.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Seed of all noise.
    pub seed: i64,
    /// How many walk through the hall.
    pub people: i64,
    /// Charge at the start.
    pub battery_fraction: f64,
    /// Of the drive, s; 0: never.
    pub watchdog_timeout: f64,
    /// Relative deviation of speeds.
    pub odometry_noise: f64,
    /// Whether every docking fails.
    pub dock_fails: bool,
    /// Hz
    pub scan_frequency: f64,
    /// Of a full turn.
    pub scan_beams: i64,
    /// m
    pub scan_range_max: f64,
    /// Deviation, m.
    pub scan_noise: f64,
    /// Probability.
    pub scan_dropout: f64,
    /// Whether `cmd_vel` is `TwistStamped`.
    pub cmd_vel_stamped: bool,
    /// Parent of the odometry's transform.
    pub odom_frame: String,
    /// The robot.
    pub base_frame: String,
    /// Frame of the scans.
    pub laser_frame: String,
    /// Whether stamps follow `/clock`.
    pub use_sim_time: bool,
}

impl Settings {
    /// The world that these parameters describe.
    pub fn world(&self) -> WorldConfig {
        let mut world = WorldConfig {
            seed: self.seed.unsigned_abs(),
            people: routes().into_iter().take(self.people as usize).collect(),
            odometry_noise: self.odometry_noise,
            ..WorldConfig::default()
        };
        let watchdog = Duration::from_secs_f64(self.watchdog_timeout);
        world.drive.watchdog = (!watchdog.is_zero()).then_some(watchdog);
        world.dock.fails = self.dock_fails;
        world.power.fraction = self.battery_fraction;
        world.lidar.frequency = self.scan_frequency;
        world.lidar.beams = self.scan_beams as usize;
        world.lidar.range_max = self.scan_range_max;
        world.lidar.noise = self.scan_noise;
        world.lidar.dropout = self.scan_dropout;
        world
    }
}

impl Default for Settings {
    fn default() -> Settings {
        let world = WorldConfig::default();
        Settings {
            seed: world.seed as i64,
            people: world.people.len() as i64,
            battery_fraction: world.power.fraction,
            watchdog_timeout: world.drive.watchdog.unwrap_or_default().as_secs_f64(),
            odometry_noise: world.odometry_noise,
            dock_fails: world.dock.fails,
            scan_frequency: world.lidar.frequency,
            scan_beams: world.lidar.beams as i64,
            scan_range_max: world.lidar.range_max,
            scan_noise: world.lidar.noise,
            scan_dropout: world.lidar.dropout,
            cmd_vel_stamped: false,
            odom_frame: "odom".to_owned(),
            base_frame: "base_link".to_owned(),
            laser_frame: "laser".to_owned(),
            use_sim_time: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_settings_are_the_default_world() {
        assert_eq!(Settings::default().world(), WorldConfig::default());
    }

    #[test]
    fn the_robot_description_mounts_the_lidar_where_the_world_does() {
        let pose = WorldConfig::default().lidar.base_from_laser;
        let (x, y) = (pose.translation.x, pose.translation.y);
        let origin =
            format!("<origin xyz=\"{x} {y} 0.25\" rpy=\"0 0 {}\"/>", pose.rotation.angle());
        assert!(include_str!("../../../config/oht50.urdf").contains(&origin), "{origin}");
    }
}
