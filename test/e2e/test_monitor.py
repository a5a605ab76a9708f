"""The monitor that watches every test accuses what it should, and nothing else."""

from types import SimpleNamespace

import pytest

from monitor import Monitor, wall
from peer import Command
from waiting import Signal

BEGIN, END, ZERO = "2025-01-28T10:30:01.000000Z", "2025-01-28T10:30:02.000000Z", wall("2025-01-28T10:30:00.000000Z")


@pytest.mark.parametrize(("velocity", "at", "latched_at", "accused"), [
    ((0.5, 0.0), 1.5, None, None),
    ((0.0, 0.0), 9.0, None, None),
    ((0.5, -0.8), 0.95, None, None),  # control is announced right after the first velocity
    ((0.0, 0.0), 0.5, 0.0, None),
    ((0.5, 0.0), 1.5, 1.6, None),
    ((0.5, 0.0), 0.5, None, "nobody is in control"),
    ((0.0, 0.1), 2.2, None, "nobody is in control"),
    ((0.01, 0.0), 1.5, 1.4, "emergency stop"),
    ((0.5, 0.0), 1.9, None, "on a scan of 0.60 s ago"),
    ((1.001, 0.0), 1.5, None, "above the limit"),
    ((0.0, -0.9), 1.5, None, "above the limit"),
])
def test_the_monitor_accuses_what_it_should(velocity, at, latched_at, accused):
    events = [(0.0, {"type": "event", "event": "control_changed", "timestamp": time, "data": {"holder": holder}})
              for time, holder in [(BEGIN, "lan"), (END, None)]]
    nanoseconds = lambda seconds: int((ZERO + seconds) * 1e9)
    command = Command(0.0, nanoseconds(at), *velocity, planar=True)
    latches = [] if latched_at is None else [(nanoseconds(latched_at), True)]
    scans = [nanoseconds(each) for each in (0.4, 0.9, 1.3, 2.1)]
    peer = SimpleNamespace(signal=Signal(), commands=[command], latches=latches, scans=scans)
    monitor = Monitor(peer, SimpleNamespace(take=lambda _: events), 1.0, 0.8, 0.5)
    if accused:
        with pytest.raises(AssertionError, match=accused):
            monitor.check()
    else:
        monitor.check()
