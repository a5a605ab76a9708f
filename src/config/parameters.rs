//! The table of all parameters: what `config` checks by, what the parameter services describe, and what
//! `config/bridge.yaml` and the README are held to.

use super::Value;

/// One parameter. Every parameter is read-only after start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// As ROS spells it.
    pub name: &'static str,
    /// Type, default and what is accepted.
    pub kind: Kind,
    /// SI unit of a number; empty where there is none.
    pub unit: &'static str,
    /// One sentence for people.
    pub description: &'static str,
}

/// Type, default and accepted values of a parameter. Ranges include both ends.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)] // default, min and max say what they are
pub enum Kind {
    Bool {
        default: bool,
    },
    Integer {
        default: i64,
        min: i64,
        max: i64,
    },
    /// An integer is accepted too.
    Double {
        default: f64,
        min: f64,
        max: f64,
    },
    /// A string out of a closed list.
    Choice {
        default: &'static str,
        choices: &'static [&'static str],
    },
    /// A string of some form.
    Text {
        default: &'static str,
        form: Form,
    },
    /// A list of strings of some form.
    Texts {
        default: &'static [&'static str],
        form: Form,
    },
    /// `[x m, y m, yaw rad]`; has no default and must be given.
    Pose,
    /// `[x, y, x, y, ...]`, m; has no default and must be given.
    Outline,
    /// `[from, to, from, to, ...]`, rad; empty by default.
    Sectors,
}

/// What a string must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An IP address, version 4 or 6.
    Address,
    /// An absolute path or nothing.
    Path,
    /// What a browser sends as `Origin`.
    Origin,
    /// A ROS name, absolute or relative.
    Name,
    /// The same, or nothing.
    NameOrNothing,
    /// A zone in one line.
    Zone,
    /// Some text.
    NotEmpty,
    /// Any text, or nothing.
    Anything,
}

impl Form {
    /// For people: what is accepted.
    pub fn description(self) -> &'static str {
        match self {
            Form::Address => "an IP address",
            Form::Path => "an absolute path, or empty",
            Form::Origin => "scheme://host[:port], lower case, no default port",
            Form::Name => "a ROS name",
            Form::NameOrNothing => "a ROS name, or empty",
            Form::Zone => {
                "`NAME: KIND DEPTH`, `NAME: KIND DEPTH FROM..TO`, or `NAME: KIND [[X, Y], ...]`"
            }
            Form::NotEmpty => "not empty",
            Form::Anything => "any text, or empty",
        }
    }
}

impl Parameter {
    /// The shipped value; `None` where one must be given.
    pub fn default(&self) -> Option<Value> {
        match self.kind {
            Kind::Bool { default } => Some(Value::Bool(default)),
            Kind::Integer { default, .. } => Some(Value::Integer(default)),
            Kind::Double { default, .. } => Some(Value::Double(default)),
            Kind::Choice { default, .. } | Kind::Text { default, .. } => {
                Some(Value::String(default.to_owned()))
            }
            Kind::Texts { default, .. } => {
                Some(Value::StringArray(default.iter().map(|text| (*text).to_owned()).collect()))
            }
            Kind::Sectors => Some(Value::DoubleArray(Vec::new())),
            Kind::Pose | Kind::Outline => None,
        }
    }

    /// The ROS type.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Bool { .. } => "bool",
            Kind::Integer { .. } => "integer",
            Kind::Double { .. } => "double",
            Kind::Choice { .. } | Kind::Text { .. } => "string",
            Kind::Texts { .. } => "string array",
            Kind::Pose | Kind::Outline | Kind::Sectors => "double array",
        }
    }

    /// What is accepted, for people: a range, the choices, or a form; empty for a bool. Without the unit.
    pub fn accepted(&self) -> String {
        match self.kind {
            Kind::Bool { .. } => String::new(),
            Kind::Integer { min, max, .. } => format!("{min}..{max}"),
            Kind::Double { min, max, .. } => format!("{min:?}..{max:?}"),
            Kind::Choice { choices, .. } => choices.join(" or "),
            Kind::Text { form, .. } => form.description().to_owned(),
            Kind::Texts { form, .. } => format!("each {}", form.description()),
            Kind::Pose => {
                format!("x, y: -{MAX_OFFSET:?}..{MAX_OFFSET:?}; yaw: -{MAX_YAW:?}..{MAX_YAW:?}")
            }
            Kind::Outline => "x, y of 3 to 64 vertices of a simple polygon".to_owned(),
            Kind::Sectors => format!("from, to of each, -{MAX_YAW:?}..{MAX_YAW:?}"),
        }
    }
}

/// The README's table of parameters, in Markdown; ends in a newline.
pub fn markdown_table() -> String {
    let head =
        "| Parameter | Type | Default | Accepted | Unit | Meaning |\n|---|---|---|---|---|---|\n";
    PARAMETERS.iter().fold(head.to_owned(), |table, parameter| {
        let default =
            parameter.default().map_or("required".to_owned(), |value| format!("`{value}`"));
        let Parameter { name, unit, description, .. } = parameter;
        let (type_name, accepted) = (parameter.type_name(), parameter.accepted());
        table
            + &format!(
                "| `{name}` | {type_name} | {default} | {accepted} | {unit} | {description} |\n"
            )
    })
}

/// The parameter of this name.
pub fn find(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

const fn flag(name: &'static str, default: bool, description: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Bool { default }, unit: "", description }
}

const fn integer(
    name: &'static str,
    default: i64,
    (min, max): (i64, i64),
    description: &'static str,
) -> Parameter {
    Parameter { name, kind: Kind::Integer { default, min, max }, unit: "", description }
}

const fn double(
    name: &'static str,
    default: f64,
    (min, max): (f64, f64),
    unit: &'static str,
    description: &'static str,
) -> Parameter {
    Parameter { name, kind: Kind::Double { default, min, max }, unit, description }
}

const fn choice(
    name: &'static str,
    choices: &'static [&'static str],
    default: &'static str,
    description: &'static str,
) -> Parameter {
    Parameter { name, kind: Kind::Choice { default, choices }, unit: "", description }
}

const fn text(
    name: &'static str,
    default: &'static str,
    form: Form,
    description: &'static str,
) -> Parameter {
    Parameter { name, kind: Kind::Text { default, form }, unit: "", description }
}

/// Every parameter of the bridge, in the order in which people read about them.
#[rustfmt::skip] // one parameter, one line
pub const PARAMETERS: &[Parameter] = &[
    integer("robot_id", 1, (1, MAX_ID), "Number of the robot in telemetry and status."),
    text("state_directory", "", Form::Path, "Where the emergency-stop latch outlives a restart, and the audit log stands; empty: `oht50_bridge`, below the namespace, in `$ROS_HOME` or `~/.ros`."),
    integer("audit_max_bytes", 16_777_216, (1_048_576, 1_073_741_824), "Size of `audit.jsonl`, in bytes, at which a new one is begun."),
    integer("audit_files", 8, (2, 100), "Files of the audit log that are kept, the current one included."),

    text("bind_address", "127.0.0.1", Form::Address, "Address the server listens on; beyond loopback only with TLS or `allow_plaintext`."),
    integer("port", 8080, (0, 65535), "Port the server listens on; 0 lets the system choose."),
    text("tls_cert_file", "", Form::Path, "Certificate chain, PEM; turns on TLS together with `tls_key_file`."),
    text("tls_key_file", "", Form::Path, "Private key, PEM; goes with `tls_cert_file`."),
    text("tls_client_ca_file", "", Form::Path, "Authorities that sign clients' certificates, PEM; then nobody gets in without one."),
    flag("allow_plaintext", false, "Listen beyond loopback without TLS: tokens can then be read on the network."),
    Parameter { name: "allowed_origins", kind: Kind::Texts { default: &[], form: Form::Origin }, unit: "", description: "Pages from elsewhere that may connect, besides the bridge's own." },
    flag("require_origin", false, "Refuse clients that send no `Origin`, as programs do."),
    integer("max_connections", 1000, (1, MAX_CONNECTIONS), "Connections at the same time."),
    integer("max_connections_per_user", 100, (1, MAX_CONNECTIONS), "Of these, one user's; one more replaces the user's oldest."),
    integer("operator_places", 16, (0, MAX_CONNECTIONS), "Of these, kept for operators and administrators."),
    choice("pool_policy", &["evict_oldest", "reject"], "evict_oldest", "What happens when all places are taken."),
    choice("default_role", &["viewer", "operator", "administrator"], "operator", "Role of a token that names none."),
    text("jwks_file", "", Form::Path, "JWK Set (RFC 7517) with the public keys that tokens are checked with, beside the secret or instead of it; read again when it changes; empty: the secret alone."),
    text("revocation_file", "", Form::Path, "Deny list: `jti` of tokens, `sub` of users with the time before which their tokens are void; read again when it changes; empty: none."),
    text("token_issuer", "", Form::Anything, "What the claim `iss` must be; empty: it is not looked at."),
    text("token_audience", "", Form::Anything, "What the claim `aud` must be, or have in its list; empty: it is not looked at."),
    double("heartbeat_interval", 10.0, (0.5, 300.0), "s", "Time between pings."),
    double("heartbeat_timeout", 25.0, (1.0, 600.0), "s", "A connection that is silent for this long is closed."),
    double("handshake_timeout", 4.5, (0.5, 60.0), "s", "From accept to a complete request, TLS included."),
    flag("metrics_public", false, "Tell health and metrics (`/healthz`, `/readyz`, `/metrics`) to every machine and not only to this one; they need no token."),
    integer("bad_tokens_per_minute", 20, (0, 10_000), "Bad tokens from one address in a minute; from then on its bad tokens get HTTP 429 for a minute. 0: no limit."),

    double("max_linear_speed", 1.0, (0.01, 3.0), "m/s", "Highest speed that is ever commanded."),
    double("max_angular_speed", 1.0, (0.01, 3.0), "rad/s", "Highest turn rate that is ever commanded."),
    double("linear_acceleration", 0.5, (0.01, 5.0), "m/s²", "Growth of the commanded speed; stops do not ramp."),
    double("angular_acceleration", 1.0, (0.01, 10.0), "rad/s²", "Growth of the commanded turn rate; stops do not ramp."),
    double("default_linear_speed", 0.2, (0.01, 3.0), "m/s", "Speed of a move that names none."),
    double("default_angular_speed", 0.4, (0.01, 3.0), "rad/s", "Turn rate of a turn that names none."),
    double("rest_speed", 0.01, (0.001, 0.1), "m/s, rad/s", "Below this, by odometry, the robot is at rest."),
    double("command_hold", 1.0, (0.1, 2.0), "s", "How long a motion without a duration runs."),
    double("control_hold", 5.0, (0.5, 60.0), "s", "How long control is kept after the last motion."),
    double("link_timeout", 0.6, (0.3, 5.0), "s", "A driver that answers no ping for this long has lost control."),
    text("hardware_stop_topic", "", Form::NameOrNothing, "Topic (std_msgs/Bool) on which the robot's own emergency stop tells that it is pressed; silent for 1 s it counts as pressed; empty: there is none."),
    choice("docking_controller", &["velocities", "cancellable", "none"], "velocities", "How docking is steered: by velocities on `cmd_vel_dock`, by a controller that drives by itself and offers the service `cancel_docking`, or not at all."),
    double("docking_speed", 0.1, (0.01, 0.1), "m/s", "Highest speed while docking and undocking."),
    double("max_unattended_move", 10.0, (1.0, 60.0), "s", "A motion longer than this needs a message of its driver every second."),
    double("docking_timeout", 45.0, (1.0, 120.0), "s", "Docking and undocking that take longer are stopped."),

    Parameter { name: "footprint", kind: Kind::Outline, unit: "m", description: "Outline of the robot with its load, in its base frame (REP 103): x, y of each vertex." },
    double("deceleration", 1.0, (0.05, 10.0), "m/s²", "Braking of the loaded robot on its worst floor; the way to rest is reckoned by it."),
    double("stop_margin", 0.1, (0.0, 1.0), "m", "What is left between the robot and what it stopped for."),
    Parameter { name: "zones", kind: Kind::Texts { default: DRIVING_ZONES, form: Form::Zone }, unit: "m, rad", description: "Fields around the robot, up to 8, each `critical` (stops), `warning` (slows) or `safe` (is told); measured from the footprint, or between two angles of the base frame, or a polygon in it." },
    Parameter { name: "docking_zones", kind: Kind::Texts { default: DOCKING_ZONES, form: Form::Zone }, unit: "m, rad", description: "The same while docking and undocking, which ends in contact; nothing else stops it then." },
    double("zone_hysteresis", 0.05, (0.0, 0.5), "m", "An occupied zone is larger by this."),
    double("critical_release", 1.0, (0.1, 60.0), "s", "How long a critical zone must be clear before it is released."),
    double("warning_release", 0.5, (0.1, 60.0), "s", "The same for warning and safe zones."),
    double("warning_linear_speed", 0.3, (0.01, 3.0), "m/s", "Highest speed while something is in a warning zone."),
    double("warning_angular_speed", 0.5, (0.01, 3.0), "rad/s", "Highest turn rate then."),
    flag("allow_escape", true, "Let the robot leave what is in a critical zone, slowly."),
    double("escape_speed", 0.1, (0.01, 0.1), "m/s", "Highest speed of any point of the robot then."),

    Parameter { name: "base_from_laser", kind: Kind::Pose, unit: "m, m, rad", description: "Pose of the LiDAR in the robot's base frame (REP 103): x, y, yaw." },
    choice("base_from_laser_source", &["parameter", "tf_static"], "parameter", "Where that pose comes from: the parameter above, or the fixed transforms from `base_frame` to `laser_frame` on `/tf_static`, waited for up to 10 s at the start; these count instead of the parameter."),
    text("laser_frame", "laser", Form::NotEmpty, "The only `frame_id` of scans that is believed."),
    double("scan_frequency_nominal", 20.0, (2.0, 50.0), "Hz", "How often scans come when all is well."),
    double("scan_timeout", 0.5, (0.1, 1.0), "s", "Without a scan for this long, or with one stamped longer ago, nothing moves."),
    double("scan_stamp_ahead", 0.1, (0.0, 1.0), "s", "How far a scan's stamp may be ahead of the ROS clock."),
    double("scan_min_hit_share", 0.1, (0.0, 1.0), "", "A scan of which fewer beams return is not believed."),
    double("scan_blackout", 0.52, (0.09, 6.2), "rad", "So much in one piece that returned before and does not any more is not believed, for up to 10 s."),
    integer("scan_frozen_count", 5, (2, 1000), "So many identical scans are a frozen LiDAR."),
    choice("zero_means", INVALID_RANGES, "invalid", "What the LiDAR's driver means by a range of 0."),
    choice("neg_inf_means", INVALID_RANGES, "invalid", "What it means by a range of -inf."),
    Parameter { name: "self_mask", kind: Kind::Sectors, unit: "rad", description: "Angles in the LiDAR's frame at which it sees the robot itself; nothing counts as seen there." },
    flag("mask_footprint", true, "Take what is inside the footprint for the robot itself."),

    flag("cmd_vel_stamped", false, "Publish `TwistStamped` instead of `Twist` on `cmd_vel`."),
    text("base_frame", "base_link", Form::NotEmpty, "`frame_id` of stamped velocities."),
    text("lidar_node", "lidar", Form::Name, "Node of the LiDAR driver, for `set_frequency`."),
    text("lidar_frequency_parameter", "scan_frequency", Form::NotEmpty, "The LiDAR driver's parameter for `set_frequency`, a double in Hz."),

    double("odom_timeout", 0.5, (0.1, 5.0), "s", "Older odometry is not told, and says nothing about rest."),
    double("battery_timeout", 30.0, (1.0, 600.0), "s", "An older battery state is not told."),
    double("battery_low", 20.0, (0.0, 100.0), "%", "Below this a warning is told."),
    double("temperature_timeout", 30.0, (1.0, 600.0), "s", "An older temperature is not told."),
];

/// Parameters that every ROS node has: known, checked for their type, and not part of the configuration.
pub const STANDARD: &[Parameter] = &[
    flag(
        "use_sim_time",
        false,
        "Take stamps from `/clock`; deadlines stay monotonic. Read-only after start.",
    ),
    flag("start_type_description_service", true, "Accepted for launch files; has no effect."),
];

/// Standard parameters by prefix: passed over.
pub const STANDARD_PREFIX: &str = "qos_overrides.";

/// 0.5 m, 1 m and 2 m around the robot.
const DRIVING_ZONES: &[&str] =
    &["critical: critical 0.5", "warning: warning 1.0", "safe: safe 2.0"];

/// Contact behind, where the dock is, and room for people everywhere else.
const DOCKING_ZONES: &[&str] = &["sides: critical 0.1 -2.1..2.1", "dock: critical 0.02"];

/// What a driver may mean by a value that is no range.
const INVALID_RANGES: &[&str] = &["invalid", "no_return", "too_close"];

/// Furthest the LiDAR can be from the base, m.
pub const MAX_OFFSET: f64 = 10.0;
/// Full turn either way, rad; a little above pi, so that pi itself can be written in few digits.
pub const MAX_YAW: f64 = 3.15;
/// The largest integer that JavaScript keeps exactly.
const MAX_ID: i64 = 9_007_199_254_740_991;
const MAX_CONNECTIONS: i64 = 100_000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Around the simulated robot, a disc of 0.35 m.
    const EIGHT_CORNERS: [f64; 16] = [
        0.35, 0.145, 0.145, 0.35, -0.145, 0.35, -0.35, 0.145, -0.35, -0.145, -0.145, -0.35, 0.145,
        -0.35, 0.35, -0.145,
    ];
    const BRIDGE_YAML: &str = include_str!("../../config/bridge.yaml");

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> =
            PARAMETERS.iter().chain(STANDARD).map(|known| known.name).collect();
        assert_eq!(names.len(), PARAMETERS.len() + STANDARD.len());
    }

    /// How the file has to spell a parameter: what it means, what is accepted, its shipped value.
    fn yaml_block(parameter: &Parameter) -> String {
        let Parameter { name, description, unit, .. } = parameter;
        let accepted = [parameter.accepted(), (*unit).to_owned()];
        let accepted = accepted.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>();
        let accepted = match accepted.is_empty() {
            true => "true or false".to_owned(),
            false => accepted.join(" "),
        };
        let of_the_simulator = match parameter.kind {
            Kind::Outline => EIGHT_CORNERS.to_vec(),
            _ => vec![0.2, 0.0, 0.0],
        };
        let value = parameter.default().unwrap_or(Value::DoubleArray(of_the_simulator));
        format!(
            "    # {description}\n    # {}, {accepted}\n    {name}: {value}\n",
            parameter.type_name()
        )
    }

    #[test]
    fn the_shipped_file_holds_every_parameter_and_no_other() {
        for parameter in PARAMETERS {
            let block = yaml_block(parameter);
            assert!(BRIDGE_YAML.contains(&block), "config/bridge.yaml lacks:\n{block}");
        }
        let keys: Vec<_> = BRIDGE_YAML
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .filter_map(|line| Some(line.strip_prefix("    ")?.split_once(':')?.0))
            .collect();
        let names: Vec<_> = PARAMETERS.iter().map(|parameter| parameter.name).collect();
        assert_eq!(keys, names);
        assert!(
            BRIDGE_YAML.contains("\n/**:\n  ros__parameters:\n"),
            "the file is for any node name"
        );
    }

    #[test]
    fn the_markdown_table_has_a_line_for_each_parameter() {
        let table = markdown_table();
        assert_eq!(table.lines().count(), PARAMETERS.len() + 2);
        assert!(table.lines().all(|line| line.matches('|').count() == 7), "{table}");
        let row = "| `port` | integer | `8080` | 0..65535 |  | \
                   Port the server listens on; 0 lets the system choose. |\n";
        assert!(table.contains(row), "{table}");
    }
}
