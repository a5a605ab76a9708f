//! The topics and services of the bridge with their quality of service: the one place where they are named.
//!
//! Names are relative, so that namespaces and remaps apply. An input asks for best effort, which matches publishers
//! of either reliability, and keeps one message, since only the newest counts. Notices are the exception: each one
//! counts, and those who send them know to send reliably.

/// Which way messages go, seen from the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The bridge subscribes.
    In,
    /// The bridge publishes.
    Out,
}

/// Whether lost messages are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // named as ROS names them
pub enum Reliability {
    BestEffort,
    Reliable,
}

/// Whether those who come late get the last message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // named as ROS names them
pub enum Durability {
    Volatile,
    TransientLocal,
}

/// A topic and its quality of service; history is always keep-last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Relative, or private where it begins with `~/`.
    pub name: &'static str,
    /// The ROS type.
    pub message: &'static str,
    /// Which way.
    pub direction: Direction,
    /// Whether lost messages are sent again.
    pub reliability: Reliability,
    /// Whether those who come late get the last message.
    pub durability: Durability,
    /// How many messages are kept.
    pub depth: usize,
}

/// A service that the bridge calls or offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedService {
    /// Relative, or private where it begins with `~/`.
    pub name: &'static str,
    /// The ROS type.
    pub service: &'static str,
}

/// The LiDAR.
pub const SCAN: Topic = input("scan", "sensor_msgs/msg/LaserScan");
/// Pose and twist.
pub const ODOM: Topic = input("odom", "nav_msgs/msg/Odometry");
/// The battery.
pub const BATTERY_STATE: Topic = input("battery_state", "sensor_msgs/msg/BatteryState");
/// Of the robot, degrees Celsius.
pub const TEMPERATURE: Topic = input("temperature", "sensor_msgs/msg/Temperature");
/// What the docking controller asks for.
pub const CMD_VEL_DOCK: Topic = input("cmd_vel_dock", "geometry_msgs/msg/Twist");
/// To operators, from the robot's side.
pub const NOTICE: Topic = Topic {
    reliability: Reliability::Reliable,
    depth: 32,
    ..input("~/notice", "oht50_bridge/msg/Notice")
};
/// To the drive.
pub const CMD_VEL: Topic = output("cmd_vel", "geometry_msgs/msg/Twist");
/// Whether the emergency stop is latched.
pub const EMERGENCY_STOP: Topic = Topic {
    durability: Durability::TransientLocal,
    ..output("emergency_stop", "std_msgs/msg/Bool")
};

/// What motion safety decides, and why.
pub const SAFETY: Topic = output("~/safety", "oht50_bridge/msg/SafetyState");
/// What is followed, after each scan.
pub const OBSTACLES: Topic = output("~/obstacles", "oht50_bridge/msg/ObstacleArray");
/// The same and the zones, for rviz.
pub const MARKERS: Topic = output("~/markers", "visualization_msgs/msg/MarkerArray");
/// The robot's outline.
pub const FOOTPRINT: Topic = output("~/footprint", "geometry_msgs/msg/PolygonStamped");
/// A zone's outline; empty while its field set does not count. Each zone has a topic, see [`zone_token`].
pub const SAFETY_ZONES: Topic = output("~/safety_zones/<zone>", "geometry_msgs/msg/PolygonStamped");
/// How the bridge is, part by part; the name is everybody's, whatever the namespace.
pub const DIAGNOSTICS: Topic =
    Topic { depth: 10, ..output("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray") };
/// How the bridge is in one message.
pub const STATUS: Topic = output("~/status", "oht50_bridge/msg/BridgeStatus");
/// The robot's own emergency stop: true while it is pressed. Its name is the parameter `hardware_stop_topic`.
pub const HARDWARE_STOP: Topic = input("<hardware_stop_topic>", "std_msgs/msg/Bool");

/// Every topic; `cmd_vel` carries `geometry_msgs/msg/TwistStamped` where `cmd_vel_stamped` says so.
pub const TOPICS: &[Topic] = &[
    SCAN,
    ODOM,
    BATTERY_STATE,
    TEMPERATURE,
    CMD_VEL_DOCK,
    HARDWARE_STOP,
    NOTICE,
    CMD_VEL,
    EMERGENCY_STOP,
    SAFETY,
    OBSTACLES,
    MARKERS,
    SAFETY_ZONES,
    FOOTPRINT,
    STATUS,
    DIAGNOSTICS,
];

/// Answers when docked.
pub const DOCK: NamedService = NamedService { name: "dock", service: "std_srvs/srv/Trigger" };
/// Answers when off the dock.
pub const UNDOCK: NamedService = NamedService { name: "undock", service: "std_srvs/srv/Trigger" };
/// Ends docking that a controller drives by itself; where `docking_controller` is `cancellable`.
pub const CANCEL_DOCKING: NamedService =
    NamedService { name: "cancel_docking", service: "std_srvs/srv/Trigger" };
/// Starts the LiDAR's motor.
pub const START_MOTOR: NamedService =
    NamedService { name: "start_motor", service: "std_srvs/srv/Empty" };
/// Stops it.
pub const STOP_MOTOR: NamedService =
    NamedService { name: "stop_motor", service: "std_srvs/srv/Empty" };

/// Every service that the bridge calls, besides the LiDAR driver's `set_parameters`.
pub const SERVICES: &[NamedService] = &[DOCK, UNDOCK, CANCEL_DOCKING, START_MOTOR, STOP_MOTOR];

/// Latches the emergency stop; answers once zero was published.
pub const CALL_EMERGENCY_STOP: NamedService =
    NamedService { name: "~/emergency_stop", service: "std_srvs/srv/Trigger" };
/// Releases it, if the robot is known to stand still; never moves it.
pub const RESET_EMERGENCY_STOP: NamedService =
    NamedService { name: "~/reset_emergency_stop", service: "std_srvs/srv/Trigger" };

/// Every service that the bridge offers, besides those of parameters.
pub const OFFERED: &[NamedService] = &[CALL_EMERGENCY_STOP, RESET_EMERGENCY_STOP];

/// A zone's name as a part of a topic's name: whatever is neither letter nor digit becomes an underscore.
pub fn zone_token(zone: &str) -> String {
    let words = zone.split(|letter: char| !letter.is_ascii_alphanumeric());
    let token = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
    if token.starts_with(|first: char| first.is_ascii_alphabetic()) {
        token
    } else {
        format!("zone_{token}").trim_end_matches('_').to_owned()
    }
}

/// The README's table of topics, in Markdown; ends in a newline.
pub fn markdown_table() -> String {
    let head = "| Topic | Type | Direction | Reliability | Durability | Depth |\n|---|---|---|---|---|---|\n";
    TOPICS.iter().fold(head.to_owned(), |table, topic| {
        let direction = match topic.direction {
            Direction::In => "subscribes",
            Direction::Out => "publishes",
        };
        let reliability = match topic.reliability {
            Reliability::BestEffort => "best effort",
            Reliability::Reliable => "reliable",
        };
        let durability = match topic.durability {
            Durability::Volatile => "volatile",
            Durability::TransientLocal => "transient local",
        };
        let Topic { name, message, depth, .. } = topic;
        table
            + &format!(
                "| `{name}` | {message} | {direction} | {reliability} | {durability} | {depth} |\n"
            )
    })
}

const fn input(name: &'static str, message: &'static str) -> Topic {
    Topic {
        name,
        message,
        direction: Direction::In,
        reliability: Reliability::BestEffort,
        durability: Durability::Volatile,
        depth: 1,
    }
}

const fn output(name: &'static str, message: &'static str) -> Topic {
    Topic { direction: Direction::Out, reliability: Reliability::Reliable, ..input(name, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_match_any_publisher_and_keep_the_newest() {
        for topic in TOPICS.iter().filter(|topic| topic.direction == Direction::In) {
            if *topic != NOTICE {
                assert_eq!(
                    (topic.reliability, topic.depth),
                    (Reliability::BestEffort, 1),
                    "{topic:?}"
                );
            }
            assert_eq!(topic.durability, Durability::Volatile, "{topic:?}");
        }
    }

    #[test]
    fn the_markdown_table_has_a_line_for_each_topic() {
        let table = markdown_table();
        assert_eq!(table.lines().count(), TOPICS.len() + 2);
        let row = "| `cmd_vel` | geometry_msgs/msg/Twist | publishes | reliable | volatile | 1 |\n";
        assert!(table.contains(row), "{table}");
    }

    #[test]
    fn a_zone_has_a_topic_whatever_its_name() {
        let rows = [
            ("critical", "critical"),
            ("front_left", "front_left"),
            ("Front, left!", "Front_left"),
            ("2 m", "zone_2_m"),
            ("__a__b__", "a_b"),
            ("前", "zone"),
        ];
        for (name, token) in rows {
            assert_eq!(zone_token(name), token);
        }
    }
}
