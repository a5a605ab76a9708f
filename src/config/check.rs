//! Parameters against their table and against each other: what is wrong, all of it, in words.

use std::{collections::BTreeMap, net::IpAddr, path::Path};

use super::{
    ConfigError, Params, Value,
    parameters::{
        Form, Kind, MAX_OFFSET, MAX_YAW, PARAMETERS, Parameter, STANDARD, STANDARD_PREFIX, find,
    },
    zones,
};

/// The valid values by name, defaults filled in; what is wrong is left out.
pub(super) type Checked = BTreeMap<&'static str, Value>;

/// Holds every given value against the table.
pub(super) fn check_each(params: &Params) -> (Checked, Vec<ConfigError>) {
    let mut errors = Vec::new();
    let mut checked = Checked::new();
    for parameter in PARAMETERS {
        let result = match (params.get(parameter.name), parameter.default()) {
            (Some(value), _) => accept(parameter, value),
            (None, Some(default)) => Ok(default),
            (None, None) => Err(format!("required: {}", parameter.description)),
        };
        match result {
            Ok(value) => {
                checked.insert(parameter.name, value);
            }
            Err(problem) => errors.push(ConfigError::new(parameter.name, problem)),
        }
    }
    for (name, value) in params {
        if let Some(standard) = STANDARD.iter().find(|standard| standard.name == name) {
            if let Err(problem) = accept(standard, value) {
                errors.push(ConfigError::new(name, problem));
            }
        } else if find(name).is_none() && !name.starts_with(STANDARD_PREFIX) {
            errors.push(ConfigError::new(name, unknown(name)));
        }
    }
    (checked, errors)
}

/// Holds the valid values against each other.
pub(super) fn check_together(checked: &Checked) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    for &(greater, relation, lesser) in ORDERED {
        if let (Some(high), Some(low)) = (number(checked, greater), number(checked, lesser)) {
            let holds = match relation {
                Relation::Above => high > low,
                Relation::AtLeast => high >= low,
            };
            if !holds {
                let (high, low) = (&checked[greater], &checked[lesser]);
                let words = match relation {
                    Relation::Above => "must be greater than",
                    Relation::AtLeast => "must be at least",
                };
                errors.push(ConfigError::new(greater, format!("{high} {words} {lesser} ({low})")));
            }
        }
    }
    if let (Some(timeout), Some(frequency)) =
        (number(checked, "scan_timeout"), number(checked, "scan_frequency_nominal"))
        && timeout * frequency <= 1.0
    {
        let problem = format!(
            "{timeout:?} must be longer than one scan at scan_frequency_nominal ({frequency:?} Hz)"
        );
        errors.push(ConfigError::new("scan_timeout", problem));
    }
    errors.extend(check_listening(checked));
    errors
}

/// TLS is whole, and beyond loopback nobody reads along unless that was chosen.
fn check_listening(checked: &Checked) -> Option<ConfigError> {
    let text = |name| match checked.get(name) {
        Some(Value::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (certificate, key) = (text("tls_cert_file")?, text("tls_key_file")?);
    match (certificate.is_empty(), key.is_empty()) {
        (false, true) => {
            return Some(ConfigError::new("tls_key_file", "must be given with tls_cert_file"));
        }
        (true, false) => {
            return Some(ConfigError::new("tls_cert_file", "must be given with tls_key_file"));
        }
        (false, false) => return None,
        (true, true) if !text("tls_client_ca_file")?.is_empty() => {
            return Some(ConfigError::new(
                "tls_client_ca_file",
                "must be given with tls_cert_file",
            ));
        }
        (true, true) => {}
    }
    let address = text("bind_address")?;
    let loopback = address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let allowed = checked.get("allow_plaintext") != Some(&Value::Bool(false));
    (!loopback && !allowed).then(|| {
        let problem = format!(
            "{address:?} is not loopback: set tls_cert_file and tls_key_file, or allow_plaintext"
        );
        ConfigError::new("bind_address", problem)
    })
}

/// The value in the parameter's own type, or what is wrong with it.
fn accept(parameter: &Parameter, value: &Value) -> Result<Value, String> {
    let outside = || {
        let (range, unit) = (parameter.accepted(), parameter.unit);
        format!("{value} is outside {range} {unit}").trim_end().to_owned()
    };
    match (parameter.kind, value) {
        (Kind::Bool { .. }, Value::Bool(_)) => Ok(value.clone()),
        (Kind::Integer { min, max, .. }, Value::Integer(number)) => {
            (min..=max).contains(number).then(|| value.clone()).ok_or_else(outside)
        }
        (Kind::Double { min, max, .. }, Value::Double(number)) => {
            (min..=max).contains(number).then(|| value.clone()).ok_or_else(outside)
        }
        (Kind::Double { .. }, Value::Integer(number)) => {
            accept(parameter, &Value::Double(*number as f64))
        }
        (Kind::Choice { choices, .. }, Value::String(text)) => choices
            .contains(&text.as_str())
            .then(|| value.clone())
            .ok_or_else(|| format!("{value} is not {}", choices.join(" or "))),
        (Kind::Text { form, .. }, Value::String(text)) => {
            accept_text(form, text).map(|()| value.clone())
        }
        (Kind::Texts { form, .. }, Value::StringArray(texts)) => {
            texts.iter().try_for_each(|text| accept_text(form, text)).map(|()| value.clone())
        }
        // ROS makes nothing of an empty list, whatever its type was to be.
        (Kind::Texts { .. }, Value::NotSet) => Ok(Value::StringArray(Vec::new())),
        (Kind::Pose, Value::DoubleArray(numbers)) => match numbers[..] {
            [x, y, yaw] => {
                let fits = x.abs() <= MAX_OFFSET && y.abs() <= MAX_OFFSET && yaw.abs() <= MAX_YAW;
                fits.then(|| value.clone()).ok_or_else(outside)
            }
            _ => Err(format!("{value} has {} numbers instead of 3: x, y, yaw", numbers.len())),
        },
        (Kind::Outline | Kind::Sectors, Value::DoubleArray(numbers)) => {
            accept_pairs(parameter, numbers).map(|()| value.clone())
        }
        // As with an empty list of strings.
        (Kind::Sectors, Value::NotSet) => Ok(Value::DoubleArray(Vec::new())),
        (Kind::Pose | Kind::Outline | Kind::Sectors, Value::IntegerArray(numbers)) => {
            let numbers = numbers.iter().map(|&number| number as f64).collect();
            accept(parameter, &Value::DoubleArray(numbers))
        }
        _ => {
            let (got, expected) = (value.type_name(), parameter.type_name());
            let article = if expected == "integer" { "an" } else { "a" };
            Err(format!("{value} is {got}, expected {article} {expected}"))
        }
    }
}

/// Numbers in pairs; whether an outline is a polygon is judged when the zones are made.
fn accept_pairs(parameter: &Parameter, numbers: &[f64]) -> Result<(), String> {
    if !numbers.len().is_multiple_of(2) {
        return Err(format!("{numbers:?} has {} numbers; they come in pairs", numbers.len()));
    }
    let most = if parameter.kind == Kind::Sectors { MAX_YAW } else { f64::INFINITY };
    match numbers.iter().find(|number| !(number.is_finite() && number.abs() <= most)) {
        Some(number) => Err(format!("{number:?} is outside {}", parameter.accepted())),
        None => Ok(()),
    }
}

fn accept_text(form: Form, text: &str) -> Result<(), String> {
    let fits = match form {
        Form::Address => text.parse::<IpAddr>().is_ok(),
        Form::Path => text.is_empty() || Path::new(text).is_absolute(),
        Form::Origin => is_origin(text),
        Form::Name => is_ros_name(text),
        Form::NameOrNothing => text.is_empty() || is_ros_name(text),
        Form::Zone => zones::parse(text).is_some(),
        Form::NotEmpty => !text.is_empty(),
        Form::Anything => true,
    };
    fits.then_some(()).ok_or_else(|| format!("{text:?} is not accepted: {}", form.description()))
}

/// As a browser serialises it (RFC 6454 section 6.2): anything else would never match.
fn is_origin(text: &str) -> bool {
    let (rest, default_port) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
        (Some(rest), _) => (rest, ":80"),
        (_, Some(rest)) => (rest, ":443"),
        _ => return false,
    };
    // The last colon starts a port, unless it stands inside an IPv6 address's brackets.
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_fits = match literal {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        }
    };
    let port_fits =
        port.is_none_or(|port| port.parse::<u16>().is_ok_and(|n| n.to_string() == port));
    host_fits
        && port_fits
        && !rest.ends_with(default_port)
        && !rest.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Parts of letters, digits and underscores, none starting with a digit, with slashes between.
fn is_ros_name(text: &str) -> bool {
    let relative = text.strip_prefix("~/").or_else(|| text.strip_prefix('/')).unwrap_or(text);
    relative.split('/').all(|part| {
        part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && part.bytes().next().is_some_and(|first| !first.is_ascii_digit())
    })
}

fn number(checked: &Checked, name: &str) -> Option<f64> {
    match checked.get(name) {
        Some(Value::Double(number)) => Some(*number),
        Some(Value::Integer(number)) => Some(*number as f64),
        _ => None,
    }
}

fn unknown(name: &str) -> String {
    if name.contains("secret") {
        return "unknown parameter; secrets come from OHT50_JWT_SECRET_FILE or OHT50_JWT_SECRET, \
                since any node can read parameters"
            .to_owned();
    }
    let nearest = PARAMETERS
        .iter()
        .chain(STANDARD)
        .map(|known| (distance(name, known.name), known.name))
        .min()
        .filter(|&(distance, known)| distance <= known.len() / 3);
    match nearest {
        Some((_, known)) => format!("unknown parameter; did you mean {known}?"),
        None => "unknown parameter".to_owned(),
    }
}

/// Insertions, deletions and replacements between two names (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[derive(Clone, Copy)]
enum Relation {
    Above,
    AtLeast,
}

/// The first must be above, or at least, the second.
const ORDERED: &[(&str, Relation, &str)] = &[
    ("max_connections", Relation::AtLeast, "max_connections_per_user"),
    ("max_connections", Relation::Above, "operator_places"),
    ("heartbeat_timeout", Relation::Above, "heartbeat_interval"),
    ("max_linear_speed", Relation::AtLeast, "default_linear_speed"),
    ("max_angular_speed", Relation::AtLeast, "default_angular_speed"),
    ("max_linear_speed", Relation::AtLeast, "docking_speed"),
    ("max_linear_speed", Relation::Above, "rest_speed"),
    ("max_angular_speed", Relation::Above, "rest_speed"),
];
