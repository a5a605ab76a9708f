//! The robot of these tests: 0.8 m by 0.6 m, a LiDAR in its middle, in a room whose walls are 5 m away.

use std::{f64::consts::PI, time::Duration};

use nalgebra::{Isometry2, Point2};

use crate::safety::{
    DockingController, GateConfig, Surroundings,
    zone::{Area, Kind, ScanView, Sector, Zone, ZoneConfig, Zones},
};

pub fn config() -> GateConfig {
    GateConfig {
        max_linear_speed: 1.0,
        max_angular_speed: 1.0,
        linear_acceleration: 0.5,
        angular_acceleration: 1.0,
        default_linear_speed: 0.2,
        default_angular_speed: 0.4,
        rest_speed: 0.01,
        command_hold: Duration::from_secs(1),
        control_hold: Duration::from_secs(5),
        deceleration: 1.0,
        odom_timeout: Duration::from_millis(500),
        docking_speed: 0.1,
        docking_timeout: Duration::from_secs(45),
        docking_controller: DockingController::Velocities,
        max_unattended_move: Duration::from_secs(10),
        hardware_stop: false,
    }
}

/// The zones as shipped; while docking, what is 0.1 m from the front or the sides.
pub fn surroundings() -> Surroundings {
    let corner = |x: f64, y: f64| Point2::new(x, y);
    let footprint =
        vec![corner(FRONT, 0.3), corner(-FRONT, 0.3), corner(-FRONT, -0.3), corner(FRONT, -0.3)];
    let driving = ZoneConfig::around(footprint, Isometry2::identity(), "laser".into());
    let sides = Zone {
        name: "sides".into(),
        kind: Kind::Critical,
        area: Area::Part(0.1, Sector { from: -2.1, to: 2.1 }),
    };
    let docking = driving.docking(vec![sides]);
    Surroundings::new(Zones::new(driving).unwrap(), Zones::new(docking).unwrap())
}

/// What the LiDAR sees: the walls, and a box of 0.4 m so far ahead of the robot's front. No two scans are the same.
pub fn lidar(ahead: Option<f64>, now: Duration) -> Vec<f32> {
    let background = 5.0 + (now.as_millis() % 1000) as f64 * 1e-5;
    let beam = |index: usize| {
        let (sin, cos) = (-PI + index as f64 * STEP).sin_cos();
        let seen = ahead.map(|distance| (FRONT + distance) / cos);
        seen.filter(|range| cos > 0.0 && (range * sin).abs() < 0.2).unwrap_or(background) as f32
    };
    (0..BEAMS).map(beam).collect()
}

pub fn view(ranges: &[f32], now: Duration) -> ScanView<'_> {
    ScanView {
        frame_id: "laser",
        stamp: now.as_secs_f64(),
        ros_now: now.as_secs_f64(),
        angle_min: -PI,
        angle_increment: STEP,
        range_min: 0.05,
        range_max: 20.0,
        ranges,
    }
}

/// From the base frame's origin, m.
const FRONT: f64 = 0.4;
const BEAMS: usize = 360;
const STEP: f64 = 2.0 * PI / BEAMS as f64;
