//! The simulator's parameters: one table with type, default, range and meaning of each.

use oht50_bridge::sim::FREQUENCIES;

use super::settings::Settings;

/// A value of one of the four types that occur here.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `bool`
    Bool(bool),
    /// `integer`
    Integer(i64),
    /// `double`; an integer is taken for one.
    Double(f64),
    /// `string`
    Text(String),
}

/// One row of [`TABLE`].
pub struct Parameter {
    /// As ROS spells it.
    pub name: &'static str,
    /// For people: meaning and unit.
    pub description: &'static str,
    /// Lowest and highest value of a number.
    pub range: Option<(f64, f64)>,
    /// Fixed once the node runs.
    pub read_only: bool,
    field: Field,
}

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)]
pub enum SettingError {
    #[error("parameter {0} is unknown")]
    Unknown(String),
    #[error("parameter {0} cannot be changed while the node runs")]
    ReadOnly(&'static str),
    #[error("parameter {name}: {} is not of type {expected}", described(.value))]
    WrongType { name: &'static str, value: Option<Value>, expected: &'static str },
    #[error("parameter {name}: {value} is outside {lowest} to {highest}")]
    OutOfRange { name: &'static str, value: f64, lowest: f64, highest: f64 },
}

/// Where a parameter lives, and so its type.
enum Field {
    Bool(fn(&mut Settings) -> &mut bool),
    Integer(fn(&mut Settings) -> &mut i64),
    Double(fn(&mut Settings) -> &mut f64),
    Text(fn(&mut Settings) -> &mut String),
}

/// Every parameter, in the order of `config/sim.yaml`.
pub const TABLE: &[Parameter] = &[
    ranged("seed", "Seed of all noise", 0.0, 1e9, Field::Integer(|s| &mut s.seed)),
    ranged(
        "people",
        "People who walk through the hall",
        0.0,
        6.0,
        Field::Integer(|s| &mut s.people),
    ),
    ranged(
        "battery_fraction",
        "Charge at the start; 1 is full",
        0.0,
        1.0,
        Field::Double(|s| &mut s.battery_fraction),
    ),
    ranged(
        "watchdog_timeout",
        "The drive stops when no cmd_vel arrives for this long, s; 0: never",
        0.0,
        10.0,
        Field::Double(|s| &mut s.watchdog_timeout),
    ),
    ranged(
        "odometry_noise",
        "Relative standard deviation of the odometry's speeds",
        0.0,
        0.5,
        Field::Double(|s| &mut s.odometry_noise),
    ),
    plain("dock_fails", "Every docking fails after 2 s", Field::Bool(|s| &mut s.dock_fails)),
    Parameter {
        read_only: false,
        ..ranged(
            "scan_frequency",
            "Scans a second, Hz; can be changed while the node runs",
            FREQUENCIES.0,
            FREQUENCIES.1,
            Field::Double(|s| &mut s.scan_frequency),
        )
    },
    ranged(
        "scan_beams",
        "Beams of a full turn",
        36.0,
        7200.0,
        Field::Integer(|s| &mut s.scan_beams),
    ),
    ranged(
        "scan_range_max",
        "What is farther is no return, m",
        0.5,
        100.0,
        Field::Double(|s| &mut s.scan_range_max),
    ),
    ranged(
        "scan_noise",
        "Standard deviation of a range, m",
        0.0,
        0.2,
        Field::Double(|s| &mut s.scan_noise),
    ),
    ranged(
        "scan_dropout",
        "Probability that a beam is lost",
        0.0,
        1.0,
        Field::Double(|s| &mut s.scan_dropout),
    ),
    plain(
        "cmd_vel_stamped",
        "cmd_vel is TwistStamped instead of Twist",
        Field::Bool(|s| &mut s.cmd_vel_stamped),
    ),
    plain("odom_frame", "Frame of the odometry", Field::Text(|s| &mut s.odom_frame)),
    plain("base_frame", "Frame of the robot's base", Field::Text(|s| &mut s.base_frame)),
    plain("laser_frame", "Frame of the LiDAR", Field::Text(|s| &mut s.laser_frame)),
    plain(
        "use_sim_time",
        "Accepted, since launch files set it for all; the simulator stamps by the system clock",
        Field::Bool(|s| &mut s.use_sim_time),
    ),
];

impl Settings {
    /// Sets a parameter before the node runs. `value` is `None` for a type that no parameter here has.
    pub fn declare(&mut self, name: &str, value: Option<Value>) -> Result<(), SettingError> {
        Parameter::find(name)?.store(self, value)
    }

    /// Sets a parameter of the running node.
    pub fn set(&mut self, name: &str, value: Option<Value>) -> Result<(), SettingError> {
        let parameter = Parameter::find(name)?;
        if parameter.read_only {
            return Err(SettingError::ReadOnly(parameter.name));
        }
        parameter.store(self, value)
    }

    /// The value of a parameter.
    pub fn value(&self, parameter: &Parameter) -> Value {
        let mut settings = self.clone();
        match parameter.field {
            Field::Bool(field) => Value::Bool(*field(&mut settings)),
            Field::Integer(field) => Value::Integer(*field(&mut settings)),
            Field::Double(field) => Value::Double(*field(&mut settings)),
            Field::Text(field) => Value::Text(field(&mut settings).clone()),
        }
    }
}

impl Parameter {
    /// The parameter of this name.
    pub fn find(name: &str) -> Result<&'static Parameter, SettingError> {
        let unknown = || SettingError::Unknown(name.to_owned());
        TABLE.iter().find(|parameter| parameter.name == name).ok_or_else(unknown)
    }

    fn store(&self, settings: &mut Settings, value: Option<Value>) -> Result<(), SettingError> {
        let number = match value {
            Some(Value::Integer(number)) => Some(number as f64),
            Some(Value::Double(number)) => Some(number),
            _ => None,
        };
        if let (Some((lowest, highest)), Some(value)) = (self.range, number)
            && !(lowest..=highest).contains(&value)
        {
            return Err(SettingError::OutOfRange { name: self.name, value, lowest, highest });
        }
        let expected = match (&self.field, &value) {
            (Field::Bool(field), Some(Value::Bool(value))) => return put(field(settings), value),
            (Field::Integer(field), Some(Value::Integer(value))) => {
                return put(field(settings), value);
            }
            (Field::Double(field), Some(Value::Double(value))) => {
                return put(field(settings), value);
            }
            (Field::Double(field), Some(Value::Integer(value))) => {
                return put(field(settings), &(*value as f64));
            }
            (Field::Text(field), Some(Value::Text(value))) => return put(field(settings), value),
            (Field::Bool(_), _) => "bool",
            (Field::Integer(_), _) => "integer",
            (Field::Double(_), _) => "double",
            (Field::Text(_), _) => "string",
        };
        Err(SettingError::WrongType { name: self.name, value, expected })
    }
}

fn described(value: &Option<Value>) -> String {
    match value {
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Integer(value)) => value.to_string(),
        Some(Value::Double(value)) => format!("{value:?}"),
        Some(Value::Text(value)) => value.clone(),
        None => "an array or nothing".to_owned(),
    }
}

const fn plain(name: &'static str, description: &'static str, field: Field) -> Parameter {
    Parameter { name, description, range: None, read_only: true, field }
}

const fn ranged(
    name: &'static str,
    description: &'static str,
    lowest: f64,
    highest: f64,
    field: Field,
) -> Parameter {
    Parameter { range: Some((lowest, highest)), ..plain(name, description, field) }
}

fn put<T: Clone>(field: &mut T, value: &T) -> Result<(), SettingError> {
    field.clone_from(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: Value, expected: Result<(), &str>) {
        let outcome = Settings::default().declare(name, Some(value.clone()));
        let outcome = outcome.map_err(|error| error.to_string());
        assert_eq!(outcome, expected.map_err(str::to_owned), "{name}: {value:?}");
    }

    #[test]
    fn values_are_taken_within_their_type_and_range() {
        check("scan_frequency", Value::Double(50.0), Ok(()));
        check("scan_frequency", Value::Integer(10), Ok(()));
        check("laser_frame", Value::Text("lidar".to_owned()), Ok(()));
        check("dock_fails", Value::Bool(true), Ok(()));
        let range = Err("parameter scan_frequency: 51 is outside 1 to 50");
        check("scan_frequency", Value::Double(51.0), range);
        let range = Err("parameter scan_noise: NaN is outside 0 to 0.2");
        check("scan_noise", Value::Double(f64::NAN), range);
        let range = Err("parameter people: 7 is outside 0 to 6");
        check("people", Value::Integer(7), range);
        check("speed", Value::Integer(7), Err("parameter speed is unknown"));
        let kind = Err("parameter seed: 1.5 is not of type integer");
        check("seed", Value::Double(1.5), kind);
    }

    #[test]
    fn a_running_node_changes_its_scan_frequency_and_nothing_else() {
        for parameter in TABLE {
            let mut settings = Settings::default();
            let outcome = settings.set(parameter.name, Some(settings.value(parameter)));
            assert_eq!(outcome.is_ok(), parameter.name == "scan_frequency", "{}", parameter.name);
        }
    }

    #[test]
    fn the_parameter_file_holds_every_parameter_with_its_default() {
        let file = include_str!("../../../config/sim.yaml");
        let written: Vec<(&str, &str)> = file
            .lines()
            .filter_map(|line| line.strip_prefix("    "))
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(": "))
            .collect();
        let declared: Vec<(&str, String)> = TABLE
            .iter()
            .map(|it| (it.name, described(&Some(Settings::default().value(it)))))
            .collect();
        let declared: Vec<_> =
            declared.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(written, declared);
    }
}
