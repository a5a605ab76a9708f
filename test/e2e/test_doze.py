"""What the bridge does while nobody is connected and the robot stands: less, and no less than it must."""

import pytest
from oht50_bridge.msg import ObstacleArray

from figures import measured
from test_keepers import metrics
from test_robot_stops import call
from waiting import eventually, now
from world import BRISK

LOOKED_AT = "oht50_bridge_perception_seconds_count"


class TestDoze:
    PARAMETERS = BRISK

    @pytest.fixture
    def share(self, world, robot):
        """Of the scans that the bridge looks at; the robot publishes 50 a second, and nobody is connected."""
        robot.set_rate("scan", 50)
        world.observer.close()

        def share():
            seen, sent = metrics(world.bridge)[LOOKED_AT], robot.published["scan"]
            robot.wait(lambda: robot.published["scan"] >= sent + 50, "fifty scans")
            return (metrics(world.bridge)[LOOKED_AT] - seen) / (robot.published["scan"] - sent)
        eventually(lambda: share() < 0.7, "it dozes")
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
        eventually(lambda: share() < 0.7, "it dozes again")
        world.observe()  # who sees who drives
        sent = now()
        assert world.connect().order("move_forward", speed=0.2, duration=0.1)["success"]
        robot.first_moving(sent)
        assert share() > 0.9

    def test_whoever_looks_at_obstacles_gets_those_of_every_scan(self, robot, share):
        robot.collect(ObstacleArray, "oht50_bridge/obstacles")
        eventually(lambda: share() > 0.9, "it looks at every scan")
