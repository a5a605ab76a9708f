"""What the bridge does while nobody is connected and the robot stands: less, and no less than it must."""

import pytest
from oht50_bridge.msg import ObstacleArray, SafetyState

from figures import measured
from test_keepers import metrics
from test_robot_stops import call
from waiting import eventually, now
from world import BRISK

TAKEN = "oht50_bridge_scans_total"
LOOKED_AT = "oht50_bridge_perception_seconds_count"


class TestDoze:
    PARAMETERS = BRISK
    DOZING = (0.05, 0.25)  # one scan in 0.19 s

    def dozes(self, share):
        least, most = self.DOZING
        eventually(lambda: least < share() < most, "it dozes")

    @pytest.fixture
    def share(self, world, robot):
        """Of the scans that the bridge takes; the robot publishes 50 a second, and nobody is connected."""
        robot.set_rate("scan", 50)
        world.observer.close()

        def share():
            taken, sent = metrics(world.bridge)[TAKEN], robot.published["scan"]
            robot.wait(lambda: robot.published["scan"] >= sent + 50, "fifty scans")
            return (metrics(world.bridge)[TAKEN] - taken) / (robot.published["scan"] - sent)
        self.dozes(share)
        yield share
        robot.set_rate("scan", 20)
        if world.observer.closed_at:
            world.observe()

    def test_the_service_stops_the_robot_and_whoever_comes_drives_at_once(self, world, robot, share):
        begun = now()
        assert call(robot, "emergency_stop").success
        measured("emergency stop by service with nobody connected", [now() - begun], 1.0)
        robot.first_zero(begun)
        robot.wait(lambda: robot.latches[-1][1], "emergency_stop says so")
        eventually(lambda: call(robot, "reset_emergency_stop").success, "the release", pause=0.1)
        self.dozes(share)
        world.observe()  # who sees who drives
        sent = now()
        assert world.connect().order("move_forward", speed=0.2, duration=0.1)["success"]
        robot.first_moving(sent)
        assert share() > 0.9

    def test_what_scans_show_is_made_out_for_whoever_looks_and_for_nobody_else(self, world, robot, share):
        def looks():
            before = metrics(world.bridge)[LOOKED_AT]
            assert share() > 0
            return metrics(world.bridge)[LOOKED_AT] - before
        assert looks() == 0
        looker = robot.node.create_subscription(ObstacleArray, "oht50_bridge/obstacles", lambda _: None, 1)
        eventually(lambda: looks() > 40, "it looks at the scans")
        robot.node.destroy_subscription(looker)
        eventually(lambda: looks() == 0, "it does not any more")

    @pytest.mark.parametrize("kind, topic", [(ObstacleArray, "obstacles"), (SafetyState, "safety")])
    def test_while_somebody_on_the_graph_looks_it_is_awake(self, robot, share, kind, topic):
        looker = robot.node.create_subscription(kind, f"oht50_bridge/{topic}", lambda _: None, 1)
        eventually(lambda: share() > 0.9, "it takes every scan")
        robot.node.destroy_subscription(looker)
        self.dozes(share)


class TestDozeUnderOneName(TestDoze):
    """A launch file's `name` names every node of the process: the stops have none of their own, and do not wait for long."""

    ROS_ARGUMENTS = ("-r", "__node:=oht50_bridge")
    DOZING = (0.3, 0.7)  # one scan in 0.04 s

    def test_the_graph_has_one_node(self, robot):
        names = [name for name, _ in robot.node.get_node_names_and_namespaces() if "oht50_bridge" in name]
        assert names == ["oht50_bridge"]
        offered = dict(robot.node.get_service_names_and_types_by_node("oht50_bridge", "/"))
        assert "/oht50_bridge/emergency_stop" in offered
