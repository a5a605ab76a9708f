"""The forms in which robots differ: stamped velocities, simulated time, namespaces and remaps."""

import math

import numpy as np
from rosgraph_msgs.msg import Clock

from peer import RELIABLE, points_of, scan
from waiting import eventually, now
from world import BRISK


class TestStampedVelocities:
    PARAMETERS = {**BRISK, "cmd_vel_stamped": True, "base_frame": "oht_base"}
    ROBOT = {"stamped": True}

    def test_the_stamp_is_the_time_and_the_frame_is_configured(self, world, robot, lan):
        sent = now()
        before = robot.node.get_clock().now().nanoseconds
        assert lan.order("move_backward", speed=0.3, duration=0.3)["success"]
        moving = robot.first_moving(sent)
        robot.first_zero(moving.at)
        after = robot.node.get_clock().now().nanoseconds
        stamps = [nanoseconds(each.header.stamp) for each in robot.since(moving.at)]
        assert before <= stamps[0] and stamps[-1] <= after and stamps == sorted(stamps)
        assert {each.header.frame_id for each in robot.since(moving.at)} == {"oht_base"}
        assert min(each.linear for each in robot.since(moving.at)) == -0.3


class TestSimulatedTime:
    PARAMETERS = {**BRISK, "cmd_vel_stamped": True, "scan_timeout": 0.3}
    ROS_ARGUMENTS = ("-p", "use_sim_time:=true")
    ROBOT = {"stamped": True}

    def test_stamps_follow_the_clock_and_time_limits_do_not(self, world, robot, lan):
        publisher = robot.node.create_publisher(Clock, "/clock", RELIABLE)
        robot.wait(lambda: publisher.get_subscription_count(), "the bridge subscribes to /clock")

        def clock_says(seconds):
            message = Clock()
            message.clock.sec = seconds
            publisher.publish(message)
            robot.stamp = message.clock
            lan.order("stop")
            return robot.signal.wait_for(lambda: robot.commands[-1].header.stamp.sec == seconds, 0.1)

        def moves_at(seconds):
            """A motion of 0.4 s of real time, with the clock standing still."""
            sent = now()
            # A scan of the time before may be the newest for a moment.
            eventually(lambda: lan.order("move_forward", speed=0.3, duration=0.4)["success"], "scans of this time", pause=0.1)
            moving = robot.first_moving(sent)
            zero = robot.first_zero(moving.at)
            assert 0.3 < zero.at - moving.at < 0.6
            return {each.header.stamp.sec for each in robot.since(moving.at)}

        for seconds in (5000, 77):  # a clock that jumps, back too, disturbs nothing
            eventually(lambda: clock_says(seconds), f"the time {seconds}")
            assert moves_at(seconds) == {seconds}

    def test_a_lost_scan_counts_in_real_time(self, world, robot, lan):
        assert lan.order("move_forward", duration=30)["success"]
        robot.muted.add("scan")
        muted = now()
        zero = robot.first_zero(robot.first_moving(muted).at)
        assert zero.at - muted < 0.3 * 2
        robot.muted.clear()


class TestNamespace:
    PARAMETERS = {**BRISK, "base_from_laser": [0.0, 0.0, math.pi / 2]}
    ROS_ARGUMENTS = ("-r", "__ns:=/robot1", "-r", "scan:=front/scan", "-r", "rosservice://~/emergency_stop:=halt")
    ROBOT = {"namespace": "/robot1", "scan_topic": "front/scan"}

    def test_the_services_of_stops_follow_too(self, world, robot):
        def offered():
            return {name for name, _ in robot.node.get_service_names_and_types_by_node("_oht50_bridge_stops", "/robot1")}
        expected = {"/robot1/halt", "/robot1/oht50_bridge/reset_emergency_stop"}
        eventually(lambda: offered() == expected, f"{expected}, not {offered()}")

    def test_everything_works_in_a_namespace_with_a_remapped_scan(self, world, robot, lan):
        topics = dict(robot.node.get_topic_names_and_types())
        assert {"/robot1/front/scan", "/robot1/odom", "/robot1/cmd_vel", "/robot1/emergency_stop"} <= set(topics)
        assert not {"/scan", "/robot1/scan", "/odom", "/cmd_vel"} & set(topics)
        lan.subscribe("lidar", "telemetry")
        robot.scan = scan([2.0] * 100)
        expected = points_of(robot.scan, [0.0, 0.0, math.pi / 2])

        def same(message):
            points = np.array(message["data"]["scan_data"]["points"])
            return points.shape == expected.shape and np.allclose(points, expected, rtol=0, atol=0.0006)
        lan.expect("lidar_update", where=same)
        assert lan.expect("telemetry_update", where=lambda message: message["data"]["position"])
        sent = now()
        assert lan.order("turn_left", duration=0.2)["success"]
        moving = robot.first_moving(sent)
        assert moving.angular > 0
        robot.first_zero(moving.at)
        lan.drive("dock")
        robot.wait_call("dock").answer(True, "docked in the namespace")
        assert lan.expect("robot_control_response", command="dock")["message"] == "docked in the namespace"
        assert lan.lidar("set_frequency", frequency=12)["success"]
        assert robot.lidar.get_parameter("scan_frequency").value == 12.0


def nanoseconds(stamp):
    return stamp.sec * 1_000_000_000 + stamp.nanosec
