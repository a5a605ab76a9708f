"""`--check-drive` tells a drive whose watchdog acts from one whose watchdog is slow or off, and drives only when it may."""

import os
import pty
import re
import signal
from contextlib import contextmanager

import pytest
from geometry_msgs.msg import Twist

from figures import noted
from peer import Peer, Robot
from programs import CONFIG, Program, Simulator, parameters_file
from waiting import now

ACTED = re.compile(r"began to brake ([\d.]+) s after")
SPEED = 0.05  # [m/s]
TICK = 0.02  # [s] between two velocities
PATIENCE = 3.0  # [s] that a drive without a watchdog is waited for


class Check(Program):
    """A check that runs. It needs no secret."""

    def __init__(self, directory, *arguments, parameters=None, **options):
        file = parameters_file(directory, {"state_directory": str(directory / "state"), **(parameters or {})})
        super().__init__("oht50_bridge", "--check-drive", *arguments, "--ros-args", "--params-file", CONFIG / "bridge.yaml",
                         "--params-file", file, environment={}, **options)

    def ends_with(self, code, *said):
        """Wait for the end, and for these words."""
        assert self.wait() == code, self.log
        for text in said:
            assert text in self.log, f"{text!r} is not in: {self.log}"

    def measured(self):
        """Wait for the end; whether it passed, and the seconds until the drive braked, if it did."""
        passed = self.wait() == 0
        acted = ACTED.search(self.log)
        assert passed == ("PASS" in self.log) and "listening" not in self.log, self.log
        return passed, float(acted[1]) if acted else None


@pytest.fixture
def terminal():
    """Both ends of a terminal."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(("watchdog", "passes"), [(0.5, True), (1.5, False), (0.0, False)])
def test_a_watchdog_that_is_on_slow_or_off_is_told_apart(domains, directory, watchdog, passes):
    with simulated(domains, directory, parameters={"watchdog_timeout": watchdog}) as peer:
        # A computer that was too busy says so, or measures too much; it may try again.
        for _ in range(3):
            check = Check(directory, "--yes")
            passed, acted = check.measured()
            if passed == passes and "too busy" not in check.log:
                break
        assert passed == passes, check.log
        if watchdog:
            noted(f"--check-drive, watchdog of {watchdog} s", f"{acted:.2f} s, exit code {0 if passed else 1}")
            assert acted == pytest.approx(watchdog, abs=0.15)
        else:
            assert "OFF" in check.log and acted is None
        speeds = [each.linear for each in peer.commands]
        assert max(speeds) == SPEED and min(speeds) == 0.0 and speeds[-1] == 0.0
        assert all(each.planar and each.angular == 0.0 for each in peer.commands)
        # The silence: from the last velocity to the zeros that end the check, nothing at all. It is timed by their
        # arrivals here, each with a delay of its own, so it may seem shorter by that.
        last = max(index for index, each in enumerate(peer.commands) if each.moves)
        silence = peer.commands[last + 1].at - peer.commands[last].at
        assert silence > (PATIENCE - TICK if watchdog == 0.0 else watchdog), "nobody helped the watchdog"


def test_it_says_all_that_is_not_safe_and_drives_nothing(domains, directory):
    # Both at once, each on a graph of its own, since it looks for some seconds.
    domains.next()
    alone = Check(directory, "--yes")
    (directory / "latched").mkdir()
    (directory / "latched" / "emergency_stop").write_text("latched\nfor the test\n")
    robot = Robot(domains.next())
    robot.velocity = (0.1, 0.0, 0.0)
    robot.node.create_publisher(Twist, "cmd_vel", 1)
    try:
        crowded = Check(directory, "--yes", parameters={"state_directory": str(directory / "latched")})
        alone.ends_with(1, "no drive listens", "no fresh odometry", "No fresh LiDAR scan")
        crowded.ends_with(1, "stop is latched", "publishes on cmd_vel", "not at rest")
        assert "no drive" not in crowded.log and "no fresh" not in crowded.log.lower()
        assert robot.commands == []
    finally:
        robot.close()


@pytest.fixture
def robot(domains, directory):
    """A simulated robot, and somebody who hears what it is told."""
    with simulated(domains, directory) as peer:
        yield peer


@contextmanager
def simulated(domains, directory, **options):
    peer = Peer(domains.next())
    simulator = Simulator(directory, {"people": 0, **options.pop("parameters", {})}, **options)
    try:
        yield peer
    finally:
        simulator.end()
        peer.close()


class TestPerson:
    """Somebody has to agree, and can end it."""

    def test_without_a_terminal_nothing_is_driven(self, robot, directory):
        Check(directory).ends_with(1, "--yes", "not confirmed")
        assert robot.commands == []

    def test_without_the_word_nothing_is_driven(self, robot, directory, terminal):
        ours, theirs = terminal
        check = Check(directory, stdin=theirs)
        check.wait_for_line("Type drive")
        os.write(ours, b"yes\n")
        check.ends_with(1, "not confirmed")
        assert robot.commands == []

    def test_the_word_drives_and_a_drive_that_does_not_obey_is_named(self, domains, directory, terminal):
        ours, theirs = terminal
        with simulated(domains, directory, ros_arguments=["-r", "cmd_vel:=elsewhere"]) as robot:
            check = Check(directory, stdin=theirs)
            check.wait_for_line("Type drive")
            os.write(ours, b"drive\n")
            check.ends_with(1, "does not obey")
            moving = [each for each in robot.commands if each.moves]
            assert 2.5 < moving[-1].at - moving[0].at < 3.5
            assert not robot.commands[-1].moves

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
    def test_a_signal_publishes_zero_at_once(self, robot, directory, number):
        check = Check(directory, "--yes")
        robot.first_moving(0.0)
        sent = now()
        check.send(number)
        zero = robot.first_zero(sent)
        check.ends_with(1, "interrupted")
        assert not any(each.moves for each in robot.since(zero.at))
        assert zero.at - sent < 0.2, "twice the bound"


def test_a_command_line_and_a_configuration_that_cannot_be_used_are_refused(domains, directory):
    domains.next()
    for arguments, code in [(["--yes"], 64), (["--check-drive", "--ros-args", "-p", "port:=0"], 64)]:
        program = Program("oht50_bridge", *arguments, environment={})
        assert program.wait() == code, program.log
    help_text = Program("oht50_bridge", "--help")
    assert help_text.wait() == 0 and "--check-drive" in help_text.log
