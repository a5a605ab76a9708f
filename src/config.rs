//! Parameters, as ROS spells them, become a [`Config`]; a wrong one is refused with its name, value and range.
//!
//! [`PARAMETERS`] is the one table of what there is. All parameters are read-only after start: safety rests on most of
//! them, and a restart takes a second.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use nalgebra::{Isometry2, Vector2};

use crate::{
    auth::Role,
    lidar::LidarConfig,
    safety::{DockingController, GateConfig, Surroundings, surroundings::FieldSet, zone},
};

mod access;
mod check;
mod mount;
mod parameters;
mod secret;
mod value;
mod zones;

pub use access::AccessConfig;
pub use mount::{MOUNT, MountSource};
pub use parameters::{Form, Kind, PARAMETERS, Parameter, STANDARD, find, markdown_table};
pub use secret::{Secret, SecretError, SecretSource};
pub use value::{Params, Value};

use check::Checked;

/// The whole configuration; a value that exists is valid.
#[derive(Debug, Clone)]
pub struct Config {
    /// `robot_id` in telemetry and status.
    pub robot_id: u64,
    /// Where the emergency-stop latch lives across restarts, and the audit log.
    pub state_directory: PathBuf,
    /// How much of the audit log is kept.
    pub audit: AuditConfig,
    /// Whose tokens count.
    pub access: AccessConfig,
    /// The WebSocket server.
    pub server: ServerConfig,
    /// When the robot moves.
    pub safety: GateConfig,
    /// The zones that stop it, before any scan.
    pub surroundings: Surroundings,
    /// How the LiDAR is mounted.
    pub lidar: LidarConfig,
    /// Names and forms on the ROS side.
    pub ros: RosConfig,
    /// When an input is too old to be told.
    pub telemetry: TelemetryConfig,
}

/// How much of the audit log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditConfig {
    /// Of one file.
    pub max_bytes: u64,
    /// The current one included.
    pub files: u32,
}

/// Who can connect, and how many.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// 127.0.0.1 unless configured.
    pub bind_address: IpAddr,
    /// 0 lets the system choose.
    pub port: u16,
    /// Certificate chain and key, PEM.
    pub tls: Option<TlsFiles>,
    /// Origins that may connect besides the page's own, `scheme://host[:port]`.
    pub allowed_origins: Vec<String>,
    /// Refuse clients that send no Origin.
    pub require_origin: bool,
    /// The pool's size.
    pub max_connections: usize,
    /// Of these, one user's at most.
    pub max_connections_per_user: usize,
    /// Places of the pool that only operators and administrators get.
    pub operator_places: usize,
    /// What happens when the pool is full.
    pub pool_policy: PoolPolicy,
    /// Role of a token that names none.
    pub default_role: Role,
    /// Time between pings.
    pub heartbeat_interval: Duration,
    /// A connection silent for this long is closed.
    pub heartbeat_timeout: Duration,
    /// A driver that answers no ping for this long has lost control.
    pub link_timeout: Duration,
    /// From accept to a complete request, TLS included.
    pub handshake_timeout: Duration,
    /// Whether health and metrics are told to other machines too.
    pub metrics_public: bool,
    /// From one address, before its next ones are refused for a minute; 0: no limit.
    pub bad_tokens_per_minute: u32,
}

/// Files of the TLS identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Who signs clients' certificates, PEM; none are asked for without.
    pub client_ca: Option<PathBuf>,
}

/// What happens when the pool is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolPolicy {
    /// The oldest connection makes room.
    EvictOldest,
    /// The newcomer is refused.
    Reject,
}

/// Names and forms on the ROS side.
#[derive(Debug, Clone, PartialEq)]
pub struct RosConfig {
    /// Publish `geometry_msgs/TwistStamped` instead of `Twist`.
    pub cmd_vel_stamped: bool,
    /// `frame_id` of stamped velocities.
    pub base_frame: String,
    /// Node of the LiDAR driver.
    pub lidar_node: String,
    /// Its scan frequency parameter, a double in Hz.
    pub lidar_frequency_parameter: String,
    /// The robot's own emergency stop; empty: there is none.
    pub hardware_stop_topic: String,
    /// Where `base_from_laser` came from.
    pub mount: MountSource,
    /// Take stamps from `/clock`.
    pub use_sim_time: bool,
}

/// When an input is too old to be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TelemetryConfig {
    /// Scans.
    pub scan_timeout: Duration,
    /// Below this a warning is told, percent.
    pub battery_low: f64,
    /// Position and speed.
    pub odom_timeout: Duration,
    /// Battery.
    pub battery_timeout: Duration,
    /// Temperature.
    pub temperature_timeout: Duration,
}

/// What `config` takes from the environment of the process; the caller reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `ROS_HOME`
    pub ros_home: Option<PathBuf>,
    /// `HOME`
    pub home: Option<PathBuf>,
    /// The node's namespace, with its slashes.
    pub namespace: String,
}

/// One wrong parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {problem}")]
pub struct ConfigError {
    /// Its name.
    pub parameter: String,
    /// Its value, what is wrong with it, and what is accepted.
    pub problem: String,
}

/// Everything that is wrong with a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

/// One line for each.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// Checks all parameters and makes a configuration of them.
    ///
    /// # Errors
    /// Every wrong, unknown or missing parameter, and every pair that does not go together.
    pub fn from_params(params: &Params, environment: &Environment) -> Result<Config, ConfigErrors> {
        let (checked, mut errors) = check::check_each(params);
        errors.extend(check::check_together(&checked));
        let values = Values(&checked);
        if checked.contains_key("state_directory") {
            errors.extend(state_directory(&values, environment).err());
        }
        if !errors.is_empty() {
            return Err(ConfigErrors(errors));
        }
        let surroundings = zones::surroundings(&values).map_err(ConfigErrors)?;
        let use_sim_time = params.get("use_sim_time") == Some(&Value::Bool(true));
        build(&values, surroundings, environment, use_sim_time)
            .map_err(|error| ConfigErrors(vec![error]))
    }
}

/// What the node tells about its parameters: each with the value in effect, `use_sim_time` included, ordered by name.
pub fn effective(params: &Params) -> Vec<(&'static Parameter, Value)> {
    let (mut checked, _) = check::check_each(params);
    let sim_time = params.get("use_sim_time") == Some(&Value::Bool(true));
    checked.insert("use_sim_time", Value::Bool(sim_time));
    let parameters = PARAMETERS.iter().chain(STANDARD);
    let mut effective: Vec<_> = parameters
        .filter_map(|parameter| Some((parameter, checked.remove(parameter.name)?)))
        .collect();
    effective.sort_by_key(|(parameter, _)| parameter.name);
    effective
}

impl ConfigError {
    fn new(parameter: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError { parameter: parameter.to_owned(), problem: problem.into() }
    }
}

fn build(
    values: &Values<'_>,
    surroundings: Surroundings,
    environment: &Environment,
    use_sim_time: bool,
) -> Result<Config, ConfigError> {
    let odom_timeout = values.seconds("odom_timeout")?;
    let own_body = zones::own_body(surroundings.zones(FieldSet::Driving).config());
    Ok(Config {
        robot_id: values.count("robot_id")?,
        state_directory: state_directory(values, environment)?,
        audit: AuditConfig {
            max_bytes: values.count("audit_max_bytes")?,
            files: values.count("audit_files")?,
        },
        access: AccessConfig::read(values)?,
        server: server(values)?,
        safety: GateConfig {
            max_linear_speed: values.double("max_linear_speed")?,
            max_angular_speed: values.double("max_angular_speed")?,
            linear_acceleration: values.double("linear_acceleration")?,
            angular_acceleration: values.double("angular_acceleration")?,
            default_linear_speed: values.double("default_linear_speed")?,
            default_angular_speed: values.double("default_angular_speed")?,
            rest_speed: values.double("rest_speed")?,
            command_hold: values.seconds("command_hold")?,
            control_hold: values.seconds("control_hold")?,
            deceleration: values.double("deceleration")?,
            odom_timeout,
            docking_speed: values.double("docking_speed")?,
            docking_timeout: values.seconds("docking_timeout")?,
            docking_controller: values.parse("docking_controller", |text| match text {
                "velocities" => Some(DockingController::Velocities),
                "cancellable" => Some(DockingController::Cancellable),
                "none" => Some(DockingController::None),
                _ => None,
            })?,
            max_unattended_move: values.seconds("max_unattended_move")?,
            hardware_stop: !values.text("hardware_stop_topic")?.is_empty(),
        },
        surroundings,
        lidar: LidarConfig {
            base_from_laser: values.pose("base_from_laser")?,
            scan_period: values.double("scan_frequency_nominal")?.recip(),
            own_body,
        },
        ros: RosConfig {
            cmd_vel_stamped: values.flag("cmd_vel_stamped")?,
            base_frame: values.text("base_frame")?,
            lidar_node: values.text("lidar_node")?,
            lidar_frequency_parameter: values.text("lidar_frequency_parameter")?,
            hardware_stop_topic: values.text("hardware_stop_topic")?,
            mount: MountSource::read(values)?,
            use_sim_time,
        },
        telemetry: TelemetryConfig {
            scan_timeout: values.seconds("scan_timeout")?,
            battery_low: values.double("battery_low")?,
            odom_timeout,
            battery_timeout: values.seconds("battery_timeout")?,
            temperature_timeout: values.seconds("temperature_timeout")?,
        },
    })
}

fn server(values: &Values<'_>) -> Result<ServerConfig, ConfigError> {
    let certificate = values.path("tls_cert_file")?;
    let key = values.path("tls_key_file")?;
    let client_ca = values.path("tls_client_ca_file")?;
    let files = |(certificate, key)| TlsFiles { certificate, key, client_ca };
    Ok(ServerConfig {
        bind_address: values.parse("bind_address", |text| text.parse().ok())?,
        port: values.count("port")?,
        tls: certificate.zip(key).map(files),
        allowed_origins: values.texts("allowed_origins")?,
        require_origin: values.flag("require_origin")?,
        max_connections: values.count("max_connections")?,
        max_connections_per_user: values.count("max_connections_per_user")?,
        operator_places: values.count("operator_places")?,
        pool_policy: values.parse("pool_policy", |text| match text {
            "evict_oldest" => Some(PoolPolicy::EvictOldest),
            "reject" => Some(PoolPolicy::Reject),
            _ => None,
        })?,
        default_role: values.role("default_role")?,
        heartbeat_interval: values.seconds("heartbeat_interval")?,
        heartbeat_timeout: values.seconds("heartbeat_timeout")?,
        link_timeout: values.seconds("link_timeout")?,
        handshake_timeout: values.seconds("handshake_timeout")?,
        metrics_public: values.flag("metrics_public")?,
        bad_tokens_per_minute: values.count("bad_tokens_per_minute")?,
    })
}

fn state_directory(values: &Values<'_>, environment: &Environment) -> Result<PathBuf, ConfigError> {
    let given = |path: &PathBuf| !path.as_os_str().is_empty();
    let ros_home = || environment.ros_home.clone().filter(given);
    let home =
        || environment.home.as_ref().filter(|path| given(path)).map(|home| home.join(".ros"));
    values
        .path("state_directory")?
        .or_else(|| {
            // Two robots on one machine have two latches.
            let namespace = environment.namespace.trim_matches('/');
            Some(ros_home().or_else(home)?.join(namespace).join("oht50_bridge"))
        })
        .ok_or_else(|| {
            let problem = "must be given where neither ROS_HOME nor HOME is set";
            ConfigError::new("state_directory", problem)
        })
}

/// Reads checked values by name and type; what the check refused, or the table lacks, is an error.
struct Values<'a>(&'a Checked);

impl Values<'_> {
    fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, ConfigError> {
        self.0.get(name).and_then(read).ok_or_else(|| ConfigError::new(name, "has no valid value"))
    }

    fn flag(&self, name: &str) -> Result<bool, ConfigError> {
        self.read(name, |value| if let Value::Bool(flag) = value { Some(*flag) } else { None })
    }

    fn count<T: TryFrom<i64>>(&self, name: &str) -> Result<T, ConfigError> {
        self.read(name, |value| match value {
            Value::Integer(number) => T::try_from(*number).ok(),
            _ => None,
        })
    }

    fn double(&self, name: &str) -> Result<f64, ConfigError> {
        self.read(
            name,
            |value| {
                if let Value::Double(number) = value { Some(*number) } else { None }
            },
        )
    }

    fn seconds(&self, name: &str) -> Result<Duration, ConfigError> {
        self.read(name, |value| match value {
            Value::Double(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
            _ => None,
        })
    }

    /// Of a frequency in Hz.
    fn period(&self, name: &str) -> Result<Duration, ConfigError> {
        self.read(name, |value| match value {
            Value::Double(hertz) => Duration::try_from_secs_f64(hertz.recip()).ok(),
            _ => None,
        })
    }

    fn parse<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        self.read(name, |value| if let Value::String(text) = value { parse(text) } else { None })
    }

    fn role(&self, name: &str) -> Result<Role, ConfigError> {
        self.parse(name, Role::from_name)
    }

    fn text(&self, name: &str) -> Result<String, ConfigError> {
        self.parse(name, |text| Some(text.to_owned()))
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, ConfigError> {
        self.read(name, |value| match value {
            Value::StringArray(texts) => Some(texts.clone()),
            _ => None,
        })
    }

    /// `None` where the text is empty.
    fn path(&self, name: &str) -> Result<Option<PathBuf>, ConfigError> {
        self.parse(name, |text| Some((!text.is_empty()).then(|| PathBuf::from(text))))
    }

    fn zones(&self, name: &str) -> Result<Vec<zone::Zone>, ConfigError> {
        let texts = self.texts(name)?;
        self.read(name, |_| texts.iter().map(|text| zones::parse(text)).collect())
    }

    fn doubles(&self, name: &str) -> Result<Vec<f64>, ConfigError> {
        self.read(name, |value| match value {
            Value::DoubleArray(numbers) => Some(numbers.clone()),
            _ => None,
        })
    }

    fn pose(&self, name: &str) -> Result<Isometry2<f64>, ConfigError> {
        self.read(name, |value| match value {
            Value::DoubleArray(numbers) => match numbers[..] {
                [x, y, yaw] => Some(Isometry2::new(Vector2::new(x, y), yaw)),
                _ => None,
            },
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests;
