"""Waiting for something that should happen: generous, since only what never happens is a failure."""

import itertools
import statistics
import threading
import time

now = time.monotonic
PATIENCE = 20.0  # [s] nothing that works takes this long


class Signal:
    """Something changed: wakes whoever waits for a condition that the change may have made true."""

    def __init__(self):
        self.condition = threading.Condition()

    def __enter__(self):
        self.condition.acquire()
        return self

    def __exit__(self, *_):
        self.condition.notify_all()
        self.condition.release()

    def wait_for(self, holds, within=PATIENCE):
        """What `holds` returns as soon as it is true; its last value, if it never is."""
        with self.condition:
            return self.condition.wait_for(holds, within)


def eventually(holds, what, within=PATIENCE, pause=0.01):
    """Look again and again, for what announces itself to nobody: a file, the graph of ROS."""
    never = threading.Event()
    deadline = time.monotonic() + within
    while True:
        if result := holds():
            return result
        assert time.monotonic() < deadline, f"never happened within {within} s: {what}"
        never.wait(pause)


def usual_rate(times):
    """How often a second something comes: by the usual gap, which one late message does not change."""
    return 1.0 / statistics.median(after - before for before, after in itertools.pairwise(times))
