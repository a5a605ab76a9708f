//! The streams' updates, for `golden/server`.

use std::time::Duration;

use oht50_bridge::{
    protocol::server::{
        self, Control, Docking, DockingState, EmergencyStop, Lidar, LidarPicture, LidarState,
        Motion, Obstacle, ObstacleKind, RobotStatus, Safety, SafetyDecision, SafetyZone, Sources,
        StatusReport, StopSource, Telemetry, ZoneKind,
    },
    safety::{MotionKind, Velocity},
};

use super::UNIX;

/// When the scan or the odometry was measured.
const STAMP: Option<Duration> = Some(Duration::from_micros(1_738_060_200_110_000));

/// Golden file and message of each.
pub fn streams() -> Vec<(&'static str, String)> {
    let telemetry = Telemetry {
        robot_id: 1,
        status: RobotStatus::Moving,
        position: Some([10.5, 25.3, -0.0001]),
        speed: Some(-0.50004),
        battery_level: Some(85),
        temperature: Some(45.16),
        yaw: Some(std::f64::consts::FRAC_PI_2),
    };
    let unknown = Telemetry {
        status: RobotStatus::Offline,
        position: None,
        speed: None,
        battery_level: None,
        temperature: None,
        yaw: None,
        ..telemetry
    };
    let picture = LidarPicture {
        points: &[[1.0, 2.0], [f64::NAN, 1.0], [-0.0004, -2.4996], [12.34, 0.05]],
        quality: 0.95,
        obstacles: &[
            Obstacle {
                number: 1,
                position: [5.0, 5.0],
                kind: ObstacleKind::Static,
                confidence: 0.9,
                velocity: [0.0, -0.0],
                radius: 0.2004,
            },
            Obstacle {
                number: 7,
                position: [2.5, -0.75],
                kind: ObstacleKind::Dynamic,
                confidence: 0.998,
                velocity: [-0.4, 1.1],
                radius: 0.175,
            },
        ],
        safety_zones: &[SafetyZone {
            id: "sz_1",
            kind: ZoneKind::Warning,
            boundary: &[[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]],
            violated: false,
        }],
    };
    let points = LidarPicture { obstacles: &[], safety_zones: &[], ..picture.clone() };
    let nothing = LidarPicture::default();
    vec![
        ("telemetry_update", server::telemetry_update(&telemetry, 1207, STAMP, UNIX)),
        ("telemetry_update_unknown", server::telemetry_update(&unknown, 1, None, UNIX)),
        ("lidar_update", server::lidar_update(&points, usize::MAX, 2414, STAMP, UNIX)),
        (
            "lidar_update_with_obstacles",
            server::lidar_update(&picture, usize::MAX, 2415, STAMP, UNIX),
        ),
        ("lidar_update_empty", server::lidar_update(&nothing, usize::MAX, 1, None, UNIX)),
        ("robot_status_update", server::robot_status_update(&moving(), 604, STAMP, UNIX)),
        ("robot_status_update_idle", server::robot_status_update(&idle(), 1, None, UNIX)),
        ("robot_status_update_slowed", server::robot_status_update(&slowed(), 606, STAMP, UNIX)),
        ("robot_status_update_held", server::robot_status_update(&held(), 608, STAMP, UNIX)),
        (
            "robot_status_update_emergency_stop",
            server::robot_status_update(&stopped(), 611, STAMP, UNIX),
        ),
    ]
}

fn moving() -> StatusReport {
    StatusReport {
        robot_id: 1,
        status: RobotStatus::Moving,
        control: Some(Control {
            holder: "lan".into(),
            user_id: 7,
            since: UNIX - Duration::from_millis(800),
            connection: 12,
        }),
        emergency_stop: EmergencyStop::default(),
        motion: Some(Motion {
            command: MotionKind::MoveForward,
            requested: Velocity { linear: 0.3, angular: 0.0 },
            actual: Some(Velocity { linear: 0.2998, angular: -0.0 }),
            remaining: Duration::from_millis(1200),
        }),
        safety: Safety { decision: SafetyDecision::Allow, reason: None, zone: None, limit: None },
        lidar: Lidar {
            state: LidarState::Scanning,
            age: Some(Duration::from_millis(13)),
            frequency: Some(10.0),
            range: Some(12.5),
        },
        docking: Docking { state: DockingState::Unknown, elapsed: None },
        sources: Sources {
            scan: Some(Duration::from_millis(13)),
            odom: Some(Duration::from_micros(18_400)),
            battery_state: Some(Duration::from_millis(420)),
            temperature: None,
        },
    }
}

fn idle() -> StatusReport {
    StatusReport {
        robot_id: 1,
        status: RobotStatus::Offline,
        control: None,
        emergency_stop: EmergencyStop::default(),
        motion: None,
        safety: Safety {
            decision: SafetyDecision::Stop,
            reason: Some("no_scan"),
            zone: None,
            limit: None,
        },
        lidar: Lidar { state: LidarState::Absent, age: None, frequency: None, range: None },
        docking: Docking { state: DockingState::Unknown, elapsed: None },
        sources: Sources::default(),
    }
}

fn slowed() -> StatusReport {
    StatusReport {
        safety: Safety {
            decision: SafetyDecision::Limit,
            reason: Some("zone_warning"),
            zone: Some("warning".into()),
            limit: Some(Velocity { linear: 0.3, angular: 0.5 }),
        },
        ..moving()
    }
}

fn held() -> StatusReport {
    StatusReport {
        status: RobotStatus::Paused,
        motion: None,
        safety: Safety {
            decision: SafetyDecision::Stop,
            reason: Some("zone_blocked"),
            zone: Some("critical".into()),
            limit: None,
        },
        ..moving()
    }
}

fn stopped() -> StatusReport {
    StatusReport {
        status: RobotStatus::EmergencyStop,
        control: None,
        emergency_stop: EmergencyStop {
            active: true,
            source: Some(StopSource::Web),
            by: Some("mai".into()),
            since: Some(UNIX - Duration::from_secs(3)),
            reason: Some("Pressed by mai".to_owned()),
        },
        motion: None,
        safety: Safety {
            decision: SafetyDecision::Stop,
            reason: Some("emergency_stop"),
            zone: None,
            limit: None,
        },
        ..moving()
    }
}
