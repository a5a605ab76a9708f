"""Part A of the protocol, message by message, as a client sees it that was written from the document alone."""

import json
import re
from datetime import datetime, timezone

import pytest

STREAMS = ("telemetry", "lidar", "robot_status")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
LONG = "x" * 100

SPEED, DURATION = "Speed must be between 0 and 10", "Duration must be between 0 and 3600 seconds"
FREQUENCY, RANGE = "Frequency must be between 1 and 50 Hz", "Range must be between 0.1 and 20 meters"
INVALID = "Invalid JSON format"


def robot(parameters, command="move_forward"):
    return f'{{"type":"robot_control","command":"{command}","parameters":{parameters}}}'


def lidar(parameters, command="set_frequency"):
    return f'{{"type":"lidar_control","command":"{command}","parameters":{parameters}}}'


REFUSED = [
    (text, INVALID) for text in (
        "", "hello", "{", "[]", "[{}]", "7", "null", '"ping"', '{"type":"ping"} x', '{"type":"ping",}', "{'type':'ping'}",
        robot('{"speed":NaN}'), robot('{"speed":Infinity}'), robot('{"speed":-Infinity}'), robot('{"speed":1e999}'))
] + [
    ("{}", "Message type is required"),
    ('{"command":"stop"}', "Message type is required"),
    ('{"type":"fly"}', "Invalid message type: fly"),
    ('{"type":"Ping"}', "Invalid message type: Ping"),
    (f'{{"type":"{LONG}"}}', f"Invalid message type: {LONG[:64]}"),
    ('{"type":"subscribe"}', "Invalid subscription type: "),
    ('{"type":"subscribe","subscription_type":"video"}', "Invalid subscription type: video"),
    ('{"type":"unsubscribe","subscription_type":"Lidar"}', "Invalid subscription type: Lidar"),
    (f'{{"type":"subscribe","subscription_type":"{LONG}"}}', f"Invalid subscription type: {LONG[:64]}"),
    ('{"type":"robot_control"}', "Invalid robot command: "),
    ('{"type":"robot_control","command":"jump"}', "Invalid robot command: jump"),
    ('{"type":"lidar_control"}', "Invalid LiDAR command: "),
    ('{"type":"lidar_control","command":"spin"}', "Invalid LiDAR command: spin"),
] + [(robot(f'{{"speed":{value}}}'), SPEED) for value in ("-0.1", "10.01", "11", '"1"', "true", "null", "[1]")
] + [(robot(f'{{"duration":{value}}}', "turn_left"), DURATION) for value in ("-1", "3600.5", '"1"', "false", "null", "{}")
] + [(lidar(f'{{"frequency":{value}}}'), FREQUENCY) for value in ("0.9", "51", '"10"', "true", "null")
] + [(lidar(f'{{"range":{value}}}', "set_range"), RANGE) for value in ("0.05", "20.1", '"5"', "true", "null")
] + [(lidar("{}"), FREQUENCY), (lidar("{}", "set_range"), RANGE)]


class TestPartA:
    def test_the_greeting(self, world, lan):
        greeting = lan.greeting
        assert list(greeting)[:4] == ["type", "user_id", "username", "timestamp"]
        assert (greeting["user_id"], greeting["username"], greeting["role"]) == (7, "lan", "operator")
        assert TIMESTAMP.fullmatch(greeting["timestamp"])
        told = datetime.fromisoformat(greeting["timestamp"].replace("Z", "+00:00"))
        assert abs((datetime.now(timezone.utc) - told).total_seconds()) < 10

    @pytest.mark.parametrize(("text", "expected"), REFUSED)
    def test_what_is_not_understood_is_told_in_the_documented_words(self, world, text, expected):
        client = world.connect()
        client.send(text)
        error = client.expect("error")
        assert list(error)[:3] == ["type", "message", "timestamp"]
        assert error["message"] == expected
        client.settle()

    def test_a_subscription_is_confirmed_each_time_and_so_is_its_end(self, world, lan):
        for stream in STREAMS * 2:
            lan.subscribe(stream)
        for stream in STREAMS * 2:
            lan.unsubscribe(stream)
        lan.settle()
        for kind in ("telemetry_update", "lidar_update", "robot_status_update"):
            lan.take(kind)
        lan.say("subscribe", subscription_type="telemetry", timestamp="2025-01-28T10:30:00Z", something="else")
        confirmed = lan.expect("subscription_confirmed")
        assert list(confirmed) == ["type", "subscription_type", "timestamp"]
        lan.expect("telemetry_update")

    def test_a_ping_gets_a_pong(self, world, lan):
        lan.say("ping", timestamp="now")
        pong = lan.expect("pong")
        assert list(pong) == ["type", "timestamp"] and TIMESTAMP.fullmatch(pong["timestamp"])

    @pytest.mark.parametrize("parameters", ["absent", None, {}, {"speed": 0.1}, {"speed": 0.1, "duration": 0.2}, {"duration": 1e-3}])
    @pytest.mark.parametrize("command", ["move_forward", "move_backward", "turn_left", "turn_right", "stop"])
    def test_commands_are_answered(self, world, lan, command, parameters):
        more = {} if parameters == "absent" else {"parameters": parameters}
        lan.say("robot_control", command=command, **more)
        answer = lan.expect("robot_control_response")
        assert list(answer)[:5] == ["type", "command", "success", "message", "timestamp"]
        assert (answer["command"], answer["success"]) == (command, True)

    @pytest.mark.parametrize("command", ["dock", "undock"])
    def test_docking_is_answered_when_it_has_ended(self, world, robot, lan, command):
        lan.drive(command)
        call = robot.wait_call(command)
        lan.settle()
        assert not lan.take("robot_control_response")
        call.answer(True, "done")
        assert lan.expect("robot_control_response", command=command)["success"]

    def test_lidar_commands_are_answered(self, world, robot, lan):
        for command, parameters in [("stop_scan", None), ("start_scan", {}), ("set_frequency", {"frequency": 20}),
                                    ("set_range", {"range": 20})]:
            lan.say("lidar_control", command=command, parameters=parameters)
            answer = lan.expect("lidar_control_response")
            assert list(answer)[:5] == ["type", "command", "success", "message", "timestamp"]
            assert (answer["command"], answer["success"]) == (command, True), answer

    def test_the_streams_have_the_documented_shape(self, world, lan):
        lan.subscribe(*STREAMS)
        telemetry = lan.expect("telemetry_update", where=lambda message: None not in message["data"].values())
        assert list(telemetry)[:3] == ["type", "data", "timestamp"]
        assert list(telemetry["data"])[:6] == ["robot_id", "status", "position", "speed", "battery_level", "temperature"]
        assert list(telemetry["data"]["position"]) == ["x", "y", "z"]
        lidar = lan.expect("lidar_update")
        assert list(lidar)[:3] == ["type", "data", "timestamp"]
        assert list(lidar["data"]) == ["scan_data", "obstacles", "safety_zones"]
        assert list(lidar["data"]["scan_data"]) == ["points", "quality"]
        assert all(len(point) == 2 for point in lidar["data"]["scan_data"]["points"])
        status = lan.expect("robot_status_update")
        assert list(status)[:3] == ["type", "data", "timestamp"]
        assert list(status["data"])[:2] == ["robot_id", "status"]
        assert all(TIMESTAMP.fullmatch(message["timestamp"]) for message in (telemetry, lidar, status))

    def test_an_unknown_parameter_moves_nothing(self, world, robot, lan):
        robot.wait_quiet()
        known = len(robot.commands)
        lan.drive("move_forward", spede=0.1)
        assert lan.expect("error")["message"] == "Unknown parameter: spede"
        robot.wait_quiet()
        assert len(robot.commands) == known
        lan.drive("stop", spede=0.1)
        assert lan.expect("robot_control_response")["success"], "stops are carried out whatever else is said"

    def test_a_request_id_comes_back(self, world, lan):
        lan.say("ping", request_id="a-1")
        assert lan.expect("pong")["request_id"] == "a-1"
        lan.say("robot_control", command="stop", request_id="a-2")
        assert lan.expect("robot_control_response")["request_id"] == "a-2"
        lan.say("fly", request_id="a-3")
        assert lan.expect("error")["request_id"] == "a-3"

    def test_two_connections_of_one_user_are_two(self, world, lan):
        other = world.connect()
        assert lan.greeting["connection_id"] != other.greeting["connection_id"]
        lan.subscribe("telemetry")
        other.settle()
        assert not other.inbox or {message["type"] for _, message in other.inbox} <= {"event"}
        other.close()
        lan.next("telemetry_update")

    def test_text_is_utf_8(self, world):
        client = world.connect(8, "Nguyễn Thị Mai")
        assert client.greeting["username"] == "Nguyễn Thị Mai"
        client.send(json.dumps({"type": "robot_control", "command": "bay lên ✈"}, ensure_ascii=False))
        assert client.expect("error")["message"] == "Invalid robot command: bay lên ✈"
