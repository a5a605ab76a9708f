"""What the bridge's keepers see: health, readiness and metrics over HTTP, diagnostics and status on the graph, and logs."""

import json
import math
import re
import signal
import urllib.error
import urllib.request

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from oht50_bridge.msg import BridgeStatus
from rcl_interfaces.msg import Log
from rclpy.qos import DurabilityPolicy, QoSProfile

import programs
from client import Client, token
from programs import Bridge
from waiting import eventually

OK, WARN, ERROR, STALE = (DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE)
ROSOUT = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
PARTS = ["server", "scan", "odometry", "drive", "safety", "audit", "keys", "certificate"]
SERIES = re.compile(r"[a-z0-9_]+(\{[a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*\})? (NaN|-?[0-9.e+-]+)")


def get(bridge, path):
    """Status and body."""
    try:
        with urllib.request.urlopen(f"http://{bridge.authority}{path}") as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()


def metrics(bridge):
    """The value of each series by its name and labels."""
    status, text = get(bridge, "/metrics")
    assert status == 200
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(SERIES.fullmatch(line) for line in lines), text
    assert not any(secret in text for secret in [programs.SECRET, *programs.issued]), "metrics hold a token"
    return {series: float(value) for series, value in (line.rsplit(" ", 1) for line in lines)}


def unready(bridge):
    """What is not ready."""
    status, body = get(bridge, "/readyz")
    failing = {check["name"] for check in json.loads(body)["checks"] if not check["ok"]}
    assert status == (503 if failing else 200), body
    return failing


class TestKeepers:
    def test_the_messages_tell_the_truth(self, world, robot, lan, directory):
        """When scans cease, people come and go, and the audit log's directory goes away."""
        diagnostics = robot.collect(DiagnosticArray, "/diagnostics")
        statuses = robot.collect(BridgeStatus, "oht50_bridge/status")

        def levels():
            return {each.name.split(": ")[1]: each.level for each in diagnostics[-1][1].status} if diagnostics else {}

        def becomes(what, **expected):
            robot.wait(lambda: all(levels().get(name) == level for name, level in expected.items()), what)

        def connected(count):
            robot.wait(lambda: statuses and statuses[-1][1].connections == count, f"{count} connections")
            return statuses[-1][1]

        becomes("all is well", **{part: OK for part in PARTS})
        array = diagnostics[-1][1]
        assert [each.name for each in array.status] == [f"oht50_bridge: {part}" for part in PARTS]
        assert {each.hardware_id for each in array.status} == {"oht50 1"}
        assert all(each.message and each.values for each in array.status)
        assert array.header.stamp.sec > 0
        assert get(world.bridge, "/healthz") == (200, "ok")
        assert not unready(world.bridge)

        status = connected(2)
        assert (status.operators, status.holder) == (1, "")
        assert status.version == world.observer.greeting["server_version"]
        assert 0.0 <= status.scan_age < 0.5 and 0.0 <= status.odom_age < 0.5
        assert 0.0 <= status.battery_age < 2.0 and 0.0 <= status.temperature_age < 2.0
        more = world.connect(8, "hoa", role="viewer")
        assert lan.order("move_forward", speed=0.1, duration=0.2)["success"]
        status = connected(3)
        assert (status.operators, status.holder) == (1, "lan")
        more.close()
        world.clients.remove(more)
        connected(2)

        robot.muted.add("scan")
        becomes("the scan is stale", scan=STALE, odometry=OK)
        assert unready(world.bridge) == {"scan"}
        assert metrics(world.bridge)['oht50_bridge_ready{part="scan"}'] == 0
        robot.muted.clear()
        becomes("it is back", scan=OK)

        robot.muted.add("odom")
        becomes("odometry is stale", odometry=STALE, scan=OK)
        assert unready(world.bridge) == {"odometry"}
        robot.muted.clear()
        becomes("it is back", odometry=OK)

        state, away = directory / "state", directory / "away"
        state.rename(away)
        becomes("the audit log cannot be written", audit=ERROR)
        assert unready(world.bridge) == {"audit"}
        away.rename(state)
        becomes("it can", audit=OK)

        assert lan.order("emergency_stop")["success"]
        becomes("somebody should look", safety=WARN)
        assert not unready(world.bridge)
        stamps = [message.header.stamp for _, message in statuses]
        times = [at for at, _ in statuses]
        assert len({(stamp.sec, stamp.nanosec) for stamp in stamps}) == len(stamps)
        assert len(times) / (times[-1] - times[0] + 1.0) < 1.5, "about once a second"

    def test_metrics_count_what_happened(self, world, robot, lan):
        lan.subscribe("lidar", encoding="binary")
        assert lan.order("move_forward", speed=0.1, duration=0.1)["success"]
        assert lan.order("stop")["success"]
        lan.next("binary")
        before = metrics(world.bridge)
        assert before['oht50_bridge_commands_total{command="move_forward",result="success"}'] >= 1
        assert before['oht50_bridge_commands_total{command="stop",result="latched"}'] >= 1
        assert before['oht50_bridge_connections{role="operator"}'] == 1
        assert before['oht50_bridge_connections{role="viewer"}'] == 1
        assert before["oht50_bridge_stop_to_zero_seconds_count"] >= 1
        assert before["oht50_bridge_command_to_velocity_seconds_count"] >= 1
        assert before["oht50_bridge_perception_seconds_count"] > 0
        assert 0.0 <= before['oht50_bridge_input_age_seconds{input="scan"}'] < 0.5
        assert before["process_resident_memory_bytes"] > 1 << 20 and before["process_open_fds"] > 3
        assert before["oht50_bridge_audit_lines_written_total"] > 0 and before["oht50_bridge_audit_writable"] == 1
        sent = 'oht50_bridge_messages_sent_total{stream="lidar",encoding="binary"}'
        eventually(lambda: metrics(world.bridge).get(sent, 0) > before.get(sent, 0), "frames are counted", pause=0.1)
        assert all(value >= 0 or math.isnan(value) for value in metrics(world.bridge).values())

    def test_log_lines_come_to_rosout_with_the_connection_they_belong_to(self, world, robot):
        lines = robot.collect(Log, "/rosout", ROSOUT)
        quyen = world.connect(77, "quyen")
        assert quyen.order("move_forward", speed=0.1, duration=0.1)["success"]
        quyen.say("authenticate", token=token(77, "quyen"))
        quyen.close()
        world.clients.remove(quyen)

        def told(text):
            return [each for _, each in lines if text in each.msg and each.name == "oht50_bridge"]
        robot.wait(lambda: [each for each in told("closed") if "user=quyen" in each.msg], "the end of the connection")
        opened = [each for each in told("opened") if "user=quyen" in each.msg]
        assert len(opened) == 1 and f"number={quyen.greeting['connection']}" in opened[0].msg
        assert (opened[0].level, opened[0].file) == (Log.INFO[0] if isinstance(Log.INFO, bytes) else Log.INFO, "src/server/connection.rs")
        assert told("quyen is in control"), "the bridge's own decisions too"
        text = "\n".join(each.msg for _, each in lines)
        assert not any(secret in text for secret in [programs.SECRET, *programs.issued]), "/rosout holds a token"

    def test_they_need_no_token_and_are_only_read(self, world):
        for path in ("/healthz", "/readyz", "/metrics"):
            request = urllib.request.Request(f"http://{world.bridge.authority}{path}", method="POST", data=b"")
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            assert refused.value.code == 405


class TestLogsForMachines:
    ROBOT = None

    def test_each_line_is_an_object_that_names_the_connection(self, domain, directory):
        bridge = Bridge(directory, environment={"OHT50_JWT_SECRET": programs.SECRET, "OHT50_LOG_FORMAT": "json"})
        client = Client(bridge.url, token(78, "mai"))
        number = client.greeting["connection"]
        client.close()
        assert bridge.end() is None
        lines = [json.loads(line) for line in bridge.lines]
        assert all({"timestamp", "level", "message", "target"} <= set(line) for line in lines)
        opened = next(line for line in lines if line["message"] == "opened")
        assert (opened["span"]["number"], opened["span"]["user"]) == (number, "mai")

    def test_an_unknown_format_is_refused_by_name(self, directory):
        program = programs.Program("oht50_bridge", "--check", "--params-file", programs.CONFIG / "bridge.yaml",
                                   environment={"OHT50_LOG_FORMAT": "xml"})
        assert program.wait() == 64
        assert 'OHT50_LOG_FORMAT: "xml" is not accepted: text or json' in program.log


class TestTheEndUnderLoad:
    def test_what_was_acknowledged_is_in_the_audit_log_and_every_close_is_1001(self, world, robot, directory):
        crowd = [world.connect(10 + number, f"user {number}") for number in range(6)]
        commands = [("robot_control", {"command": "stop"}), ("control", {"action": "acquire"}),
                    ("lidar_control", {"command": "set_range", "parameters": {"range": 9.0}}),
                    ("robot_control", {"command": "move_forward", "parameters": {"speed": 0.0}})]
        ending, sent = False, 0
        # Not more than 60 each: of too many commands a connection ends by 4029.
        while sent < 60 * len(crowd) and not any(client.closed_at for client in crowd):
            for client in crowd:
                kind, fields = commands[sent % len(commands)]
                try:
                    client.say(kind, **fields)
                except Exception:  # noqa: BLE001 the library says in several ways that it is closed
                    break
                sent += 1
            if sent >= 60 and not ending:
                world.bridge.send(signal.SIGTERM)
                ending = True
        for client in crowd:
            assert client.wait_closed()[0] == 1001
        assert world.bridge.wait() == 0
        lines = [json.loads(line) for line in (directory / "state" / "audit.jsonl").read_text().splitlines()]
        acknowledged = 0
        for client in crowd:
            name = client.greeting["username"]
            answers = [message for _, message in client.inbox if message.get("success") is True]
            for command in {answer.get("command") or answer["action"] for answer in answers}:
                count = sum(command in (answer.get("command"), answer.get("action")) for answer in answers)
                kept = sum(line.get("count", 1) for line in lines if line.get("user") == name
                           and line.get("command") == command and line["result"] in ("success", "latched"))
                assert kept >= count, f"{name}: {count} times {command}, {kept} in the log"
                acknowledged += count
        assert acknowledged > 20
