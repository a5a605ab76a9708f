"""Five faults during a move, again and again: zero, or the drive's own watchdog, in time; and nothing resumes.

`./dev test` makes a few trials and allows twice the bounds, since other things run on the machine; `./dev soak` makes a
hundred of each and allows the bounds themselves. Times are taken by the monotonic clock in the callback that receives;
what the drive and the odometry did are told with the robot's own stamps.

    fault      from                                                to                                    bound
    closed     just before the client closes or resets             zero is received on cmd_vel           0.1 s
    silent     just before the client's last pong is written       zero is received on cmd_vel           0.62 s
    scan       the last scan is received                           zero is received on cmd_vel           0.55 s
    killed     just before SIGKILL                                 the drive commands zero               0.55 s
    suspended  just before SIGSTOP                                 the drive commands zero               0.55 s
               the first velocity heard after SIGCONT, if any      zero is received on cmd_vel           0.02 s
    each       the same                                            odometry shows rest                   that + 0.05 s + v/deceleration

A silent client's last answer is received `link_timeout` (0.6 s) before control is lost; 0.02 s, one decision, are for the
rest. The drive's command is told at 50 Hz, so up to 0.02 s of its times are what lies between two.
"""

import os
import signal
import time

import pytest

from figures import measured
from simulated import Listener
from waiting import eventually, now
from world import World

TRIALS = int(os.environ.get("OHT50_TRIALS", "5"))
SPEED, DECELERATION, ON_THE_WAY = 0.2, 1.0, 0.05  # [m/s], [m/s²] of the simulated drive, [s] from cmd_vel to the drive
CLOSED, SILENT, SCAN, WATCHDOG = 0.1, 0.62, 0.55, 0.55  # [s]
PARAMETERS = {"linear_acceleration": 5.0}
AT_ONCE = 0.02 if os.environ.get("OHT50_STRICT") else 0.04  # [s], a decision
ON_ITS_WAY = 20_000_000  # [ns] in which the signal reaches the bridge
HELD_UP = 0.5  # [s], longer than Fast DDS waits for the dead
FAR = 1.0  # [m] from where the robot turns back, so that it never meets a wall


class Series:
    """The figures of one fault."""

    def __init__(self, what, event, bound):
        self.what, self.event, self.bound = what, event, bound
        self.zeros, self.rests = [], []

    def add(self, begun, zero, rest):
        assert begun < zero <= rest
        self.zeros.append(zero - begun)
        self.rests.append(rest - begun)

    def judge(self):
        """Keep both series, also where the first one fails."""
        try:
            measured(f"{self.what}: {self.event}", self.zeros, self.bound)
        finally:
            measured(f"{self.what}: odometry at rest", self.rests, self.bound + ON_THE_WAY + SPEED / DECELERATION)


def set_off(world, client):
    """The robot drives, at its full speed."""
    robot = world.robot

    def drives():
        begun = now()
        command = "move_backward" if robot.odometry and robot.place[0] > FAR else "move_forward"
        answer = client.order(command, speed=SPEED, duration=30)
        if answer["success"]:
            begun = robot.first_moving(begun).at
            return robot.wait(lambda: robot.speed > 0.95 * SPEED or robot.zeros(begun), "the robot drives or stops") is True
        # A machine that is too busy suspends the bridge, and the bridge says so. It wants a stop before the next motion.
        assert "suspended" in answer["message"] or "connection was lost" in answer["message"], answer
        world.observer.order("stop")
        return False
    eventually(drives, "the robot drives", pause=0.2)


def stopped(world, begun):
    """When zero was received after a fault, and when the robot stood; nothing moves in between or afterwards."""
    zero = world.robot.first_zero(begun).at
    return zero, stands(world, zero)


def stands(world, since):
    rest = world.robot.wait_rest(world.robot.wait_drive(False, since))
    assert not any(each.moves for each in world.robot.since(since)), "something resumed"
    return rest


class TestFaults:
    PARAMETERS = PARAMETERS

    @staticmethod
    def make_peer(domain, directory):
        return Listener(domain, directory)

    @pytest.mark.parametrize("what", ["closed", "silent"])
    def test_a_lost_client(self, world, robot, what):
        series = Series(f"{what} socket", "zero on cmd_vel", {"closed": CLOSED, "silent": SILENT}[what])
        for trial in range(TRIALS):
            client = world.connect()
            set_off(world, client)
            begun = client.fall_silent() if what == "silent" else client.leave(("close", "end", "reset")[trial % 3])
            zero, rest = stopped(world, begun)
            series.add(client.ponged_at if what == "silent" else begun, zero, rest)
            world.leave(client)
            world.next_trial()
        series.judge()

    def test_a_dead_scan(self, world, robot, lan):
        series = Series("dead scan", "zero on cmd_vel", SCAN)
        for _ in range(TRIALS):
            set_off(world, lan)
            try:
                robot.turn_lidar(False)
                zero, rest = stopped(world, now())
                series.add(robot.newest_scan, zero, rest)
            finally:
                robot.turn_lidar(True)
            world.status(lambda data: data["lidar"]["state"] == "scanning")
            world.next_trial()
        series.judge()

    def test_a_suspended_bridge(self, world, robot):
        series = Series("suspended bridge", "drive commands zero", WATCHDOG)
        for _ in range(TRIALS):
            client = world.connect()
            set_off(world, client)
            begun = now()
            world.bridge.send(signal.SIGSTOP)
            suspended = time.time_ns() + ON_ITS_WAY
            try:
                zero = robot.wait_drive(False, begun)
                rest = robot.wait_rest(zero)
                series.add(begun, zero, rest)
                # What waits in the socket is as old as the suspension.
                client.take("robot_control_response")
                client.drive("move_forward", speed=SPEED, duration=30)
            finally:
                continued = now()
                world.bridge.send(signal.SIGCONT)
            assert not client.expect("robot_control_response", command="move_forward")["success"]
            # It is refused before the rest of the bridge has seen how late it is.
            world.status(lambda data: data["control"] is None)
            robot.wait_quiet()
            heard = robot.since(rest)
            assert all(each.at >= continued for each in heard), "a bridge that stands still is silent"
            # One velocity may have been in the middleware's hands, stamped before the suspension; nobody can take it back.
            held = [each for each in heard if each.moves]
            assert len(held) <= 1 and all(each.sent < suspended for each in held), f"something resumed: {held}"
            zero = next(each for each in heard if not each.moves)
            assert heard.index(zero) == len(held) and (not held or zero.at - held[0].at < AT_ONCE), heard
            world.leave(client)
            world.next_trial()
        series.judge()


def test_a_killed_bridge(domains, tmp_path):
    series = Series("killed bridge", "drive commands zero", WATCHDOG)
    # One after the other on one domain: whoever could remember the killed node has ended, too.
    domain = domains.next()
    for _ in range(TRIALS):
        world = World(tmp_path, PARAMETERS, make_peer=lambda: Listener(domain, tmp_path))
        try:
            robot = world.robot
            # The bridge that was killed before holds up this one's first velocity, and with it the news of who drives.
            world.monitor.early = HELD_UP
            set_off(world, world.connect())
            world.observer.await_event("control_changed")  # the monitor needs to know who drives
            begun = now()
            world.bridge.kill()
            zero = robot.wait_drive(False, begun)
            series.add(begun, zero, robot.wait_rest(zero))
            world.after_test()
        finally:
            world.close()
    series.judge()
