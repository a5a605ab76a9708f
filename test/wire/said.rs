//! What the bridge says, against `golden/server`.

use std::time::Duration;

use oht50_bridge::{
    auth::Role,
    protocol::{
        ErrorCode, Failure, Stream,
        client::{ControlAction, LidarCommand, RobotCommand},
        server::{
            self, ControlCause, DockingCommand, Event, EventData, EventName, Plan, Severity,
            StopSource, Welcome, ZoneKind, ZonePlan,
        },
    },
    safety::{MotionKind, MotionRequest, Speed},
};

use super::{UNIX, check_names, golden, streamed::streams};

const EXPIRY: Duration = Duration::from_secs(1_738_063_800);
const FORWARD: RobotCommand = RobotCommand::Motion(MotionRequest {
    kind: MotionKind::MoveForward,
    speed: Speed::Magnitude(0.3),
    duration: Some(Duration::from_secs(2)),
    hold_to_run: false,
});

fn answers() -> Vec<(&'static str, String)> {
    let plan = Plan {
        footprint: vec![[0.4, 0.3], [-0.4, 0.3], [-0.4, -0.3], [0.4, -0.3]],
        driving: vec![ZonePlan {
            id: "critical".into(),
            kind: ZoneKind::Critical,
            boundary: vec![[0.9, 0.0], [0.0, 0.8], [-0.9, -0.000_1], [0.0, -0.800_4]],
        }],
        docking: vec![],
    };
    let welcome = Welcome {
        user_id: 7,
        username: "lan",
        connection_id: "c_5f0c9e2b7a4d4c1e8b3f6a7d2e9c0b14",
        connection: 12,
        role: Role::Operator,
        robot_id: 1,
        token_expires_at: EXPIRY,
        max_linear_speed: 1.0,
        max_angular_speed: 1.0,
        heartbeat_interval: Duration::from_secs(10),
        plan: &plan,
    };
    let done = |text: &str| Ok(text.to_owned());
    let failed = |code, text: &str| Err(Failure::new(code, text));
    // The golden file outlives a release.
    let this_version = format!(r#""server_version":"{}""#, env!("CARGO_PKG_VERSION"));
    vec![
        (
            "connection_established",
            server::connection_established(&welcome, UNIX)
                .replace(&this_version, r#""server_version":"0.1.0""#),
        ),
        ("subscription_confirmed", server::subscription_confirmed(Stream::Lidar, None, UNIX)),
        (
            "subscription_confirmed_with_request_id",
            server::subscription_confirmed(Stream::Telemetry, Some("s-1"), UNIX),
        ),
        (
            "unsubscription_confirmed",
            server::unsubscription_confirmed(Stream::RobotStatus, None, UNIX),
        ),
        ("pong", server::pong(None, UNIX)),
        ("pong_with_request_id", server::pong(Some("p-42"), UNIX)),
        ("authenticated", server::authenticated(Role::Operator, EXPIRY, Some("a-1"), UNIX)),
        (
            "error",
            server::error(
                ErrorCode::InvalidMessage,
                "Invalid robot command: jump",
                Some("r-2"),
                UNIX,
            ),
        ),
        ("error_internal", server::error(ErrorCode::Internal, "Internal server error", None, UNIX)),
        (
            "error_unauthorized",
            server::error(ErrorCode::Unauthorized, "Invalid token", Some("a-1"), UNIX),
        ),
        (
            "robot_control_response",
            server::robot_control_response(
                &FORWARD,
                &done("Moving forward at 0.3 m/s for 2 s"),
                None,
                UNIX,
            ),
        ),
        (
            "robot_control_response_refused",
            server::robot_control_response(
                &FORWARD,
                &failed(ErrorCode::NotInControl, "mai is in control"),
                Some("m-8"),
                UNIX,
            ),
        ),
        (
            "robot_control_response_stale",
            server::robot_control_response(
                &FORWARD,
                &failed(
                    ErrorCode::StaleCommand,
                    "The link does not prove that this was sent within 1.5 s",
                ),
                None,
                UNIX,
            ),
        ),
        (
            "robot_control_response_stop",
            server::robot_control_response(&RobotCommand::Stop, &done("Stopped"), None, UNIX),
        ),
        (
            "robot_control_response_emergency_stop",
            server::robot_control_response(
                &RobotCommand::EmergencyStop,
                &done("Emergency stop latched"),
                Some("e-1"),
                UNIX,
            ),
        ),
        (
            "robot_control_response_reset_refused",
            server::robot_control_response(
                &RobotCommand::ResetEmergencyStop { confirmed: false },
                &failed(
                    ErrorCode::ConfirmationRequired,
                    "Releasing the emergency stop needs parameters.confirm: true",
                ),
                None,
                UNIX,
            ),
        ),
        (
            "lidar_control_response",
            server::lidar_control_response(
                &LidarCommand::SetFrequency(10.0),
                &done("Scan frequency set to 10 Hz"),
                None,
                UNIX,
            ),
        ),
        (
            "lidar_control_response_refused",
            server::lidar_control_response(
                &LidarCommand::StopScan,
                &failed(ErrorCode::RobotMoving, "The robot moves"),
                None,
                UNIX,
            ),
        ),
        (
            "control_response",
            server::control_response(
                ControlAction::Acquire,
                &done("You are in control"),
                Some("c-1"),
                UNIX,
            ),
        ),
        (
            "control_response_refused",
            server::control_response(
                ControlAction::TakeOver,
                &failed(ErrorCode::Forbidden, "Taking over needs the role administrator"),
                None,
                UNIX,
            ),
        ),
    ]
}

fn events() -> Vec<(&'static str, String)> {
    use EventName as Name;
    use Severity::{Critical, Info, Warning};
    let by = || Some("mai".into());
    let dock = |seconds: u64| EventData::Docking {
        command: DockingCommand::Dock,
        elapsed: Duration::from_millis(seconds * 1000 + 250),
    };
    let motion =
        |reason| EventData::Motion { command: MotionKind::MoveForward, reason, zone: None };
    let control = |holder: Option<&str>, cause| EventData::Control {
        holder: holder.map(|name| (name.into(), 7)),
        cause,
    };
    let scan = |milliseconds, reason| EventData::Scan {
        age: Some(Duration::from_millis(milliseconds)),
        reason,
    };
    let zone = || EventData::Zone { zone: "critical".into(), kind: ZoneKind::Critical };
    let held = EventData::Motion {
        command: MotionKind::MoveForward,
        reason: Some("zone_blocked"),
        zone: Some("critical".into()),
    };
    let rows = [
        (
            "event_emergency_stop_engaged",
            Name::EmergencyStopEngaged,
            Critical,
            "Emergency stop: Pressed by mai",
            EventData::EmergencyStop { source: StopSource::Web, by: by() },
        ),
        (
            "event_emergency_stop_reset",
            Name::EmergencyStopReset,
            Warning,
            "mai released the emergency stop",
            EventData::EmergencyStopReset { by: by() },
        ),
        (
            "event_control_changed",
            Name::ControlChanged,
            Info,
            "lan is in control",
            control(Some("lan"), ControlCause::Command),
        ),
        (
            "event_control_changed_to_nobody",
            Name::ControlChanged,
            Info,
            "Nobody is in control",
            control(None, ControlCause::LinkLost),
        ),
        (
            "event_control_changed_by_take_over",
            Name::ControlChanged,
            Info,
            "mai is in control",
            control(Some("mai"), ControlCause::TakenOver),
        ),
        (
            "event_motion_finished",
            Name::MotionFinished,
            Info,
            "Moving forward: finished",
            motion(None),
        ),
        (
            "event_motion_aborted",
            Name::MotionAborted,
            Warning,
            "Moving forward aborted: scan_stale",
            motion(Some("scan_stale")),
        ),
        ("event_docking_progress", Name::DockingProgress, Info, "dock started", dock(0)),
        ("event_docking_finished", Name::DockingFinished, Info, "dock finished", dock(12)),
        (
            "event_docking_failed",
            Name::DockingFailed,
            Warning,
            "dock failed: aborted: docking_timeout",
            dock(45),
        ),
        (
            "event_scan_lost",
            Name::ScanLost,
            Critical,
            "No fresh LiDAR scan: motion is blocked",
            scan(512, Some("scan_stale")),
        ),
        (
            "event_motion_aborted_by_zone",
            Name::MotionAborted,
            Warning,
            "Moving forward aborted: zone_blocked",
            held,
        ),
        (
            "event_zone_entered",
            Name::ZoneEntered,
            Critical,
            "Something is in zone critical",
            zone(),
        ),
        ("event_zone_cleared", Name::ZoneCleared, Info, "Zone critical is clear", zone()),
        ("event_scan_restored", Name::ScanRestored, Info, "The LiDAR scans", scan(0, None)),
        (
            "event_battery_low",
            Name::BatteryLow,
            Warning,
            "Battery at 19 %",
            EventData::Battery { level: 19 },
        ),
        (
            "event_token_expiring",
            Name::TokenExpiring,
            Warning,
            "The token expires soon; send a new one with authenticate",
            EventData::TokenExpiring { expires_at: EXPIRY },
        ),
        (
            "event_server_stopping",
            Name::ServerStopping,
            Warning,
            "The bridge is stopping",
            EventData::None,
        ),
        ("event_notice", Name::Notice, Info, "Maintenance at noon", EventData::None),
    ];
    assert!(
        Name::ALL.iter().all(|name| rows.iter().any(|row| row.1 == *name)),
        "an event has no example"
    );
    rows.map(|(file, name, severity, message, data)| {
        let event = Event { name, severity, message: message.to_owned(), data };
        (file, server::event(&event, UNIX))
    })
    .into()
}

#[test]
fn what_the_bridge_says_is_what_the_golden_files_hold() {
    let rows: Vec<_> = [answers(), streams(), events()].concat();
    check_names("server", rows.iter().map(|(name, _)| *name));
    let files = golden("server");
    for (name, said) in rows {
        assert_eq!(said, files[name], "{name}");
    }
}
