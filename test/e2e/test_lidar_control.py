"""LiDAR commands: the driver's services and parameter, believed by what the scans then do."""

import numpy as np
from rcl_interfaces.msg import SetParametersResult

from waiting import now
from world import BRISK


class TestLidarControl:
    PARAMETERS = BRISK

    def test_the_motor_stops_and_starts_and_the_scans_say_so(self, world, robot, lan):
        lan.subscribe("robot_status")
        answer = lan.lidar("stop_scan")
        assert answer["success"] and "blocked" in answer["message"], answer
        assert robot.motor == ["stop_motor"]
        lan.data("robot_status_update", lambda data: data["lidar"]["state"] == "stopped")
        assert lan.order("move_forward")["code"] == "scan_stale"
        assert lan.lidar("start_scan")["success"]
        assert robot.motor == ["stop_motor", "start_motor"]
        lan.data("robot_status_update", lambda data: data["lidar"]["state"] == "scanning")
        assert lan.order("move_forward", duration=0.1)["success"]

    def test_the_frequency_is_the_drivers_parameter(self, world, robot, lan):
        assert lan.lidar("set_frequency", frequency=15)["success"]
        assert robot.lidar.get_parameter("scan_frequency").value == 15.0
        robot.lidar.add_on_set_parameters_callback(
            lambda _: SetParametersResult(successful=False, reason="this LiDAR cannot"))
        world.status(lambda data: data["lidar"]["frequency"] == 15.0)

    def test_a_frequency_that_the_driver_does_not_take_caps_the_stream_and_says_so(self, world, robot, lan):
        assert lan.lidar("set_frequency", frequency=15)["success"]
        refusal = robot.lidar.add_on_set_parameters_callback
        refusal(lambda _: SetParametersResult(successful=False, reason="this LiDAR cannot"))
        lan.subscribe("lidar")
        answer = lan.lidar("set_frequency", frequency=4)
        assert answer["success"] and "Capped at 4 Hz" in answer["message"] and "this LiDAR cannot" in answer["message"], answer
        assert robot.lidar.get_parameter("scan_frequency").value == 15.0
        lan.take("lidar_update")
        times = [lan.expect_timed("lidar_update")[0] for _ in range(17)]
        # The mean is what is kept: behind a late scan the next may come half a period early, so that the usual gap is any.
        assert 3.0 < 16 / (times[-1] - times[0]) < 4.4, times
        world.status(lambda data: data["lidar"]["frequency"] == 4.0)

    def test_a_moving_robot_is_not_blinded(self, world, robot, lan):
        def refused(command, **parameters):
            answer = lan.lidar(command, **parameters)
            assert (answer["success"], answer["code"]) == (False, "robot_moving"), answer
        motor = list(robot.motor)
        sent = now()
        assert lan.order("move_forward", duration=30)["success"]
        robot.first_moving(sent)
        refused("stop_scan")
        refused("set_frequency", frequency=1)
        assert lan.order("stop")["success"]
        lan.subscribe("telemetry")
        robot.velocity = (0.2, 0.0, 0.0)
        lan.data("telemetry_update", lambda data: data["status"] == "MOVING")
        refused("stop_scan")
        robot.velocity = (0.0, 0.0, 0.0)
        assert robot.motor == motor

    def test_the_range_crops_what_is_shown(self, world, robot, lan):
        lan.subscribe("lidar")
        assert lan.lidar("set_range", range=2.5)["success"]

        def farthest(message):
            points = np.array(message["data"]["scan_data"]["points"])
            return np.max(np.hypot(points[:, 0] - 0.2, points[:, 1]))
        lan.take("lidar_update")
        lan.expect("lidar_update", where=lambda message: farthest(message) < 2.51)
        assert world.status(lambda data: data["lidar"]["range"] == 2.5)
        assert lan.order("move_forward", duration=0.1)["success"]
        assert lan.lidar("set_range", range=20)["success"]
        lan.expect("lidar_update", where=lambda message: farthest(message) > 3.9)

    def test_a_start_without_scans_is_no_success(self, world, robot, lan):
        robot.take_motor, kept = lambda name, answer: answer, robot.take_motor
        robot.muted.add("scan")
        answer = lan.lidar("start_scan")
        assert (answer["success"], answer["code"]) == (False, "timeout")
        robot.take_motor = kept
        robot.muted.clear()
