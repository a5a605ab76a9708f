"""What strangers and careless clients can use up of the bridge: places before the request, memory, descriptors.

`./dev test` has a short form with generous bounds, since other things run on the machine; `./dev soak` has the long one.
"""

import os
import resource
from statistics import quantiles

import pytest

from certificates import own, trusting
from client import Client, token
from crowd import CLOSE, PING, TEXT, allow_descriptors, crowd, descriptors, dial, frame, metrics, processor_time, resident, texts, upgraded
from figures import measured, noted
from programs import Bridge
from waiting import eventually, now
from world import UNLIMITED

STRICT = bool(os.environ.get("OHT50_STRICT"))
SLOW = 1000 if STRICT else 100  # connections that never finish their request
ANNOUNCERS = 500 if STRICT else 50  # connections that announce more than they may send
IDLE = 1000 if STRICT else 300
CONNECTS = int(os.environ.get("OHT50_CONNECTS", "500"))
HANDSHAKE = 4.5 if STRICT else 1.5  # [s] `handshake_timeout`, as shipped or sooner
SLACK = 0.5 if STRICT else 1.0  # [s]
FLOOD = 15.0 if STRICT else 2.0  # [s]
GROWTH = 5_000_000  # [B]
CROWDED = {**UNLIMITED, "max_connections": 3000, "max_connections_per_user": 2000, "handshake_timeout": HANDSHAKE}
HELLO = bytes.fromhex("160301020001")  # a TLS record of 512 bytes, of which the first comes
HALF = b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: webso"


@pytest.fixture(scope="class")
def bridge(domain, directory):
    allow_descriptors(4096)
    bridge = Bridge(directory, CROWDED)
    yield bridge
    bridge.end()


def greet(url, tls=None):
    """How long a good client needs to be let in, s."""
    begun = now()
    client = Client(url, token(), tls=tls)
    took = now() - begun
    client.close()
    return took


def greeted_beside(gathered, what, url, tls=None):
    """Good clients come while the crowd lasts."""
    took = [greet(url, tls)]
    while len(gathered.closed) < len(gathered.sockets):
        took.append(greet(url, tls))
    percentile = quantiles(took, n=100, method="inclusive")[98] if len(took) > 1 else took[0]
    noted(f"let in beside {what}", f"{len(took)}, p99 {1000 * percentile:.0f} ms, max {1000 * max(took):.0f} ms")
    assert percentile < 0.2 or not STRICT, took


def slow(authority, url, what, say=b"", first=b"", tls=None):
    begun, sockets = [], []
    for _ in range(SLOW):
        begun.append(now())
        sockets.append(dial(authority))
        sockets[-1].sendall(first)
    with crowd(sockets, say=say) as gathered:
        greeted_beside(gathered, what, url, tls)
        measured(f"{SLOW} of {what}: closed", (at - begun[place] for place, at in gathered.closed.items()), HANDSHAKE + SLACK)


class TestSlowRequests:
    @pytest.mark.parametrize("what, first, say", [
        ("nothing but TCP", b"", b""), ("half a request", HALF, b""), ("a byte a second", HALF, b"a"),
    ])
    def test_who_never_finishes_the_request_is_gone_in_time(self, bridge, what, first, say):
        slow(bridge.authority, bridge.url, what, say, first)

    def test_who_never_finishes_the_hello_is_gone_in_time(self, domain, directory):
        files = own(directory, "robot")
        bridge = Bridge(directory, {**CROWDED, **files})
        slow(bridge.authority, bridge.url, "half a TLS hello", first=HELLO, tls=trusting(files))
        bridge.end()


class Growth:
    """How far a process has grown since it had these connections."""

    def __init__(self, bridge):
        self.pid = bridge.pid
        self.before = self.highest = resident(self.pid)

    def look(self):
        self.highest = max(self.highest, resident(self.pid))

    def judge(self, what):
        self.look()
        noted(what, f"memory grew by {(self.highest - self.before) / 1e6:.1f} MB, to {self.highest / 1e6:.0f} MB")
        assert self.highest - self.before < GROWTH


class TestMemory:
    @pytest.fixture(autouse=True)
    def warm(self, bridge):
        """What is needed once has been taken."""
        for _ in range(5):
            greet(bridge.url)

    @pytest.mark.parametrize("what, first, say", [
        ("pings whose pongs nobody reads", b"", 100 * frame(PING, 125 * b"p")),
        ("a message of empty fragments", frame(TEXT, last=False), 500 * frame(0, last=False)),
    ])
    def test_a_flood_takes_no_memory(self, bridge, what, first, say):
        sockets = [upgraded(bridge.authority, token(9, "flood"), 4096)[0] for _ in range(5)]
        growth = Growth(bridge)
        for each in sockets:
            each.sendall(first)
        with crowd(sockets, say=say, pause=0, reads=False) as gathered:
            until = now() + FLOOD
            while now() < until:
                greet(bridge.url)
                growth.look()
            gathered.wait_closed()
        growth.judge(what)

    def test_what_is_announced_and_does_not_come_takes_no_memory(self, bridge):
        sockets = [upgraded(bridge.authority, token(9, "announces"))[0] for _ in range(ANNOUNCERS)]
        growth = Growth(bridge)
        for each in sockets:
            each.sendall(bytes([0x80 | TEXT, 0xFF]) + (16 << 20).to_bytes(8, "big") + bytes(4) + 100 * b"x")
        with crowd(sockets) as gathered:
            gathered.wait_closed()
            growth.judge(f"{ANNOUNCERS} announce 16 MiB")
        greet(bridge.url)


class TestIdle:
    @pytest.mark.parametrize("secure, most", [(False, 10_000), (True, 30_000)])
    def test_a_connection_that_says_nothing_costs_little(self, domain, directory, secure, most):
        files = own(directory, "robot") if secure else {}
        tls = trusting(files) if secure else None
        allow_descriptors(4096)
        bridge = Bridge(directory, {**CROWDED, **files})
        shown, kept = token(9, "waits"), []

        def come(count):
            for _ in range(count):
                plain, read = upgraded(bridge.authority, shown, tls=tls)
                assert next(texts(plain, read))["type"] == "connection_established"
                kept.append(plain)
            return resident(bridge.pid)
        before = come(100)  # what the first ones need is for all
        each = (come(IDLE) - before) / IDLE
        noted(f"an idle connection{' with TLS' if secure else ''}, of {IDLE}", f"{each / 1000:.1f} kB")
        for plain in kept:
            plain.close()
        bridge.end()
        assert each < most


def connected(bridge):
    """Clients as the metrics tell them."""
    return sum(value for name, value in metrics(bridge.authority).items() if name.startswith("oht50_bridge_connections{"))


class TestChurn:
    def test_whoever_came_and_went_leaves_nothing(self, bridge):
        def churn(count):
            for place in range(count):
                plain, _ = upgraded(bridge.authority, with_token)
                plain.sendall(frame(TEXT, b'{"type":"subscribe","subscription_type":"telemetry"}'))
                if place % 2:
                    plain.sendall(frame(CLOSE, b"\x03\xe8"))
                plain.close()

        def nobody():
            return connected(bridge) == 0
        with_token = token(9, "churns", 86400)
        churn(CONNECTS // 10 if STRICT else CONNECTS)
        eventually(nobody, "nobody is connected")
        files, memory, begun = descriptors(bridge.pid), resident(bridge.pid), now()
        churn(CONNECTS)
        took = now() - begun
        eventually(nobody, "nobody is connected")
        # The sockets of those that asked for metrics close a moment after their answer.
        eventually(lambda: descriptors(bridge.pid) <= files, "no descriptor is left over")
        drift = (resident(bridge.pid) - memory) / memory
        noted(f"{CONNECTS} connects", f"{CONNECTS / took:.0f} a second; memory drifts by {100 * drift:.2f} %")
        assert drift < 0.01 or not STRICT


class TestDescriptors:
    def test_without_descriptors_stops_work_and_it_recovers(self, domain, directory):
        bridge = Bridge(directory, {**CROWDED, "handshake_timeout": 60.0})
        operator = Client(bridge.url, token())
        operator.settle()
        # The limit is set while the bridge runs, so that its start needs no number.
        files, limits = descriptors(bridge.pid), resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(bridge.pid, resource.RLIMIT_NOFILE, (files + 20, limits[1]))
        with crowd(dial(bridge.authority) for _ in range(60)):
            bridge.wait_for_line("cannot accept connections")
            spent, begun = processor_time(bridge.pid), now()
            for _ in range(20):
                asked = now()
                assert operator.order("emergency_stop")["success"]
                assert now() - asked < 1.0
                operator.signal.wait_for(lambda: False, 0.1)
            share = (processor_time(bridge.pid) - spent) / (now() - begun)
            noted("without descriptors", f"{100 * share:.0f} % of a processor")
            assert share < 0.5, "it spins"
            assert descriptors(bridge.pid) <= files + 20
        # The limit stays: what those held is enough.
        begun = now()
        greet(bridge.url)
        measured("let in again after there was no descriptor", [now() - begun], 1.0)
        operator.close()
        bridge.end()
