"""The emergency stop: latched, told to the whole robot, kept over a crash, and released on purpose only."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from std_msgs.msg import Bool

from crowd import resident
from figures import measured
from peer import LATCHED
from waiting import eventually, now
from world import BRISK


class TestEmergencyStop:
    PARAMETERS = BRISK

    @pytest.mark.parametrize("parameters", [None, {}, {"speed": "fast"}, {"unknown": [1]}, "nonsense"])
    def test_it_is_never_refused_for_its_other_fields(self, world, robot, lan, parameters):
        lan.say("robot_control", command="emergency_stop", parameters=parameters)
        assert lan.expect("robot_control_response", command="emergency_stop")["success"]
        assert robot.wait(lambda: robot.latches[-1][1], "True on emergency_stop", 1.0)

    def test_zeros_come_at_50_hz_while_it_is_latched(self, world, robot, lan):
        sent = now()
        assert lan.order("move_forward", duration=30)["success"]
        robot.first_moving(sent)
        stopped = now()
        assert lan.order("emergency_stop")["success"]
        zero = robot.first_zero(stopped)
        robot.first(lambda each: True, zero.at + 1.5)
        zeros = robot.since(zero.at)
        assert not any(each.moves for each in zeros)
        assert 45 <= (len(zeros) - 1) / (zeros[-1].at - zero.at) <= 55
        assert np.median(np.diff([each.at for each in zeros])) == pytest.approx(0.02, abs=0.004)

    def test_the_rest_of_the_robot_is_told_also_who_comes_late(self, world, robot, lan):
        early = robot.collect(Bool, "emergency_stop", LATCHED)
        robot.wait(lambda: early and not early[0][1].data, "False to who comes late")
        assert lan.order("emergency_stop")["success"]
        robot.wait(lambda: early[-1][1].data, "True")
        late = robot.collect(Bool, "emergency_stop", LATCHED)
        robot.wait(lambda: late, "True to who comes late")
        assert late[0][1].data
        robot.wait(lambda: len(late) >= 3, "the heartbeat", 4.0)
        assert all(message.data for _, message in late)

    def test_everybody_is_told_and_nobody_moves(self, world, robot, lan):
        viewer = world.connect(9, "vu", role="viewer")
        mai = world.connect(8, "mai")
        mai.subscribe("robot_status")
        assert viewer.order("emergency_stop")["success"]
        for client in (viewer, lan, mai):
            event = client.expect("event", event="emergency_stop_engaged")
            assert (event["severity"], event["data"]) == ("critical", {"source": "web", "by": "vu"})
        for command in ("move_forward", "turn_left", "dock", "undock"):
            answer = lan.order(command)
            assert (answer["success"], answer["code"]) == (False, "emergency_stop_active")
        assert viewer.order("stop")["success"]
        assert viewer.order("emergency_stop")["success"]
        assert mai.data("robot_status_update")["status"] == "EMERGENCY_STOP"

    def test_it_is_released_by_an_operator_who_confirms_while_the_robot_is_known_to_stand(self, world, robot, lan):
        def reset(client, expected, **parameters):
            answer = client.order("reset_emergency_stop", **parameters)
            assert (answer["success"], answer.get("code")) == (False, expected)
        reset(lan, "emergency_stop_not_active", confirm=True)
        assert lan.order("emergency_stop")["success"]
        reset(lan, "confirmation_required")
        reset(lan, "confirmation_required", confirm=False)
        reset(world.connect(9, "vu", role="viewer"), "forbidden", confirm=True)
        lan.subscribe("telemetry")
        robot.velocity = (0.1, 0.0, 0.0)
        lan.data("telemetry_update", lambda data: data["speed"] == 0.1)
        reset(lan, "not_at_rest", confirm=True)
        robot.velocity = (0.0, 0.0, 0.2)
        lan.data("telemetry_update", lambda data: data["speed"] == 0.0)
        reset(lan, "not_at_rest", confirm=True)
        robot.velocity = (0.0, 0.0, 0.0)
        robot.muted.add("odom")
        lan.data("telemetry_update", lambda data: data["position"] is None)
        reset(lan, "not_at_rest", confirm=True)
        robot.muted.clear()
        lan.data("telemetry_update", lambda data: data["position"] is not None)
        assert lan.order("reset_emergency_stop", confirm=True)["success"]
        assert lan.expect("event", event="emergency_stop_reset")["data"] == {"by": "lan"}
        robot.wait(lambda: not robot.latches[-1][1], "False on emergency_stop")
        released = now()
        robot.wait_quiet()
        assert not any(each.moves for each in robot.since(released)), "a release starts no motion"
        assert lan.order("move_forward", duration=0.1)["success"]

    def test_a_thousand_stops_are_one_latch(self, world, robot, lan):
        sent = now()
        assert lan.order("move_forward", speed=0.2, duration=30)["success"]
        robot.first_moving(sent)
        memory, stopped = resident(world.bridge.pid), now()
        lan.shout({"type": "robot_control", "command": "emergency_stop", "request_id": str(number)} for number in range(1000))
        measured("1000 emergency stops at once: zero", [robot.first_zero(stopped).at - stopped], 0.1)
        answers = [lan.expect("robot_control_response", request_id=str(number)) for number in range(1000)]
        assert {answer.get("code") for answer in answers} <= {None, "busy"}
        assert sum(answer["success"] for answer in answers) >= 64
        lan.settle()
        assert not lan.closed_at
        assert resident(world.bridge.pid) - memory < 5_000_000
        assert robot.wait(lambda: robot.latches[-1][1], "True on emergency_stop", 1.0)
        engaged = [event for _, event in lan.take("event") if event["event"] == "emergency_stop_engaged"]
        assert len(engaged) == 1


class TestRestart:
    def test_a_latch_that_cannot_be_read_counts_as_latched(self, world, robot):
        world.observer.close()
        world.bridge.end()
        (world.directory / "state" / "emergency_stop").write_bytes(b"relea")
        world.start_bridge()
        stop = world.status()["emergency_stop"]
        assert stop["active"] and "damaged" in stop["reason"]

    def test_the_latch_survives_a_kill_and_a_restart_moves_nothing(self, world, robot, lan):
        assert lan.order("move_forward", duration=30)["success"]
        assert lan.order("emergency_stop")["success"]
        before = world.status(lambda data: data["emergency_stop"]["active"])["emergency_stop"]  # the monitor knows what happened before
        file = world.directory / "state" / "emergency_stop"
        eventually(lambda: file.exists() and file.read_text().startswith("latched"), "the latch is on disk")
        world.bridge.kill()
        robot.wait_quiet(0.6)
        restarted = now()
        world.start_bridge()
        assert "latched" in world.bridge.log
        robot.wait(lambda: robot.latches[-1][1], "True on emergency_stop")
        stop = world.status()["emergency_stop"]
        assert stop["active"] and "lan" in stop["reason"]
        since, told = (datetime.fromisoformat(each["since"]) for each in (before, stop))
        assert abs(told - since) < timedelta(milliseconds=100)
        mai = world.connect(8, "mai")
        assert mai.order("move_forward")["code"] == "emergency_stop_active"
        assert not any(each.moves for each in robot.since(restarted))
        assert mai.order("reset_emergency_stop", confirm=True)["success"]
        eventually(lambda: file.read_text().startswith("released"), "the release is on disk")
        assert mai.order("move_forward", duration=0.1)["success"]
