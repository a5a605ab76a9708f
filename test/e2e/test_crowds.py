"""What clients that were let in can take from each other: readers that stall, a user with too many connections.

`./dev test` has a short form with generous bounds, since other things run on the machine; `./dev soak` has the long one.
"""

import contextlib
import os
from statistics import quantiles

from client import token
from crowd import SMALL, TEXT, allow_descriptors, crowd, frame, kernel_memory, metrics, resident, upgraded
from figures import measured, noted
from simulated import Listener
from waiting import eventually, now

STRICT = bool(os.environ.get("OHT50_STRICT"))
EVERYBODY, STALLED = (1000, 100) if STRICT else (50, 10)
OFF = 10.0  # [s] in which a client must take something
PATIENT = 60.0  # [s]
GROWTH = 10_000_000  # [B]
KERNEL = 64 << 20  # [B]
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
            # What fits into the buffers of both sides is taken first.
            measured(f"{STALLED} stalled readers among {EVERYBODY}: all closed", [now() - begun], OFF + 4.0)
            assert not reading.closed, "who reads stays"
            lan.settle()
        # The readers' thread shares the interpreter with who stops, so these times have no bound here.
        percentile = quantiles(took, n=100, method="inclusive")[98]
        noted("emergency stop meanwhile", f"{len(took)}, p99 {1000 * percentile:.1f} ms, max {1000 * max(took):.1f} ms")
        noted("memory meanwhile", f"grew by {(highest - before) / 1e6:.1f} MB; the kernel's for TCP {kernel / 1e6:.0f} MB")
        assert highest - before < GROWTH
        assert kernel < KERNEL or not STRICT


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
