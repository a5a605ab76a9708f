"""The executable's front: what it refuses before it opens a port, and how it ends."""

import ssl

import pytest

from certificates import own, trusting
from client import Client, token
from programs import CONFIG, SECRET, Bridge, Program, parameters_file

POSE = {"base_from_laser": [0.0, 0.0, 0.0], "footprint": [0.4, 0.3, -0.4, 0.3, -0.4, -0.3, 0.4, -0.3], "port": 0}

FROM_TRANSFORMS = {"base_from_laser_source": "tf_static", "footprint": POSE["footprint"], "port": 0}

# A parameter, its value, and what is said of it: name, value and what is accepted.
WRONG = [
    ("max_linear_speed", 12.0, ["12.0", "0.01..3.0 m/s"]),
    ("max_linear_speed", "fast", ['"fast"', "a string", "a double"]),
    ("port", 65536, ["65536", "0..65535"]),
    ("port", 80.5, ["80.5", "a double", "an integer"]),
    ("robot_id", 0, ["0 is outside", "1.."]),
    ("require_origin", 1, ["an integer", "a bool"]),
    ("pool_policy", "evict", ['"evict"', "evict_oldest or reject"]),
    ("bind_address", "localhost", ['"localhost"', "an IP address"]),
    ("bind_address", "0.0.0.0", ['"0.0.0.0"', "allow_plaintext"]),
    ("allowed_origins", ["*"], ['"*"', "scheme://host"]),
    ("base_from_laser", [0.0, 0.0], ["[0.0, 0.0]", "2 numbers instead of 3"]),
    ("base_from_laser", [0.0, 0.0, 180.0], ["180.0", "-3.15..3.15"]),
    ("footprint", [0.4, 0.3, -0.4], ["3 numbers", "pairs"]),
    ("footprint", [0.4, 0.3, -0.4, -0.3, -0.4, 0.3, 0.4, -0.3], ["crosses itself"]),
    ("zones", ["near: critical 50.0"], ["depth of zone", "50", "0.02 to 20"]),
    ("zones", ["near critical 0.5"], ["near critical 0.5", "NAME: KIND DEPTH"]),
    ("docking_zones", ["near: safe 0.5"], ["no critical zone"]),
    ("lidar_node", "my lidar", ['"my lidar"', "a ROS name"]),
    ("max_linear_sped", 1.0, ["unknown parameter", "did you mean max_linear_speed?"]),
    ("jwt_secret", "x" * 40, ["unknown parameter", "OHT50_JWT_SECRET"]),
    ("heartbeat_timeout", 5.0, ["5.0", "heartbeat_interval (10.0)"]),
    ("default_linear_speed", 2.0, ["max_linear_speed", "2.0"]),
    ("use_sim_time", "yes", ['"yes"', "a bool"]),
]


def ends_with(expected, *arguments, environment=None, said=()):
    """Run to the end; the exit code and what was said are as expected. Returns the log."""
    program = Program("oht50_bridge", *arguments, environment=environment)
    program.signal.wait_for(lambda: program.process.returncode is not None or "listening" in program.log)
    assert "listening" not in program.log, program.log
    code = program.wait()
    assert code == expected, f"{code}: {program.log}"
    for text in said:
        assert text in program.log, f"{text!r} is not in: {program.log}"
    return program.log


@pytest.fixture(autouse=True)
def alone(domain):
    """Every program of this file lives in a domain of its own class."""


class TestConfiguration:
    @pytest.mark.parametrize(("name", "value", "said"), WRONG, ids=lambda value: str(value)[:30])
    def test_a_wrong_parameter_is_named_with_its_value_and_what_is_accepted(self, directory, name, value, said):
        file = parameters_file(directory, {**POSE, name: value})
        log = ends_with(64, "--ros-args", "--params-file", file, said=[name, *said])
        assert "x" * 40 not in log, "what may be a secret is not repeated"

    def test_a_missing_pose_of_the_lidar_is_named(self, directory):
        ends_with(64, "--ros-args", "-p", "port:=0", said=["base_from_laser: required", "footprint: required"])

    def test_transforms_that_nobody_tells_are_named_and_another_start_may_go_better(self, directory):
        file = parameters_file(directory, {**FROM_TRANSFORMS, "base_frame": "robot"})
        ends_with(1, "--ros-args", "--params-file", file, said=["tf_static", '"robot"', '"laser"', "known: none"])

    def test_nobody_waits_for_transforms_to_hear_that_something_else_is_wrong(self, directory):
        file = parameters_file(directory, {**FROM_TRANSFORMS, "robot_id": 0})
        ends_with(64, "--ros-args", "--params-file", file, said=["robot_id: 0"])

    def test_everything_wrong_is_told_at_once(self, directory):
        file = parameters_file(directory, {"robot_id": 0, "colour": "red"})
        ends_with(64, "--ros-args", "--params-file", file, said=["robot_id: 0", "colour: unknown", "base_from_laser: required"])

    @pytest.mark.parametrize(("given", "missed"), [("tls_key_file", "tls_cert_file"), ("tls_cert_file", "tls_key_file")])
    def test_half_a_tls_identity_is_refused(self, directory, given, missed):
        file = parameters_file(directory, {**POSE, given: "/nowhere.pem"})
        ends_with(64, "--ros-args", "--params-file", file, said=[missed, given])

    def test_a_tls_file_that_cannot_be_read_is_named(self, directory):
        file = parameters_file(directory, {**POSE, "tls_key_file": "/nowhere/key.pem", "tls_cert_file": "/nowhere/cert.pem"})
        ends_with(64, "--ros-args", "--params-file", file, said=["/nowhere/"])

    def test_a_state_directory_that_cannot_be_written_is_named(self, directory):
        (directory / "file").write_text("")
        file = parameters_file(directory, {**POSE, "state_directory": str(directory / "file" / "state")})
        ends_with(64, "--ros-args", "--params-file", file, said=["state_directory", "file/state"])

    def test_an_audit_log_that_cannot_be_written_is_named(self, directory):
        state = directory / "unaudited"
        (state / "audit.jsonl").mkdir(parents=True)
        file = parameters_file(directory, {**POSE, "state_directory": str(state)})
        ends_with(64, "--ros-args", "--params-file", file, said=["audit log", "unaudited/audit.jsonl"])


class TestSecret:
    @pytest.mark.parametrize(("environment", "said"), [
        ({}, "no token secret"),
        ({"OHT50_JWT_SECRET": ""}, "too few"),
        ({"OHT50_JWT_SECRET": "x" * 31}, "31 bytes are too few"),
        ({"OHT50_JWT_SECRET": SECRET, "OHT50_JWT_SECRET_FILE": "SHORT"}, "both"),
        ({"OHT50_JWT_SECRET_FILE": "SHORT"}, "too few"),
        ({"OHT50_JWT_SECRET_FILE": "/nowhere/secret"}, "/nowhere/secret"),
    ])
    def test_without_one_good_secret_nothing_starts(self, directory, environment, said):
        short = directory / "short"
        short.write_text("hunter2\n")
        environment = {key: str(short) if value == "SHORT" else value for key, value in environment.items()}
        log = ends_with(64, "--ros-args", "--params-file", CONFIG / "bridge.yaml", environment=environment, said=[said, "OHT50_JWT_SECRET"])
        assert "hunter2" not in log and SECRET not in log

    def test_a_file_with_a_newline_holds_the_same_secret(self, directory):
        file = directory / "secret"
        file.write_text(SECRET + "\n")
        bridge = Bridge(directory, environment={"OHT50_JWT_SECRET_FILE": str(file)})
        client = Client(bridge.url, token())
        client.close()
        bridge.end()


class TestCommandLine:
    def test_check_judges_a_file_and_needs_no_secret(self, directory):
        ends_with(0, "--check", "--params-file", CONFIG / "bridge.yaml", environment={}, said=["valid"])
        bad = parameters_file(directory, {**POSE, "port": 70000})
        ends_with(64, "--check", "--params-file", bad, environment={}, said=["port: 70000 is outside 0..65535"])
        ends_with(64, "--params-file", bad, "--check", environment={}, said=["port: 70000"])
        ends_with(64, "--check", "--params-file", "/nowhere.yaml", environment={}, said=["/nowhere.yaml"])
        ends_with(64, "--check", environment={}, said=["base_from_laser"])

    def test_help_and_version(self):
        assert "--params-file" in ends_with(0, "--help", environment={})
        assert ends_with(0, "--version", environment={}).startswith("oht50_bridge 0.")

    @pytest.mark.parametrize("arguments", [
        ["--colour"], ["file.yaml"], ["--params-file"], ["--ros-args", "-p"], ["--ros-args", "-p", "port"],
        ["--ros-args", "-r", "a:b:=c d"], ["--ros-args", "--params-file", "/nowhere.yaml"], ["--ros-args", "--log-level", "loud"],
    ])
    def test_a_malformed_command_line_is_refused(self, arguments):
        log = ends_with(64, *arguments)
        assert log.startswith("oht50_bridge: ") or "oht50_bridge: " in log
        assert "panicked" not in log

    def test_a_port_in_use_is_named(self, directory):
        bridge = Bridge(directory)
        port = bridge.authority.split(":")[1]
        file = parameters_file(directory, {**POSE, "state_directory": str(directory / "other")})
        ends_with(1, "--ros-args", "--params-file", file, "-p", f"port:={port}", said=[f"127.0.0.1:{port}", "in use"])
        bridge.end()


class TestTls:
    def test_a_certificate_makes_it_wss_and_plain_text_gets_nothing(self, directory):
        files = own(directory, "robot")
        bridge = Bridge(directory, files)
        assert bridge.url.startswith("wss://")
        client = Client(bridge.url, token(), tls=trusting(files))
        client.say("ping")
        client.expect("pong")
        assert client.socket.transport.get_extra_info("ssl_object").version() == "TLSv1.3"
        with pytest.raises(Exception):
            Client(bridge.url.replace("wss", "ws"), token())
        with pytest.raises(ssl.SSLCertVerificationError):
            Client(bridge.url, token(), tls=ssl.create_default_context())
        client.close()
        bridge.end()
