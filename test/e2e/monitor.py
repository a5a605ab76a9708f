"""The rule that holds in every test: what is heard on `cmd_vel`, the robot may do.

Never other than zero while the emergency stop is latched, nobody is in control, or the newest scan is too old; never
above the limits. Times are those of the senders, by one machine's clock, so that a slow listener accuses nobody.
"""

from bisect import bisect_right
from datetime import datetime

EARLY, LATE = 0.1, 0.05  # [s] a velocity is published just before control is announced, or just as it ends
ROUNDING = 1e-9


class Monitor:
    """Holds a peer's velocities against what an observer was told about control."""

    def __init__(self, peer, observer, max_linear, max_angular, scan_timeout):
        self.peer, self.observer = peer, observer
        self.limits = max_linear, max_angular
        self.scan_timeout = scan_timeout
        self.early = EARLY
        self.control = []  # (time on the wall, whether somebody drives)
        self.looked = 0

    def watch(self, observer):
        """Another observer, after a restart: until it says otherwise, nobody drives."""
        self.check()
        self.observer = observer

    def check(self):
        """What was heard since the last look."""
        for _, event in self.observer.take("event"):
            if event["event"] == "control_changed":
                self.control.append((wall(event["timestamp"]), event["data"]["holder"] is not None))
        with self.peer.signal:
            commands, latches = self.peer.commands[self.looked:], list(self.peer.latches)
            scans = list(self.peer.scans)
            self.looked = len(self.peer.commands)
        for command in commands:
            assert command.planar, f"not in the plane: {command}"
            assert abs(command.linear) <= self.limits[0] + ROUNDING, f"above the limit: {command}"
            assert abs(command.angular) <= self.limits[1] + ROUNDING, f"above the limit: {command}"
            if command.moves:
                assert not state(latches, command.sent), f"while the emergency stop is latched: {command}"
                assert self.somebody_drives(command.sent / 1e9), f"while nobody is in control: {command}"
                age = age_of_newest(scans, command.sent)
                assert age < self.scan_timeout + LATE, f"on a scan of {age:.2f} s ago: {command}"

    def somebody_drives(self, at):
        begun = any(driven for time, driven in self.control if at - LATE < time <= at + self.early)
        return begun or state(self.control, at - LATE)


def age_of_newest(scans, at):
    """Of the newest scan that was sent before, s; both in ns."""
    newest = bisect_right(scans, at)
    return (at - scans[newest - 1]) / 1e9 if newest else float("inf")


def state(changes, at):
    """The newest state that was told before."""
    told = [value for time, value in changes if time <= at]
    return told[-1] if told else False


def wall(timestamp):
    """Seconds since 1970 of RFC 3339."""
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
