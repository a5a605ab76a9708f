use proptest::prelude::*;

use super::*;
use crate::auth::Rules;

mod refused;

fn environment() -> Environment {
    Environment { home: Some("/home/robot".into()), ..Environment::default() }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn texts(texts: &[&str]) -> Value {
    Value::StringArray(texts.iter().map(|&text| text.to_owned()).collect())
}

fn pose() -> Value {
    Value::DoubleArray(vec![0.2, 0.0, 0.0])
}

fn footprint() -> Value {
    Value::DoubleArray(vec![0.4, 0.3, -0.4, 0.3, -0.4, -0.3, 0.4, -0.3])
}

/// The shipped configuration with these values on top.
fn with(given: &[(&str, Value)]) -> Params {
    let required = [("base_from_laser".to_owned(), pose()), ("footprint".to_owned(), footprint())];
    let mut params = Params::from(required);
    params.extend(given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    params
}

fn accepted(given: &[(&str, Value)]) -> Config {
    Config::from_params(&with(given), &environment()).unwrap_or_else(|errors| panic!("{errors}"))
}

#[track_caller]
fn check(given: &[(&str, Value)], expected: &str) {
    let text = match Config::from_params(&with(given), &environment()) {
        Ok(_) => "accepted".to_owned(),
        Err(errors) => errors.to_string(),
    };
    assert_eq!(text, expected, "{given:?}");
}

#[test]
fn the_shipped_values_are_the_documented_ones() {
    let config = accepted(&[]);
    assert_eq!(config.robot_id, 1);
    assert_eq!(config.state_directory, PathBuf::from("/home/robot/.ros/oht50_bridge"));
    assert_eq!(config.audit, AuditConfig { max_bytes: 16 * 1024 * 1024, files: 8 });
    assert_eq!(config.server.bind_address, IpAddr::from([127, 0, 0, 1]));
    assert_eq!(config.server.port, 8080);
    assert_eq!(config.server.tls, None);
    assert_eq!(config.server.max_connections, 1000);
    assert_eq!(config.server.max_connections_per_user, 100);
    assert_eq!(config.server.operator_places, 16);
    assert_eq!(config.server.pool_policy, PoolPolicy::EvictOldest);
    assert_eq!(config.server.default_role, Role::Operator);
    let rules = Rules { default_role: Role::Operator, issuer: None, audience: None };
    assert_eq!(config.access, AccessConfig { jwks_file: None, revocation_file: None, rules });
    assert_eq!(config.server.heartbeat_interval, Duration::from_secs(10));
    assert_eq!(config.server.heartbeat_timeout, Duration::from_secs(25));
    assert_eq!(config.safety.max_linear_speed, 1.0);
    assert_eq!(config.safety.command_hold, Duration::from_secs(1));
    assert_eq!(config.telemetry.scan_timeout, Duration::from_millis(500));
    assert_eq!(config.safety.docking_speed, 0.1);
    assert_eq!(config.lidar.base_from_laser, Isometry2::new(Vector2::new(0.2, 0.0), 0.0));
    assert_eq!(config.lidar.scan_period, 0.05);
    assert_eq!(config.telemetry.battery_timeout, Duration::from_secs(30));
}

#[test]
fn docking_follows_no_speed_and_escapes_nothing() {
    let surroundings = accepted(&[]).surroundings;
    let rules = |set| {
        let zones = surroundings.zones(set).config();
        (zones.follow_speed, zones.allow_escape, zones.margin)
    };
    assert_eq!(rules(FieldSet::Driving), (true, true, 0.1));
    assert_eq!(rules(FieldSet::Docking), (false, false, 0.0));
}

#[test]
fn the_state_directory_follows_ros() {
    let directory = |ros_home: Option<&str>, home: Option<&str>, given: &str| {
        let environment = Environment {
            ros_home: ros_home.map(Into::into),
            home: home.map(Into::into),
            namespace: "/hall/robot1".to_owned(),
        };
        let params = with(&[("state_directory", text(given))]);
        match Config::from_params(&params, &environment) {
            Ok(config) => config.state_directory.to_string_lossy().into_owned(),
            Err(errors) => errors.to_string(),
        }
    };
    assert_eq!(directory(Some("/ros"), Some("/home/robot"), ""), "/ros/hall/robot1/oht50_bridge");
    assert_eq!(
        directory(Some(""), Some("/home/robot"), ""),
        "/home/robot/.ros/hall/robot1/oht50_bridge"
    );
    assert_eq!(directory(None, None, "/var/lib/bridge"), "/var/lib/bridge");
    assert_eq!(
        directory(None, None, ""),
        "state_directory: must be given where neither ROS_HOME nor HOME is set"
    );
    assert_eq!(
        directory(None, None, "~/state"),
        r#"state_directory: "~/state" is not accepted: an absolute path, or empty"#
    );
}

#[test]
fn every_parameter_changes_the_configuration() {
    let shipped = format!("{:?}", accepted(&[]));
    let tls = [("tls_cert_file", text("/cert.pem")), ("tls_key_file", text("/key.pem"))];
    for parameter in PARAMETERS {
        let name = parameter.name;
        let changed = match parameter.kind {
            // A switch that other rules read, and nothing else.
            Kind::Bool { .. } if name == "allow_plaintext" => continue,
            Kind::Bool { default } => accepted(&[(name, Value::Bool(!default))]),
            Kind::Integer { default, min, .. } => {
                let other = if default > min { default - 1 } else { default + 1 };
                accepted(&[(name, Value::Integer(other))])
            }
            Kind::Double { default, .. } => accepted(&[(name, Value::Double(default * 0.9))]),
            Kind::Choice { choices, .. } => accepted(&[(name, text(choices[choices.len() - 1]))]),
            Kind::Text { form: Form::Address, .. } => accepted(&[(name, text("::1"))]),
            Kind::Text { .. } if name == "tls_client_ca_file" => {
                let [certificate, key] = &tls;
                let without = accepted(&tls);
                let with =
                    accepted(&[certificate.clone(), key.clone(), (name, text("/authority.pem"))]);
                assert_ne!(format!("{without:?}"), format!("{with:?}"));
                with
            }
            Kind::Text { .. } if name.starts_with("tls_") => accepted(&tls),
            Kind::Text { .. } => accepted(&[(name, text("/other"))]),
            Kind::Texts { form: Form::Zone, .. } => {
                accepted(&[(name, texts(&["near: critical 0.7"]))])
            }
            Kind::Texts { .. } => accepted(&[(name, texts(&["https://example.org"]))]),
            Kind::Outline => {
                accepted(&[(name, Value::DoubleArray(vec![1.0, 0.0, -1.0, 1.0, -1.0, -1.0]))])
            }
            Kind::Sectors => accepted(&[(name, Value::DoubleArray(vec![1.0, 2.0]))]),
            Kind::Pose => accepted(&[(name, Value::DoubleArray(vec![1.0, 2.0, 3.0]))]),
        };
        assert_ne!(format!("{changed:?}"), shipped, "{name} changes nothing");
    }
}

#[test]
fn the_shipped_values_are_valid() {
    let shipped: Vec<_> =
        PARAMETERS.iter().filter_map(|known| Some((known.name, known.default()?))).collect();
    check(&shipped, "accepted");
}

#[test]
fn the_values_in_effect_are_told_with_their_defaults() {
    let told = effective(&with(&[("max_linear_speed", Value::Integer(2))]));
    let value = |name| told.iter().find(|(known, _)| known.name == name).map(|(_, value)| value);
    assert_eq!(told.len(), PARAMETERS.len() + 1);
    assert!(told.is_sorted_by_key(|(known, _)| known.name));
    assert_eq!(value("max_linear_speed"), Some(&Value::Double(2.0)));
    assert_eq!(value("port"), Some(&Value::Integer(8080)));
    assert_eq!(value("base_from_laser"), Some(&pose()));
    assert_eq!(value("self_mask"), Some(&Value::DoubleArray(vec![])));
    assert_eq!(value("use_sim_time"), Some(&Value::Bool(false)));
}

#[test]
fn a_value_in_its_range_is_accepted() {
    for (name, value) in [
        ("port", Value::Integer(0)),
        ("port", Value::Integer(65535)),
        ("max_linear_speed", Value::Integer(1)),
        ("max_linear_speed", Value::Double(3.0)),
        ("base_from_laser", Value::IntegerArray(vec![0, 0, 3])),
        ("base_from_laser", Value::DoubleArray(vec![-10.0, 10.0, -std::f64::consts::PI])),
        ("allowed_origins", Value::NotSet),
        ("self_mask", Value::NotSet),
        ("self_mask", Value::IntegerArray(vec![1, 2, -3, -2])),
        ("self_mask", Value::DoubleArray(vec![3.15, -3.15])),
        ("footprint", Value::IntegerArray(vec![1, 0, -1, 1, -1, -1])),
        ("zones", texts(&["a: critical 0.5 3.15..-3.15", "b: safe [[1, 0], [2, 0], [2, 1]]"])),
        ("hardware_stop_topic", text("/safety/emergency_stop_button")),
        ("allowed_origins", texts(&["http://a", "https://b.example:8443", "http://[::1]:3000"])),
        ("bind_address", text("127.0.0.2")),
        ("bind_address", text("::1")),
        ("lidar_node", text("/robot_1/front/lidar")),
        ("use_sim_time", Value::Bool(true)),
        ("start_type_description_service", Value::Bool(false)),
        ("qos_overrides./scan.subscription.depth", Value::Integer(1)),
    ] {
        check(&[(name, value)], "accepted");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::NotSet),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        (-2i64..200).prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Double),
        (-1.0..100.0).prop_map(Value::Double),
        ".*".prop_map(Value::String),
        any::<Vec<u8>>().prop_map(Value::ByteArray),
        any::<Vec<bool>>().prop_map(Value::BoolArray),
        any::<Vec<i64>>().prop_map(Value::IntegerArray),
        any::<[f64; 3]>().prop_map(|numbers| Value::DoubleArray(numbers.to_vec())),
        any::<Vec<f64>>().prop_map(Value::DoubleArray),
        any::<Vec<String>>().prop_map(Value::StringArray),
    ]
}

fn any_name() -> impl Strategy<Value = String> {
    let known: Vec<_> = PARAMETERS.iter().map(|known| known.name.to_owned()).collect();
    prop_oneof![4 => proptest::sample::select(known), 1 => ".*"]
}

proptest! {
    #[test]
    fn any_values_are_accepted_whole_or_refused_by_name(
        given in proptest::collection::btree_map(any_name(), any_value(), 0..8),
        mounted in any::<bool>(),
    ) {
        let given = if mounted { with(&[]).into_iter().chain(given).collect() } else { given };
        match Config::from_params(&given, &environment()) {
            Ok(config) => {
                prop_assert!(config.safety.default_linear_speed <= config.safety.max_linear_speed);
                prop_assert!(config.server.operator_places < config.server.max_connections);
                prop_assert!(config.server.heartbeat_interval < config.server.heartbeat_timeout);
            }
            Err(errors) => prop_assert!(!errors.0.is_empty()),
        }
    }

    #[test]
    fn any_origin_is_judged_without_a_panic(origin in "https?://.*") {
        let params = with(&[("allowed_origins", texts(&[&origin]))]);
        let _ = Config::from_params(&params, &environment());
    }
}
