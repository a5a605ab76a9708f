"""The bridge and the simulated robot: it drives as far as it was told, and stops when it is told."""

import numpy as np
import pytest
from rcl_interfaces.srv import GetParameters

from figures import measured, noted
from simulated import Listener
from waiting import PATIENCE, eventually, now, usual_rate
from world import World

TRIALS = 5


class TestSimulatedRobot:
    @staticmethod
    def make_peer(domain, directory):
        return Listener(domain, directory)

    def test_it_docks_and_undocks(self, world, robot, lan):
        lan.subscribe("robot_status")
        answer = lan.order("move_backward", speed=1, duration=1.4)  # most of the way, since docking is slow
        assert answer["success"], answer
        lan.expect("event", event="motion_finished")
        begun = now()
        lan.drive("dock")
        lan.expect("robot_status_update", where=lambda message: message["data"]["status"] == "DOCKING")
        answer = lan.expect("robot_control_response", within=60, command="dock")
        assert answer["success"], answer
        assert robot.place == pytest.approx([-1.0, 0.0], abs=0.05)
        lan.expect("robot_status_update", where=lambda message: message["data"]["status"] == "CHARGING")
        assert not lan.order("dock")["success"], "docked already"
        lan.drive("undock")
        answer = lan.expect("robot_control_response", within=60, command="undock")
        assert answer["success"], answer
        assert robot.place == pytest.approx([-0.3, 0.0], abs=0.05)
        driven = [each.linear for each in robot.since(begun)]
        assert min(driven) == pytest.approx(-0.1) and max(driven) == pytest.approx(0.1)

    def test_the_streams_show_what_it_publishes(self, world, robot, lan):
        lan.subscribe("telemetry", "lidar", "robot_status")
        lan.next("lidar_update")
        start, _ = lan.expect_timed("lidar_update")
        times = [lan.expect_timed("telemetry_update")[0] for _ in range(21)]
        pictures = lan.take("lidar_update")
        assert usual_rate(times) == pytest.approx(10, abs=1)
        assert usual_rate([start, *(at for at, _ in pictures)]) == pytest.approx(20, abs=2)
        scans = [picture["data"]["scan_data"] for _, picture in pictures]
        assert all(600 < len(scan["points"]) <= 720 and 0.8 < scan["quality"] <= 1.0 for scan in scans)
        assert len({str(scan["points"]) for scan in scans}) == len(scans), "every scan is another"
        hall = np.array(scans[-1]["points"]) + robot.place
        assert -2 < hall[:, 0].min() < -0.9 and 18 < hall[:, 0].max() < 19 and np.abs(hall[:, 1]).max() < 9.5
        obstacles = {each["id"]: each for _, picture in pictures[10:] for each in picture["data"]["obstacles"]}
        places = np.array([[each["position"][axis] for axis in "xy"] for each in obstacles.values()]) + robot.place
        for column in [4.5, 2.5], [4.5, -2.5], [9.0, 2.5], [9.0, -2.5]:
            near = np.hypot(*(places - column).T) < 0.15
            assert near.sum() == 1, f"one obstacle at the column {column}: {places}"
            found = list(obstacles.values())[int(near.argmax())]
            assert found["type"] == "static" and found["confidence"] > 0.9
            assert found["velocity"] == {"x": 0.0, "y": 0.0} and found["radius"] == pytest.approx(0.2, abs=0.06)
        data = lan.data("telemetry_update")
        assert [data["position"]["x"], data["position"]["y"]] == pytest.approx(list(robot.place), abs=0.001)
        assert data["battery_level"] == round(robot.battery[-1][1].percentage * 100)
        assert data["temperature"] == pytest.approx(robot.temperature[-1][1].temperature, abs=0.06)
        assert data["status"] == "IDLE" and data["speed"] == 0.0
        assert lan.expect("robot_status_update")["data"]["lidar"]["state"] == "scanning"

    def test_two_seconds_at_0_3_m_s_are_about_0_6_m(self, world, robot, lan):
        lan.subscribe("robot_status")
        start = robot.place
        assert lan.order("move_forward", speed=0.3, duration=2)["success"]
        assert lan.expect("event", event="motion_finished")["data"]["command"] == "move_forward"
        robot.wait_rest(robot.wait_drive(False, now()))
        way = robot.place - start
        noted("move_forward at 0.3 m/s for 2 s", f"{way[0]:.3f} m")
        assert 0.50 <= way[0] <= 0.66 and abs(way[1]) < 0.02

    @pytest.mark.parametrize("how", ["stop", "emergency stop"])
    def test_it_is_stopped(self, world, robot, how):
        zeros, rests = [], []
        for trial in range(TRIALS):
            client = world.connect()
            begun = now()
            command = "move_backward" if trial % 2 else "move_forward"
            assert client.order(command, speed=0.2, duration=30)["success"]
            robot.first(lambda each: abs(each.linear) == 0.2, begun)
            robot.wait(lambda: abs(robot.odometry[-1][1].twist.twist.linear.x) > 0.15, "the robot moves")
            ended = now()
            client.drive(how.replace(" ", "_"))
            zeros.append(robot.first_zero(ended).at - ended)
            rests.append(robot.wait_rest(robot.wait_drive(False, ended)) - ended)
            world.release()
            world.observer.order("stop")
            client.close()
        measured(f"{how}: zero on cmd_vel", zeros, 0.1)
        # Zero, then 0.05 s for the way to the drive, then its own 1 m/s² from 0.2 m/s.
        measured(f"{how}: odometry at rest", rests, 0.1 + 0.05 + 0.2 / 1.0)


class TestMountFromTransforms:
    PARAMETERS = {"base_from_laser_source": "tf_static", "base_from_laser": [1.0, 1.0, 1.0]}

    @staticmethod
    def make_peer(domain, directory):
        return Listener(domain, directory)

    def test_the_lidar_stands_where_the_robots_own_transforms_say(self, world, robot, lan):
        lan.subscribe("lidar")
        points = np.array(lan.next("lidar_update")["data"]["scan_data"]["points"])
        assert points[:, 0].max() == pytest.approx(18.25, abs=0.1), "the wall ahead"
        client = robot.node.create_client(GetParameters, "/oht50_bridge/get_parameters")
        assert client.wait_for_service(PATIENCE)
        asked = client.call_async(GetParameters.Request(names=["base_from_laser"]))
        eventually(asked.done, "an answer")
        assert list(asked.result().values[0].double_array_value) == pytest.approx([0.2, 0.0, 0.0])


def test_a_bridge_that_was_killed_and_started_again_moves_nothing(domains, tmp_path):
    domain = domains.next()
    world = World(tmp_path, make_peer=lambda: Listener(domain, tmp_path))
    try:
        robot, begun = world.robot, now()
        assert world.connect().order("move_forward", speed=0.3, duration=30)["success"]
        robot.wait_drive(True, begun)
        assert world.status(lambda data: data["control"])  # the monitor knows who drives
        world.bridge.kill()
        restarted = now()
        world.start_bridge()
        assert world.status()["control"] is None
        robot.wait_quiet()
        assert not any(each.moves for each in robot.since(restarted))
        world.after_test()
    finally:
        world.close()
