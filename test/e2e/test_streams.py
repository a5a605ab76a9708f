"""What the robot publishes is what the client is shown: exactly that, at its rate, and never a made-up value."""

import math

import numpy as np
import pytest

from peer import BEST_EFFORT, RELIABLE, points_of, scan
from waiting import usual_rate

POSE = [0.25, -0.1, 0.5]  # x m, y m, yaw rad of the LiDAR
KINDS = ["critical", "warning", "safe"]  # as shipped
NOTHING = {"position": None, "speed": None, "battery_level": None, "temperature": None, "yaw": None}


def shows(client, picture, base_from_laser=POSE):
    """Wait for a lidar_update with exactly the points of this scan; its data."""
    expected = points_of(picture, base_from_laser)

    def same(message):
        points = np.array(message["data"]["scan_data"]["points"]).reshape(-1, 2)
        return points.shape == expected.shape and np.allclose(points, expected, rtol=0, atol=0.0006)
    return client.expect("lidar_update", where=same)["data"]


class Data:
    """The tests of both reliabilities of `scan`."""

    PARAMETERS = {"base_from_laser": POSE, "robot_id": 42}

    def test_telemetry_tells_what_odometry_battery_and_temperature_say(self, world, robot, lan):
        robot.position, robot.velocity = (10.5, -25.25, 0.125), (-0.5, 0.0, 0.0)
        robot.charge, robot.degrees = 0.854, 45.2
        lan.subscribe("telemetry")
        data = lan.expect("telemetry_update", where=lambda message: message["data"]["temperature"] == 45.2
                          and message["data"]["speed"] == 0.5 and message["data"]["battery_level"] == 85)["data"]
        assert data == {"robot_id": 42, "status": "MOVING", "position": {"x": 10.5, "y": -25.25, "z": 0.125},
                        "speed": 0.5, "battery_level": 85, "temperature": 45.2, "yaw": 0.0}
        assert type(data["battery_level"]) is int
        robot.velocity = (0.0, 0.0, 0.0)
        assert lan.data("telemetry_update", lambda data: data["status"] == "IDLE")["speed"] == 0.0

    def test_the_points_are_the_scan_in_the_base_frame(self, world, robot, lan):
        ranges = np.random.default_rng(1).uniform(0.2, 9.9, 720)
        ranges[10:20], ranges[30:40], ranges[50:60] = math.inf, math.nan, 0.0
        ranges[70:80], ranges[90:100], ranges[110:120] = -1.0, 20.0, -math.inf
        ranges[130:140] = 0.07  # nearer than range_min: something stands there all the same
        robot.scan = scan(ranges)
        lan.subscribe("lidar")
        data = shows(lan, robot.scan)
        assert len(data["scan_data"]["points"]) == 660
        assert [(zone["id"], zone["type"]) for zone in data["safety_zones"]] == [(each, each) for each in KINDS]
        assert all(len(zone["boundary"]) >= 8 for zone in data["safety_zones"])
        # What clients of binary frames need to know is told once.
        told = [{key: zone[key] for key in ("id", "type", "boundary")} for zone in data["safety_zones"]]
        assert lan.greeting["safety_zones"]["driving"] == told
        assert [zone["id"] for zone in lan.greeting["safety_zones"]["docking"]] and len(lan.greeting["footprint"]) >= 3
        robot.scan = scan([5.0] * 90, angle_min=-0.5, span=1.0)
        shows(lan, robot.scan)

    def test_a_thinned_stream_has_few_points_and_waits_for_acknowledgements(self, world, robot, lan):
        robot.scan = scan([3.0] * 720)
        lan.subscribe("lidar", max_points=100, max_in_flight=2)
        seen = [lan.expect("lidar_update") for _ in range(2)]
        assert [len(each["data"]["scan_data"]["points"]) for each in seen] == [64, 64]
        other = world.connect(user_id=8, name="mai")
        other.subscribe("lidar")
        newest = other.expect("lidar_update", where=lambda message: message["seq"] > seen[1]["seq"] + 3)["seq"]
        lan.settle()
        assert lan.take("lidar_update") == []
        lan.say("ack", subscription_type="lidar", seq=seen[1]["seq"])
        assert lan.expect("lidar_update")["seq"] >= newest, "none of those in between"

    def test_the_quality_is_measured(self, world, robot, lan):
        lan.subscribe("lidar")
        robot.scan = scan([3.0] * 360)
        good = shows(lan, robot.scan)["scan_data"]["quality"]
        robot.scan = scan(([3.0] * 2 + [math.nan] * 2) * 90)
        poor = shows(lan, robot.scan)["scan_data"]["quality"]
        assert 0.0 <= poor < good - 0.2 <= 0.8


class TestDataOfABestEffortScan(Data):
    ROBOT = {"scan_profile": BEST_EFFORT}


class TestDataOfAReliableScan(Data):
    ROBOT = {"scan_profile": RELIABLE}


class TestSilence:
    PARAMETERS = {"battery_timeout": 1.0, "temperature_timeout": 1.0}
    ROBOT = {"muted": ("scan", "odom", "battery_state", "temperature")}

    def test_what_was_never_published_is_null_and_what_becomes_old_is_null_again(self, world, robot, lan):
        lan.subscribe("telemetry", "robot_status")
        data = lan.expect("telemetry_update")["data"]
        assert data == {"robot_id": 1, "status": "OFFLINE", **NOTHING}
        status = lan.expect("robot_status_update")["data"]
        assert set(status["sources"].values()) == {None} and status["lidar"]["state"] == "absent"
        robot.muted.clear()
        lan.data("telemetry_update", lambda data: data["status"] == "IDLE" and None not in data.values())
        robot.muted.add("odom")
        data = lan.data("telemetry_update", lambda data: data["position"] is None)
        assert data["status"] == "OFFLINE" and data["speed"] is None and data["battery_level"] == 50
        robot.muted |= {"battery_state", "temperature"}
        lan.data("telemetry_update", lambda data: data == {"robot_id": 1, "status": "OFFLINE", **NOTHING})

    def test_a_value_that_is_no_number_is_null(self, world, robot, lan):
        robot.muted.clear()
        lan.subscribe("telemetry")
        lan.data("telemetry_update", lambda data: None not in data.values())
        robot.charge = math.nan
        lan.data("telemetry_update", lambda data: data["battery_level"] is None)
        robot.degrees = math.nan
        lan.data("telemetry_update", lambda data: data["temperature"] is None)
        robot.charge, robot.degrees = 0.995, 20.0
        lan.data("telemetry_update", lambda data: data["battery_level"] in (99, 100))


class TestStatus:
    def test_the_most_important_state_is_told(self, world, robot, lan):
        lan.subscribe("robot_status")
        robot.charging = True
        lan.data("robot_status_update", lambda data: data["status"] == "CHARGING")
        robot.velocity = (0.0, 0.0, 0.3)
        lan.data("robot_status_update", lambda data: data["status"] == "MOVING")
        robot.muted.add("odom")
        lan.data("robot_status_update", lambda data: data["status"] == "OFFLINE")
        lan.order("emergency_stop")
        stop = lan.data("robot_status_update", lambda data: data["status"] == "EMERGENCY_STOP")["emergency_stop"]
        assert (stop["active"], stop["source"], stop["by"]) == (True, "web", "lan")
        robot.muted.clear()
        robot.velocity, robot.charging = (0.0, 0.0, 0.0), False

    def test_a_change_is_told_at_once_and_otherwise_once_a_second(self, world, robot, lan):
        lan.subscribe("robot_status")
        robot.wait_quiet(0.6)
        lan.take("robot_status_update")
        times = [lan.expect_timed("robot_status_update")[0] for _ in range(4)]
        assert usual_rate(times) == pytest.approx(1.0, abs=0.2)
        robot.muted.add("scan")
        changed, _ = lan.expect_timed("robot_status_update", where=lambda m: m["data"]["lidar"]["state"] == "lost")
        robot.muted.discard("scan")
        back, _ = lan.expect_timed("robot_status_update", where=lambda m: m["data"]["lidar"]["state"] == "scanning")
        assert back - changed < 0.8


class TestRates:
    @pytest.mark.parametrize("hertz", [10, 20, 40])
    def test_telemetry_comes_at_10_hz_and_a_lidar_update_for_each_scan_at_most_at_20_hz(self, world, robot, lan, hertz):
        robot.set_rate("scan", hertz)
        lan.subscribe("telemetry", "lidar")
        lan.next("lidar_update")
        scans = robot.published["scan"]
        start, _ = lan.expect_timed("lidar_update")
        lan.take("telemetry_update")
        times = [lan.expect_timed("telemetry_update")[0] for _ in range(16)]
        scans = robot.published["scan"] - scans
        pictures = lan.take("lidar_update")
        assert usual_rate(times) == pytest.approx(10, abs=1)
        seconds = pictures[-1][0] - start
        # The mean is what is kept; a picture may come half a period early.
        told = f"{len(pictures)} of {scans} in {seconds:.2f} s"
        assert min(scans, 20 * seconds) - 4 <= len(pictures) <= min(hertz, 20) * seconds + 3, told

    def test_a_stream_goes_to_the_connection_that_subscribed_and_to_no_other(self, world, robot, lan):
        second = world.connect()  # the same user in another tab
        third = world.connect(8, "mai")
        lan.subscribe("telemetry")
        second.subscribe("lidar")
        third.subscribe("telemetry", "lidar", "robot_status")
        third.unsubscribe("telemetry")
        third.unsubscribe("lidar")
        for client in (lan, second, third):
            client.settle()
        third.take("telemetry_update"), third.take("lidar_update")
        for _ in range(3):
            lan.expect("telemetry_update"), second.expect("lidar_update"), third.expect("robot_status_update")
        kinds = {client: {message["type"] for _, message in client.inbox} for client in (lan, second, third)}
        assert kinds[lan] <= {"telemetry_update"} and kinds[second] <= {"lidar_update"}
        assert kinds[third] <= {"robot_status_update", "event"}
