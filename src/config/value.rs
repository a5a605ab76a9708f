//! Parameter values before any judgement, in the forms that ROS knows.

use std::{collections::BTreeMap, fmt};

/// Parameters by name, as they came from files and the command line.
pub type Params = BTreeMap<String, Value>;

/// The value of a ROS parameter (`rcl_interfaces/ParameterValue`).
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // each is the ROS type of that name
pub enum Value {
    /// A name without a value; also what ROS makes of an empty list.
    NotSet,
    Bool(bool),
    Integer(i64),
    Double(f64),
    String(String),
    ByteArray(Vec<u8>),
    BoolArray(Vec<bool>),
    IntegerArray(Vec<i64>),
    DoubleArray(Vec<f64>),
    StringArray(Vec<String>),
}

impl Value {
    /// The type, for people.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::NotSet => "nothing",
            Value::Bool(_) => "a bool",
            Value::Integer(_) => "an integer",
            Value::Double(_) => "a double",
            Value::String(_) => "a string",
            Value::ByteArray(_) => "a byte array",
            Value::BoolArray(_) => "a bool array",
            Value::IntegerArray(_) => "an integer array",
            Value::DoubleArray(_) => "a double array",
            Value::StringArray(_) => "a string array",
        }
    }
}

/// As YAML spells it: a double always shows its point, a string its quotes.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::NotSet => write!(f, "~"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Integer(value) => write!(f, "{value}"),
            Value::Double(value) => write!(f, "{value:?}"),
            Value::String(value) => write!(f, "{value:?}"),
            Value::ByteArray(values) => write!(f, "{values:?}"),
            Value::BoolArray(values) => write!(f, "{values:?}"),
            Value::IntegerArray(values) => write!(f, "{values:?}"),
            Value::DoubleArray(values) => write!(f, "{values:?}"),
            Value::StringArray(values) => write!(f, "{values:?}"),
        }
    }
}
