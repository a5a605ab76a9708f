"""Motion commands on `cmd_vel`: which way, how fast, how long, and every reason for which nothing moves."""

import time

import numpy as np
import pytest

from figures import measured
from waiting import eventually, now
from world import BRISK

AT_ONCE = 0.2  # [s] within which a missing service is told


class TestMotion:
    PARAMETERS = {**BRISK, "max_linear_speed": 0.6, "max_angular_speed": 0.8, "command_hold": 0.4}

    @pytest.mark.parametrize(("command", "axis", "sign", "default", "limit"), [
        ("move_forward", "linear", 1, 0.2, 0.6),
        ("move_backward", "linear", -1, 0.2, 0.6),
        ("turn_left", "angular", 1, 0.4, 0.8),
        ("turn_right", "angular", -1, 0.4, 0.8),
    ])
    def test_each_motion_has_its_axis_sign_default_and_limit(self, world, robot, lan, command, axis, sign, default, limit):
        other = "angular" if axis == "linear" else "linear"
        for speed, expected in [(0.35, 0.35), (None, default), (limit, limit), (3.0, limit), (10, limit)]:
            start = time.time_ns()
            answer = lan.order(command, duration=0.3, **({} if speed is None else {"speed": speed}))
            assert answer["success"], answer
            assert ("limited" in answer["message"]) == (expected != (default if speed is None else speed)), answer
            if speed == 3.0:
                assert str(limit) in answer["message"]
            reached = robot.wait(lambda: [each for each in robot.commands if each.sent > start
                                          and getattr(each, axis) == pytest.approx(sign * expected)], f"{command} at {expected}")
            assert all(getattr(each, other) == 0.0 for each in reached)
            lan.order("stop")

    def test_a_duration_lasts_and_then_zeros_and_then_silence_follow(self, world, robot, lan):
        robot.wait_quiet()
        sent = now()
        assert lan.order("move_forward", speed=0.3, duration=0.8)["success"]
        moving = robot.first_moving(sent)
        zero = robot.first_zero(moving.at)
        assert zero.at - moving.at == pytest.approx(0.8, abs=0.1)
        robot.wait_quiet()
        zeros = robot.since(zero.at)
        assert not any(each.moves for each in zeros)
        assert zeros[-1].at - zero.at == pytest.approx(0.5, abs=0.1)
        assert np.median(np.diff([each.at for each in zeros])) == pytest.approx(0.02, abs=0.005)

    def test_a_motion_without_duration_lasts_command_hold_and_a_repeat_goes_on(self, world, robot, lan):
        sent = now()
        assert lan.order("turn_left")["success"]
        moving = robot.first_moving(sent)
        assert robot.first_zero(moving.at).at - moving.at == pytest.approx(0.4, abs=0.1)
        robot.wait_quiet()
        sent = now()
        for repeat in range(4):
            assert lan.order("turn_left")["success"]
            robot.first(lambda each: each.moves, sent + 0.2 * (repeat + 1), "it still turns")
        moving = robot.first_moving(sent)
        assert robot.first_zero(moving.at).at - moving.at > 0.9, "four repeats every 0.2 s are one motion"

    def test_the_success_is_told_after_a_velocity_and_a_stop_after_zero(self, world, robot, lan):
        robot.wait_quiet()
        known = len(robot.commands)
        assert lan.order("move_forward", duration=5)["success"]
        robot.wait(lambda: any(each.moves for each in robot.commands[known:]), "the velocity", 0.2)
        assert lan.order("stop")["success"]
        robot.wait(lambda: not robot.commands[-1].moves, "the zero", 0.2)

    def test_no_speed_or_no_time_succeeds_and_moves_nothing(self, world, robot, lan):
        robot.wait_quiet()
        known = len(robot.commands)
        for parameters in ({"speed": 0}, {"duration": 0}, {"speed": 0.0, "duration": 3}):
            assert lan.order("move_forward", **parameters)["success"]
        assert world.status()["control"] is None
        assert not any(each.moves for each in robot.commands[known:])

    def test_a_new_motion_replaces_the_old_one_through_zero(self, world, robot, lan):
        start = now()
        assert lan.order("move_forward", speed=0.4, duration=10)["success"]
        start = robot.first(lambda each: each.linear == 0.4, start).at
        assert lan.order("move_backward", speed=0.4, duration=10)["success"]
        back = robot.first(lambda each: each.linear < 0, start)
        speeds = [each.linear for each in robot.since(start) if each.at <= back.at]
        assert 0.0 in speeds
        assert lan.order("turn_right", duration=10)["success"]
        turn = robot.first(lambda each: each.angular < 0, start)
        assert turn.linear == 0.0

    def test_no_fresh_scan_refuses_and_ends_a_motion(self, world, robot, lan):
        lan.subscribe("robot_status")
        sent = now()
        assert lan.order("move_forward", duration=10)["success"]
        robot.muted.add("scan")
        robot.first_zero(robot.first_moving(sent).at)
        aborted = lan.expect("event", event="motion_aborted")
        assert aborted["data"] == {"command": "move_forward", "reason": "scan_stale", "zone": None}
        for command in ("move_forward", "move_backward", "turn_left", "turn_right", "dock", "undock"):
            answer = lan.order(command)
            assert (answer["success"], answer["code"]) == (False, "scan_stale")
        robot.muted.discard("scan")
        lan.expect("event", event="scan_restored")
        robot.wait_quiet(0.6)
        assert not robot.commands[-1].moves, "nothing resumes by itself"

    def test_nobody_listening_on_cmd_vel_is_told_at_once(self, world, robot, lan):
        robot.wait_quiet()
        robot.stop_listening()
        try:
            eventually(lambda: not lan.order("move_forward", duration=0.1)["success"], "the drive is missed")
            delays = []
            for _ in range(5):
                lan.take("robot_control_response")
                sent = now()
                lan.drive("move_forward")
                at, answer = lan.expect_timed("robot_control_response")
                assert (answer["success"], answer["code"]) == (False, "service_unavailable")
                delays.append(at - sent)
            measured("no drive: refusal", delays, AT_ONCE)
        finally:
            robot.listen()
            world.wait_ready()

    def test_the_observed_velocities_ramp_up(self, world, robot, lan):
        sent = now()
        assert lan.order("move_forward", speed=0.5, duration=10)["success"]
        top = robot.first(lambda each: each.linear == 0.5, sent)
        ramp = [0.0] + [each.linear for each in robot.since(sent) if each.moves and each.at <= top.at]
        assert np.all(np.diff(ramp) <= 0.1 + 1e-9), "5 m/s² are 0.1 m/s in a tick"


class TestControl:
    PARAMETERS = {**BRISK, "control_hold": 0.5}

    def test_a_second_operator_is_told_who_drives_and_may_stop(self, world, robot, lan):
        mai = world.connect(8, "mai")
        same_user = world.connect()
        assert lan.order("move_forward", duration=30)["success"]
        for other in (mai, same_user):
            answer = other.order("turn_left")
            assert (answer["success"], answer["code"]) == (False, "not_in_control")
            assert "lan" in answer["message"]
        control = world.status(lambda data: data["control"])["control"]
        assert (control["holder"], control["connection"]) == ("lan", lan.greeting["connection"])
        assert lan.greeting["connection"] != same_user.greeting["connection"]
        sent = now()
        assert mai.order("stop")["success"]
        robot.first_zero(sent)
        robot.wait_quiet(0.6)

    def test_control_is_free_again_when_it_was_held_long_enough(self, world, robot, lan):
        lan.subscribe("robot_status")
        mai = world.connect(8, "mai")
        assert lan.order("move_forward", duration=0.1)["success"]
        event = lan.expect("event", event="control_changed")
        assert event["data"] == {"holder": "lan", "user_id": 7, "cause": "command"}
        event = lan.expect("event", event="control_changed")
        assert event["data"]["holder"] is None
        assert mai.order("move_forward", duration=0.1)["success"]

