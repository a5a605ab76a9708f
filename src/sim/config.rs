//! The world as it is shipped: a hall of 20 m by 12 m with columns, a dock and people.

use std::{f64::consts::PI, time::Duration};

use nalgebra::{Isometry2, Point2, Vector2};

use super::{
    dock::DockConfig,
    drive::{AxisLimits, DriveConfig},
    hall::{Disc, Hall, Wall},
    lidar::LidarConfig,
    people::Route,
    power::PowerConfig,
};

/// Everything about a world; the same configuration always gives the same world.
///
/// Frames are REP 103: the hall's frame is the odometry frame, x forward from the start pose, y to the left.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldConfig {
    /// Seed of all noise.
    pub seed: u64,
    /// Walls and columns; the dock's sides are added to them.
    pub hall: Hall,
    /// Who walks where.
    pub people: Vec<Route>,
    /// Where the robot's base starts.
    pub start: Isometry2<f64>,
    /// The robot's outline is a circle around its base, m.
    pub robot_radius: f64,
    /// The motors.
    pub drive: DriveConfig,
    /// The LiDAR.
    pub lidar: LidarConfig,
    /// The charger.
    pub dock: DockConfig,
    /// Battery and temperature.
    pub power: PowerConfig,
    /// Relative standard deviation of the odometry's speeds in each tick; 0: odometry is the truth.
    pub odometry_noise: f64,
}

impl Default for WorldConfig {
    fn default() -> WorldConfig {
        WorldConfig {
            seed: 1,
            hall: hall(),
            people: routes().into_iter().take(3).collect(),
            start: Isometry2::identity(),
            robot_radius: ROBOT_RADIUS,
            drive: DriveConfig {
                linear: AxisLimits { speed: 1.2, acceleration: 0.5, deceleration: 1.0 },
                angular: AxisLimits { speed: 1.5, acceleration: 1.0, deceleration: 2.0 },
                watchdog: Some(Duration::from_millis(500)),
            },
            lidar: LidarConfig {
                base_from_laser: Isometry2::translation(0.2, 0.0),
                beams: 720,
                frequency: 20.0,
                range_min: 0.05,
                range_max: 20.0,
                noise: 0.01,
                dropout: 0.01,
                spin_up: Duration::from_secs(1),
            },
            dock: DockConfig {
                pose: Isometry2::translation(-1.0, 0.0),
                size: Vector2::new(0.35, 0.6),
                speed: 0.1,
                max_distance: 5.0,
                undock_distance: 0.7,
                patience: Duration::from_secs(3),
                fails: false,
            },
            power: PowerConfig {
                fraction: 0.9,
                drain_per_hour: 0.05,
                drain_per_metre: 0.0001,
                charge_per_hour: 1.0,
                ambient: 22.0,
                rise_at_1_m_s: 25.0,
                thermal_time: 300.0,
            },
            odometry_noise: 0.0,
        }
    }
}

/// Routes through the default hall that stay clear of its columns, and of the first metres ahead of the start pose.
pub fn routes() -> Vec<Route> {
    let route = |points: &[[f64; 2]], speed, pause| Route {
        way_points: points.iter().map(|point| Point2::from(*point)).collect(),
        speed,
        pause: Duration::from_secs(pause),
    };
    vec![
        route(&[[6.0, -4.5], [6.0, 4.5]], 1.0, 2),
        route(&[[7.5, 4.2], [15.0, 4.2], [15.0, -4.2], [7.5, -4.2]], 1.3, 0),
        route(&[[10.5, 0.0], [17.0, 1.0]], 0.7, 5),
        route(&[[16.5, -5.0], [16.5, 5.0]], 1.1, 1),
        route(&[[11.5, -5.2], [5.2, -5.2], [5.2, -4.0]], 0.9, 3),
        route(&[[8.0, -1.2], [12.0, -1.2], [12.0, 1.2], [8.0, 1.2]], 1.2, 0),
    ]
}

/// From the dock's wall behind the start pose, 20 m forward and 6 m to either side.
fn hall() -> Hall {
    let mut hall = Hall {
        walls: vec![
            // A partition and, 3 m from it, a glass front in the left wall: beams leave the hall there.
            Wall::solid(Point2::new(3.0, 6.0), Point2::new(3.0, 3.5)),
            Wall::solid(Point2::new(BACK, 6.0), Point2::new(6.0, 6.0)),
            Wall::glass(Point2::new(6.0, 6.0), Point2::new(10.0, 6.0)),
            Wall::solid(Point2::new(10.0, 6.0), Point2::new(FRONT, 6.0)),
            Wall::solid(Point2::new(FRONT, 6.0), Point2::new(FRONT, -6.0)),
            Wall::solid(Point2::new(FRONT, -6.0), Point2::new(BACK, -6.0)),
            Wall::solid(Point2::new(BACK, -6.0), Point2::new(BACK, 6.0)),
        ],
        columns: Vec::new(),
    };
    for x in [4.5, 9.0, 13.5] {
        for y in [-2.5, 2.5] {
            hall.columns.push(Disc { center: Point2::new(x, y), radius: 0.2 });
        }
    }
    // Two roller cages.
    hall.add_rectangle(Isometry2::new(Vector2::new(2.0, -4.6), 0.1), Vector2::new(0.8, 1.2));
    hall.add_rectangle(Isometry2::new(Vector2::new(17.5, -2.8), PI / 2.0), Vector2::new(1.2, 0.8));
    hall
}

const ROBOT_RADIUS: f64 = 0.35;
const BACK: f64 = -1.75;
const FRONT: f64 = 18.25;
