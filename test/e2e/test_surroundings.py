"""What stands around the robot, what is wrong with its LiDAR, and who else is on the graph."""

import math

import pytest
from geometry_msgs.msg import Twist
from oht50_bridge.msg import SafetyState
from sensor_msgs.msg import LaserScan

from peer import BEST_EFFORT, RELIABLE, scan, things
from waiting import eventually, now
from world import BRISK

FRONT = 0.35 - 0.2  # [m] of the robot, seen from its LiDAR


class TestZones:
    PARAMETERS = BRISK

    def test_what_comes_near_slows_stops_and_is_left_slowly(self, world, robot, lan):
        told = robot.collect(SafetyState, "oht50_bridge/safety")
        lan.subscribe("robot_status", "lidar")
        robot.scan = things()
        world.status(lambda data: data["safety"]["decision"] == "allow")
        assert lan.order("move_forward", speed=0.6, duration=30)["success"]
        robot.first(lambda each: each.linear == 0.6, what="full speed")

        robot.scan = things(ahead=FRONT + 0.8)
        robot.first(lambda each: each.linear == 0.3, what="the speed of a warning")
        slowed = lan.expect("robot_status_update", where=lambda message: message["data"]["safety"]["limit"])
        assert slowed["data"]["safety"] == {
            "decision": "limit", "reason": "zone_warning", "zone": "warning", "limit": {"linear": 0.3, "angular": 0.5}}

        near = now()
        robot.scan = things(ahead=FRONT + 0.45)
        zero = robot.first_zero(near)
        assert zero.at - near < 0.2
        aborted = lan.expect("event", event="motion_aborted")["data"]
        assert (aborted["reason"], aborted["zone"]) == ("zone_blocked", "critical")
        lan.expect("robot_status_update", where=lambda message: message["data"]["status"] == "PAUSED")
        zones = lan.next("lidar_update")["data"]["safety_zones"]
        assert [(zone["id"], zone["violated"]) for zone in zones] == [("critical", True), ("warning", True), ("safe", True)]
        refused = lan.order("move_forward")
        assert (refused["code"], refused["message"]) == ("zone_blocked", "Something is too near (zone critical)")

        left = now()
        assert "slowed by zone_escape" in lan.order("move_backward", speed=0.5, duration=1)["message"]
        assert robot.first_moving(left).linear >= -0.1
        robot.scan = things()
        lan.expect("event", where=lambda message: (message["event"], message["data"].get("zone")) == ("zone_cleared", "critical"))

        stops = [state for _, state in told if state.decision == SafetyState.STOP and state.zone == "critical"]
        assert stops and stops[0].reason == "zone_blocked" and stops[0].allowed.linear.x == 0.0
        limits = [state for _, state in told if state.reason == "zone_warning"]
        assert limits and limits[0].limited and limits[0].limit.linear.x == pytest.approx(0.3)
        assert max(state.allowed.linear.x for state in limits) == pytest.approx(0.3) and limits[-1].holder == "lan"

    def test_the_state_is_told_ten_times_a_second(self, world, robot):
        robot.scan = things()
        told = robot.collect(SafetyState, "oht50_bridge/safety")
        robot.wait(lambda: len(told) >= 11, "eleven states")
        assert 0.7 < told[10][0] - told[0][0] < 1.5
        assert told[-1][1].header.frame_id == "base_link"

    def test_a_lidar_that_does_not_see_behind_does_not_drive_there(self, world, robot, lan):
        robot.scan = scan([5.0] * 270, angle_min=-0.75 * math.pi, span=1.5 * math.pi)
        eventually(lambda: lan.order("move_backward", duration=0.1).get("code") == "not_covered", "a refusal", pause=0.1)
        eventually(lambda: lan.order("move_forward", duration=0.1)["success"], "the way ahead", pause=0.1)


class TestBrokenLidar:
    PARAMETERS = BRISK

    @pytest.mark.parametrize(("fault", "reason", "code"), [
        ("silent", "scan_stale", "scan_stale"),
        ("frozen", "frozen", "scan_invalid"),
        ("late", "stamp_old", "scan_stale"),
        ("ahead", "stamp_future", "scan_invalid"),
        ("another frame", "wrong_frame", "scan_invalid"),
        ("blind", "few_hits", "scan_invalid"),
        ("half dark", "blackout", "scan_invalid"),
    ])
    def test_it_stops_the_robot_and_is_named(self, world, robot, lan, fault, reason, code):
        lan.subscribe("robot_status")
        robot.scan, robot.lateness, robot.frozen = things(), 0.0, False
        robot.muted.discard("scan")
        eventually(lambda: lan.order("move_forward", speed=0.3, duration=30)["success"], "a good LiDAR", pause=0.1)
        robot.first_moving(now())
        lan.take("event")
        broken = now()
        if fault == "silent":
            robot.muted.add("scan")
        elif fault == "frozen":
            robot.frozen = True
        elif fault in ("late", "ahead"):
            robot.lateness = 0.7 if fault == "late" else -0.3
        elif fault == "another frame":
            robot.scan = things()
            robot.scan.header.frame_id = "rear_laser"
        elif fault == "blind":
            robot.scan = scan([math.inf] * 355 + [5.0] * 5)
        else:
            robot.scan = scan([math.nan] * 40 + [5.0] * 320)
        zero = robot.first_zero(broken)
        assert zero.at - broken < 0.55 * 2
        aborted = lan.expect("event", event="motion_aborted")["data"]
        assert (aborted["reason"], aborted["zone"]) == (reason, None)
        assert lan.expect("event", event="scan_lost")["data"]["reason"] == reason
        assert lan.order("move_forward")["code"] == code
        robot.scan, robot.lateness, robot.frozen = things(), 0.0, False
        robot.muted.discard("scan")
        lan.expect("event", event="scan_restored")
        robot.wait_quiet(0.6)
        assert not robot.commands[-1].moves, "nothing resumes by itself"


class TestOtherNodes:
    """Also under other names: the graph is asked by the names that namespace and remaps make."""

    PARAMETERS = BRISK
    ROS_ARGUMENTS = ("-r", "__ns:=/robot1", "-r", "scan:=front/scan")
    ROBOT = {"namespace": "/robot1", "scan_topic": "front/scan"}

    @pytest.mark.parametrize(("topic", "kind", "profile", "code", "reason"), [
        ("cmd_vel", Twist, RELIABLE, "cmd_vel_shared", "cmd_vel_shared"),
        ("front/scan", LaserScan, BEST_EFFORT, "scan_invalid", "scan_shared"),
    ])
    def test_one_that_publishes_too_ends_the_motion_and_is_named(
            self, world, robot, lan, topic, kind, profile, code, reason):
        lan.subscribe("robot_status")
        assert lan.order("move_forward", speed=0.3, duration=30)["success"]
        begun = now()
        other = robot.node.create_publisher(kind, topic, profile)
        robot.first_zero(begun)
        assert lan.expect("event", event="motion_aborted")["data"]["reason"] == reason
        assert lan.order("move_forward")["code"] == code
        lan.expect("robot_status_update", where=lambda message: message["data"]["status"] == "ERROR")
        assert f"/robot1/{robot.node.get_name()}" in world.bridge.wait_for_line("several nodes publish").string
        assert lan.order("stop")["success"]
        robot.node.destroy_publisher(other)
        eventually(lambda: lan.order("move_forward", duration=0.1)["success"], "the way is free again", pause=0.1)
