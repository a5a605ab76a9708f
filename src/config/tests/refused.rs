//! What is refused, in the words that people read.

use super::*;

#[test]
fn a_wrong_value_is_named_with_what_is_accepted() {
    for (name, value, problem) in [
        ("max_linear_speed", Value::Double(12.0), "12.0 is outside 0.01..3.0 m/s"),
        ("max_linear_speed", Value::Integer(12), "12.0 is outside 0.01..3.0 m/s"),
        ("max_linear_speed", Value::Double(f64::NAN), "NaN is outside 0.01..3.0 m/s"),
        ("command_hold", Value::Double(f64::INFINITY), "inf is outside 0.1..2.0 s"),
        ("command_hold", Value::Double(-0.0), "-0.0 is outside 0.1..2.0 s"),
        ("port", Value::Integer(65536), "65536 is outside 0..65535"),
        ("port", Value::Integer(-1), "-1 is outside 0..65535"),
        ("port", Value::Double(8080.0), "8080.0 is a double, expected an integer"),
        ("port", text("8080"), r#""8080" is a string, expected an integer"#),
        ("max_linear_speed", text("1"), r#""1" is a string, expected a double"#),
        ("max_linear_speed", Value::NotSet, "~ is nothing, expected a double"),
        ("require_origin", Value::Integer(1), "1 is an integer, expected a bool"),
        ("base_frame", Value::Bool(true), "true is a bool, expected a string"),
        ("base_frame", text(""), r#""" is not accepted: not empty"#),
        ("pool_policy", text("evict"), r#""evict" is not evict_oldest or reject"#),
        ("default_role", text("root"), r#""root" is not viewer or operator or administrator"#),
        ("bind_address", text("localhost"), r#""localhost" is not accepted: an IP address"#),
        (
            "jwks_file",
            text("keys.json"),
            r#""keys.json" is not accepted: an absolute path, or empty"#,
        ),
        (
            "revocation_file",
            text("~/revoked.json"),
            r#""~/revoked.json" is not accepted: an absolute path, or empty"#,
        ),
        ("token_audience", texts(&["a"]), r#"["a"] is a string array, expected a string"#),
        ("lidar_node", text("my lidar"), r#""my lidar" is not accepted: a ROS name"#),
        ("lidar_node", text("/"), r#""/" is not accepted: a ROS name"#),
        ("lidar_node", text("2d_lidar"), r#""2d_lidar" is not accepted: a ROS name"#),
        ("allowed_origins", text("http://a"), r#""http://a" is a string, expected a string array"#),
        ("base_from_laser", Value::NotSet, "~ is nothing, expected a double array"),
        (
            "base_from_laser",
            Value::DoubleArray(vec![0.0, 0.0]),
            "[0.0, 0.0] has 2 numbers instead of 3: x, y, yaw",
        ),
        (
            "base_from_laser",
            Value::DoubleArray(vec![0.0, f64::NAN, 0.0]),
            "[0.0, NaN, 0.0] is outside x, y: -10.0..10.0; yaw: -3.15..3.15 m, m, rad",
        ),
        (
            "base_from_laser",
            Value::DoubleArray(vec![0.2, 0.0, 180.0]),
            "[0.2, 0.0, 180.0] is outside x, y: -10.0..10.0; yaw: -3.15..3.15 m, m, rad",
        ),
        (
            "footprint",
            Value::DoubleArray(vec![0.4, 0.3, -0.4]),
            "[0.4, 0.3, -0.4] has 3 numbers; they come in pairs",
        ),
        (
            "footprint",
            Value::DoubleArray(vec![0.4, 0.3, -0.4, f64::NAN]),
            "NaN is outside x, y of 3 to 64 vertices of a simple polygon",
        ),
        (
            "footprint",
            Value::DoubleArray(vec![0.4, 0.3, -0.4, 0.3]),
            "has 2 vertices; 3 to 64 are accepted",
        ),
        (
            "footprint",
            Value::DoubleArray(vec![5.0, 0.0, 6.0, 0.0, 6.0, 1.0]),
            "does not contain the base frame's origin",
        ),
        ("self_mask", Value::DoubleArray(vec![1.0]), "[1.0] has 1 numbers; they come in pairs"),
        (
            "self_mask",
            Value::DoubleArray(vec![1.0, 180.0]),
            "180.0 is outside from, to of each, -3.15..3.15",
        ),
        (
            "zones",
            texts(&["near: critical"]),
            "\"near: critical\" is not accepted: `NAME: KIND DEPTH`, `NAME: KIND DEPTH FROM..TO`, or \
             `NAME: KIND [[X, Y], ...]`",
        ),
        ("zones", texts(&["near: warning 0.5"]), "has no critical zone; at least one is required"),
        (
            "zones",
            texts(&["near: critical 0.5", "near: safe 1.0"]),
            "has the name \"near\" twice, or empty; names are unique",
        ),
        (
            "docking_zones",
            texts(&["near: critical 0.001"]),
            "depth of zone \"near\" is 0.001; it must be from 0.02 to 20",
        ),
        ("use_sim_time", Value::Integer(1), "1 is an integer, expected a bool"),
        (
            "max_linear_sped",
            Value::Double(1.0),
            "unknown parameter; did you mean max_linear_speed?",
        ),
        ("Port", Value::Integer(80), "unknown parameter; did you mean port?"),
        ("colour", text("red"), "unknown parameter"),
        ("", Value::NotSet, "unknown parameter"),
        (
            "jwt_secret",
            text("hunter2"),
            "unknown parameter; secrets come from OHT50_JWT_SECRET_FILE or OHT50_JWT_SECRET, \
             since any node can read parameters",
        ),
    ] {
        check(&[(name, value)], &format!("{name}: {problem}"));
    }
}

#[test]
fn an_origin_is_written_as_browsers_send_it() {
    for wrong in [
        "",
        "*",
        "null",
        "example.org",
        "ftp://example.org",
        "https://",
        "https://:80",
        "https://example.org/",
        "https://example.org/page",
        "https://Example.org",
        "https://example.org:443",
        "http://example.org:80",
        "http://example.org:080",
        "http://example.org:99999",
        "http://[::1",
        "http://[x]",
    ] {
        check(
            &[("allowed_origins", texts(&["https://example.org", wrong]))],
            &format!(
                "allowed_origins: {wrong:?} is not accepted: scheme://host[:port], lower case, no default port"
            ),
        );
    }
}

#[test]
fn values_must_go_together() {
    for (given, expected) in [
        (
            vec![("max_connections", Value::Integer(50))],
            "max_connections: 50 must be at least max_connections_per_user (100)",
        ),
        (
            vec![("operator_places", Value::Integer(1000))],
            "max_connections: 1000 must be greater than operator_places (1000)",
        ),
        (
            vec![("heartbeat_timeout", Value::Double(10.0))],
            "heartbeat_timeout: 10.0 must be greater than heartbeat_interval (10.0)",
        ),
        (
            vec![("max_linear_speed", Value::Double(0.15))],
            "max_linear_speed: 0.15 must be at least default_linear_speed (0.2)",
        ),
        (
            vec![("default_angular_speed", Value::Double(1.5))],
            "max_angular_speed: 1.0 must be at least default_angular_speed (1.5)",
        ),
        (
            vec![
                ("scan_timeout", Value::Double(0.1)),
                ("scan_frequency_nominal", Value::Integer(10)),
            ],
            "scan_timeout: 0.1 must be longer than one scan at scan_frequency_nominal (10.0 Hz)",
        ),
        (vec![("tls_cert_file", text("/c.pem"))], "tls_key_file: must be given with tls_cert_file"),
        (vec![("tls_key_file", text("/k.pem"))], "tls_cert_file: must be given with tls_key_file"),
        (
            vec![("tls_client_ca_file", text("/a.pem"))],
            "tls_client_ca_file: must be given with tls_cert_file",
        ),
        (
            vec![("bind_address", text("0.0.0.0"))],
            r#"bind_address: "0.0.0.0" is not loopback: set tls_cert_file and tls_key_file, or allow_plaintext"#,
        ),
        (
            vec![("bind_address", text("::"))],
            r#"bind_address: "::" is not loopback: set tls_cert_file and tls_key_file, or allow_plaintext"#,
        ),
        (vec![("bind_address", text("::")), ("allow_plaintext", Value::Bool(true))], "accepted"),
        (
            vec![
                ("bind_address", text("0.0.0.0")),
                ("tls_cert_file", text("/c.pem")),
                ("tls_key_file", text("/k.pem")),
            ],
            "accepted",
        ),
    ] {
        check(&given, expected);
    }
}

#[test]
fn beyond_loopback_plain_text_must_be_asked_for() {
    let tls = [("tls_cert_file", text("/c.pem")), ("tls_key_file", text("/k.pem"))];
    for (address, loopback) in [
        ("127.0.0.1", true),
        ("127.8.8.8", true),
        ("::1", true),
        ("0.0.0.0", false),
        ("192.0.2.1", false),
        ("::", false),
        ("2001:db8::1", false),
        ("::ffff:127.0.0.1", false), // some systems listen elsewhere, too
    ] {
        for (encrypted, allowed) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut given = vec![("bind_address", text(address))];
            given.push(("allow_plaintext", Value::Bool(allowed)));
            given.extend(tls.iter().filter(|_| encrypted).cloned());
            let refused = format!(
                "bind_address: {address:?} is not loopback: set tls_cert_file and tls_key_file, or allow_plaintext"
            );
            let fits = loopback || encrypted || allowed;
            check(&given, if fits { "accepted" } else { &refused });
        }
    }
}

#[test]
fn everything_wrong_is_told_at_once() {
    let params = Params::from([
        ("robot_id".to_owned(), Value::Integer(0)),
        ("state_directory".to_owned(), text("")),
        ("tls_key_file".to_owned(), text("/key.pem")),
        ("heartbeat_timeout".to_owned(), Value::Double(5.0)),
        ("colour".to_owned(), text("red")),
    ]);
    let errors = Config::from_params(&params, &Environment::default()).unwrap_err();
    let expected = "\
robot_id: 0 is outside 1..9007199254740991
footprint: required: Outline of the robot with its load, in its base frame (REP 103): x, y of each vertex.
base_from_laser: required: Pose of the LiDAR in the robot's base frame (REP 103): x, y, yaw.
colour: unknown parameter
heartbeat_timeout: 5.0 must be greater than heartbeat_interval (10.0)
tls_cert_file: must be given with tls_key_file
state_directory: must be given where neither ROS_HOME nor HOME is set";
    assert_eq!(errors.to_string(), expected);
}
