"""Docking: the service's word is the answer, and its controller's velocities pass the gate only meanwhile."""

import math

import pytest

from figures import measured
from peer import FOOTPRINT
from waiting import now
from world import BRISK


def fastest(command):
    """Speed of the fastest corner of the robot's footprint, m/s."""
    corners = zip(FOOTPRINT[::2], FOOTPRINT[1::2])
    return max(math.hypot(command.linear - command.angular * y, command.angular * x) for x, y in corners)


class TestDocking:
    PARAMETERS = BRISK

    def begin(self, robot, client, command="dock"):
        client.drive(command)
        return robot.wait_call(command)

    def test_success_is_what_the_service_says(self, world, robot, lan):
        lan.subscribe("robot_status")
        for command, under, after in [("dock", "DOCKING", "docked"), ("undock", "UNDOCKING", "undocked")]:
            call = self.begin(robot, lan, command)
            lan.expect("robot_status_update", where=lambda message: message["data"]["status"] == under)
            call.answer(True, f"{command}ed at last")
            answer = lan.expect("robot_control_response", command=command)
            assert (answer["success"], answer["message"]) == (True, f"{command}ed at last")
            finished = lan.expect("event", event="docking_finished")
            assert finished["data"]["command"] == command
            lan.expect("robot_status_update", where=lambda message: message["data"]["docking"]["state"] == after)

    def test_failure_is_what_the_service_says(self, world, robot, lan):
        lan.subscribe("robot_status")
        for command in ("dock", "undock"):
            self.begin(robot, lan, command).answer(False, "the contacts are dirty")
            answer = lan.expect("robot_control_response", command=command)
            assert (answer["success"], answer["code"]) == (False, "service_failed")
            assert "the contacts are dirty" in answer["message"]
            assert "the contacts are dirty" in lan.expect("event", event="docking_failed")["message"]

    def test_the_controllers_velocities_pass_only_while_docking_and_slowly(self, world, robot, lan):
        robot.wait_quiet()
        quiet = now()
        for _ in range(20):
            robot.steer_dock(-0.08)
        robot.wait_quiet()
        assert not robot.since(quiet), "nobody docks"
        call = self.begin(robot, lan)
        begun = now()
        robot.steer_dock(-0.08, 0.05)
        robot.first(lambda each: (each.linear, each.angular) == (-0.08, 0.05), begun)
        robot.steer_dock(-0.9, 7.0)  # within the limits -0.9 and 1.0, and then both alike as slow as docking is
        robot.first(lambda each: each.angular > 0.07 and each.linear == pytest.approx(-0.9 * each.angular), begun)
        silent = robot.first(lambda each: not each.moves, now())
        assert silent.at - begun > 0.4, "a controller that falls silent wants nothing"
        robot.steer_dock(0.05)
        robot.first(lambda each: each.linear == 0.05, begun)
        call.answer(True, "docked")
        assert lan.expect("robot_control_response", command="dock")["success"]
        ended = robot.first_zero(now())
        for _ in range(20):
            robot.steer_dock(0.05)
        robot.wait_quiet()
        commands = robot.since(begun)
        assert all(fastest(each) <= 0.1 + 1e-6 for each in commands)
        assert max(map(fastest, commands)) > 0.09
        assert not any(each.moves for each in robot.since(ended.at))

    def test_other_motion_waits_and_anybodys_stop_aborts(self, world, robot, lan):
        lan.subscribe("robot_status")
        mai = world.connect(8, "mai")
        call = self.begin(robot, lan)
        begun = now()
        robot.steer_dock(-0.08)
        robot.first_moving(begun)
        assert lan.order("move_forward")["code"] == "busy"
        assert lan.order("undock")["code"] == "busy"
        assert mai.order("move_forward")["code"] == "not_in_control"
        stopped = now()
        assert mai.order("stop")["success"]
        zero = robot.first_zero(stopped)
        answer = lan.expect("robot_control_response", command="dock")
        assert (answer["success"], answer["code"]) == (False, "aborted")
        lan.expect("event", event="docking_failed")
        for _ in range(20):
            robot.steer_dock(-0.08)
        robot.wait_quiet()
        assert not any(each.moves for each in robot.since(zero.at)), "what its controller still wants goes nowhere"
        call.answer(True, "too late")
        lan.settle()
        assert not lan.take("robot_control_response")

    @pytest.mark.parametrize("how", ["lost socket", "emergency stop"])
    def test_a_lost_connection_and_an_emergency_stop_abort(self, world, robot, lan, how):
        call = self.begin(robot, lan)
        begun = now()
        robot.steer_dock(-0.08)
        robot.first_moving(begun)
        ended = now()
        if how == "lost socket":
            lan.vanish()
        else:
            assert world.observer.order("emergency_stop")["success"]
        zero = robot.first_zero(ended)
        call.answer(False, "cancelled")
        for _ in range(20):
            robot.steer_dock(-0.08)
        robot.first(lambda each: True, zero.at + 0.3)
        assert not any(each.moves for each in robot.since(zero.at))


class TestTimeout:
    PARAMETERS = {**BRISK, "docking_timeout": 1.0}

    def test_docking_that_takes_too_long_is_stopped(self, world, robot, lan):
        lan.drive("dock")
        call = robot.wait_call("dock")
        answer = lan.expect("robot_control_response", command="dock")
        assert (answer["success"], answer["code"]) == (False, "timeout")
        call.answer(True, "too late")
        assert world.status(lambda data: data["docking"]["state"] == "failed")


class TestWithoutServices:
    ROBOT = {"services": ()}

    def test_an_absent_service_is_told_at_once(self, world, robot, lan):
        for command in ("dock", "undock"):
            delays = []
            for _ in range(3):
                sent = now()
                lan.drive(command)
                at, answer = lan.expect_timed("robot_control_response", command=command)
                assert (answer["success"], answer["code"]) == (False, "service_unavailable")
                delays.append(at - sent)
            measured(f"no {command} service: refusal", delays, 0.2)

    def test_absent_lidar_services_are_told_at_once(self, world, robot, lan):
        for command in ("start_scan", "stop_scan"):
            sent = now()
            answer = lan.lidar(command)
            assert (answer["success"], answer["code"]) == (False, "service_unavailable")
            measured(f"no {command} service: refusal", [now() - sent], 0.2)
        sent = now()
        answer = lan.lidar("set_frequency", frequency=10)
        assert answer["success"] and "Capped at 10 Hz" in answer["message"] and "not available" in answer["message"], answer
        measured("no set_frequency service: the stream is capped", [now() - sent], 0.2)
