"""Stops that come from the robot's side: its own emergency stop, and the services."""

import pytest
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from peer import RELIABLE
from waiting import PATIENCE, eventually, now
from world import BRISK


def call(robot, name):
    """Call one of the bridge's services; its answer."""
    client = robot.node.create_client(Trigger, f"oht50_bridge/{name}")
    assert client.wait_for_service(PATIENCE), f"no service {name}"
    future = client.call_async(Trigger.Request())
    robot.wait(future.done, f"the answer of {name}")
    robot.node.destroy_client(client)
    return future.result()


class TestServices:
    PARAMETERS = BRISK

    def test_one_latches_and_the_other_releases(self, world, robot, lan):
        lan.subscribe("robot_status")
        assert lan.order("move_forward", speed=0.3, duration=30)["success"]
        begun = now()
        answer = call(robot, "emergency_stop")
        answered = now()
        assert (answer.success, answer.message) == (True, "Emergency stop latched")
        zero = robot.first_zero(begun)
        assert zero.at < answered + 0.05
        engaged = lan.expect("event", event="emergency_stop_engaged")
        assert engaged["data"] == {"source": "service", "by": None}
        assert world.status(lambda data: data["emergency_stop"]["active"])["emergency_stop"]["source"] == "service"
        robot.wait(lambda: robot.latches[-1][1], "emergency_stop says so")

        robot.velocity = (0.2, 0.0, 0.0)
        lan.subscribe("telemetry")
        lan.expect("telemetry_update", where=lambda message: message["data"]["speed"] == 0.2)
        moving = call(robot, "reset_emergency_stop")
        assert (moving.success, moving.message) == (False, "The robot is not known to stand still")
        robot.velocity = (0.0, 0.0, 0.0)
        eventually(lambda: call(robot, "reset_emergency_stop").success, "the release", pause=0.1)
        assert lan.expect("event", event="emergency_stop_reset")["data"] == {"by": None}
        again = call(robot, "reset_emergency_stop")
        assert (again.success, again.message) == (False, "Emergency stop is not active")
        robot.wait_quiet(0.6)
        assert not robot.commands[-1].moves, "a reset moves nothing"

    def test_the_web_releases_what_a_service_latched(self, world, robot, lan):
        assert call(robot, "emergency_stop").success
        eventually(lambda: lan.order("reset_emergency_stop", confirm=True)["success"], "the release", pause=0.1)


class TestHardwareStop:
    PARAMETERS = {**BRISK, "hardware_stop_topic": "stop_button"}

    @pytest.fixture
    def button(self, robot):
        """Says ten times a second whether it is pressed; `None`: nothing."""
        state = {"pressed": False}
        publisher = robot.node.create_publisher(Bool, "stop_button", RELIABLE)

        def tell():
            if state["pressed"] is not None:
                publisher.publish(Bool(data=state["pressed"]))
        timer = robot.node.create_timer(0.1, tell)
        yield state
        robot.node.destroy_timer(timer)
        robot.node.destroy_publisher(publisher)

    @pytest.mark.parametrize(("fault", "within"), [(True, 0.1 + 0.1), (None, 1.0 + 0.2)])
    def test_pressed_or_silent_it_latches_and_is_cleared_on_the_robot_first(self, world, robot, lan, button, fault, within):
        # Until the button was heard it counts as silent.
        eventually(lambda: lan.order("reset_emergency_stop", confirm=True)["success"]
                   or lan.order("move_forward", speed=0)["success"], "the button is heard", pause=0.1)
        assert lan.order("move_forward", speed=0.3, duration=30)["success"]
        robot.first_moving(now())
        pressed = now()
        button["pressed"] = fault
        zero = robot.first_zero(pressed)
        assert zero.at - pressed < within * 2
        assert world.status(lambda data: data["emergency_stop"]["active"])["emergency_stop"]["source"] == "hardware"
        refused = lan.order("reset_emergency_stop", confirm=True)
        assert (refused["success"], refused["code"]) == (False, "emergency_stop_active")
        assert ("pressed" if fault else "silent") in refused["message"]
        assert not call(robot, "reset_emergency_stop").success
        button["pressed"] = False
        eventually(lambda: lan.order("reset_emergency_stop", confirm=True)["success"], "the release", pause=0.1)
        assert lan.order("move_forward", duration=0.1)["success"]
