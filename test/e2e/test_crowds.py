"""What clients that were let in can take from each other: readers that stall, a user with too many connections.

`./dev test` has a short form with generous bounds, since other things run on the machine; `./dev soak` has the long one.
"""

import contextlib
import json
import os
from datetime import UTC, datetime
from statistics import quantiles

import pytest

from client import token
from crowd import SMALL, TEXT, allow_descriptors, crowd, frame, kernel_memory, metrics, resident, texts, upgraded
from figures import measured, noted
from simulated import Listener
from waiting import eventually, now

STRICT = bool(os.environ.get("OHT50_STRICT"))
EVERYBODY, STALLED = (1000, 100) if STRICT else (50, 10)
STALL = 5 if STRICT else 2  # [s] in which a client reads nothing
OLD = 0.2  # [s], of a scan that was new when that began
OFF = 10.0  # [s] after which a client that reads nothing is gone
PATIENT = 60.0  # [s]
GROWTH = 10_000_000  # [B]
KERNEL = 64 << 20  # [B]
ARRIVALS = 500
EACH = 10 << 10  # [B]
LIDAR = frame(TEXT, b'{"type":"subscribe","subscription_type":"lidar"}')


def stalled_out(authority):
    return metrics(authority).get('oht50_bridge_connections_closed_total{code="4011"}', 0.0)


class TestStalledReaders:
    PARAMETERS = {"max_connections": 3000, "max_connections_per_user": 2000}

    @staticmethod
    def make_peer(domain, directory):
        return Listener(domain, directory)

    def test_they_are_closed_and_nobody_else_minds(self, world, lan):
        allow_descriptors(4096)
        authority, pid = world.bridge.authority, world.bridge.pid
        readers = [upgraded(authority, token(9, "reads"))[0] for _ in range(EVERYBODY - STALLED)]
        stuck = [upgraded(authority, token(10, "stalls"), SMALL)[0] for _ in range(STALLED)]
        before, highest, kernel, took = resident(pid), 0, 0, []
        with crowd(readers) as reading, contextlib.ExitStack() as stack:
            for each in stuck:
                stack.enter_context(each)
            begun = now()
            for each in readers + stuck:
                each.sendall(LIDAR)

            def all_off():
                nonlocal highest, kernel
                asked = now()
                assert lan.order("emergency_stop")["success"]
                took.append(now() - asked)
                highest, kernel = max(highest, resident(pid)), max(kernel, kernel_memory())
                return stalled_out(authority) >= STALLED
            eventually(all_off, "all who stalled are closed", PATIENT, pause=0.1)
            measured(f"{STALLED} stalled readers among {EVERYBODY}: all closed", [now() - begun], OFF)
            assert not reading.closed, "who reads stays"
            lan.settle()
        # The readers' thread shares the interpreter with who stops, so these times have no bound here.
        percentile = quantiles(took, n=100, method="inclusive")[98]
        noted("emergency stop meanwhile", f"{len(took)}, p99 {1000 * percentile:.1f} ms, max {1000 * max(took):.1f} ms")
        noted("memory meanwhile", f"grew by {(highest - before) / 1e6:.1f} MB; the kernel's for TCP {kernel / 1e6:.0f} MB")
        assert highest - before < GROWTH
        assert kernel < KERNEL or not STRICT


class TestAfterAStall:
    """Who reads again after a while sees fresh data at once, not what was new when it stopped."""

    make_peer = TestStalledReaders.make_peer

    @pytest.mark.parametrize("receive_buffer, options", [(SMALL, {}), (None, {"max_in_flight": 2})])
    def test_at_most_three_old_scans_come_and_each_tells_its_age(self, world, lan, receive_buffer, options):
        plain, read = upgraded(world.bridge.authority, token(11, "pauses"), receive_buffer)
        with plain:
            wanted = {"type": "subscribe", "subscription_type": "lidar", "options": options}
            plain.sendall(frame(TEXT, json.dumps(wanted).encode()))
            updates = (message for message in texts(plain, read) if message["type"] == "lidar_update")
            next(updates)
            lan.subscribe("lidar")
            for _ in range(STALL * 20):
                lan.expect("lidar_update")
            woken = datetime.now(UTC)
            ages = []
            while not ages or ages[-1] > 0.0:
                update = next(updates)
                ages.append((woken - datetime.fromisoformat(update["stamp"])).total_seconds())
                plain.sendall(frame(TEXT, b'{"type":"ack","subscription_type":"lidar","seq":%d}' % update["seq"]))
        old = [age for age in ages if age > OLD]
        noted(f"old scans after a stall of {STALL} s, {receive_buffer or 'any'} B and {options}", f"{len(old)}")
        assert len(old) <= 3, ages


class TestMemory:
    PARAMETERS = TestStalledReaders.PARAMETERS
    ROBOT = None

    def test_a_connection_takes_little(self, world):
        allow_descriptors(4096)
        authority, pid = world.bridge.authority, world.bridge.pid

        def many(count):
            return [upgraded(authority, token(12, "looks", role="viewer"))[0] for _ in range(count)]
        # What the first of them cost is everybody's.
        with crowd(many(100)):
            before = resident(pid)
            with crowd(many(ARRIVALS)):
                each = (resident(pid) - before) / ARRIVALS
        noted("memory for each connection", f"{each / 1024:.1f} KiB")
        assert each <= EACH


class TestPlaces:
    PARAMETERS = {"max_connections": 12, "max_connections_per_user": 5, "operator_places": 4}
    ROBOT = None

    def test_a_user_with_too_many_pays_alone_and_operators_get_in(self, world):
        def viewers(user, count):
            return [world.connect(user, f"user {user}", role="viewer") for _ in range(count)]
        other, = viewers(20, 1)
        greedy = viewers(21, 9)
        for each in greedy[:4]:
            assert each.wait_closed()[0] == 4010
        for each in [other, *greedy[4:]]:
            each.settle()
        # Two more fill what viewers may have; then they replace each other, and operators still find a place.
        viewers(22, 4)
        for place in range(4):
            operator = world.connect(30 + place, "operator")
            assert operator.order("emergency_stop")["success"]
