"""Every way in which the bridge ends a connection, with its code."""

import signal
import socket
import struct
import time

import pytest

from client import Client, token
from programs import Bridge
from waiting import PATIENCE, now

DAY = 86400
BAD_TOKENS = {
    "none": None,
    "no token": "garbage",
    "two parts": "a.b",
    "dots": "...",
    "another secret": lambda: token(secret="x" * 64),
    "a changed signature": lambda: token()[:-4] + "AAAA",
    "algorithm none": lambda: token(header={"alg": "none", "typ": "JWT"}).rsplit(".", 1)[0] + ".",
    "another algorithm": lambda: token(header={"alg": "HS512", "typ": "JWT"}),
    "expired": lambda: token(seconds=-1),
    "expired at 0": lambda: token(exp=0),
    "without exp": lambda: token(exp=None),
    "without user_id": lambda: token(user_id=None),
    "user_id 0": lambda: token(user_id=0),
    "user_id -1": lambda: token(user_id=-1),
    "user_id is text": lambda: token(user_id="7"),
    "user_id is 1.5": lambda: token(user_id=1.5),
    "without sub": lambda: token(name=None),
    "empty sub": lambda: token(name=""),
    "sub is a number": lambda: token(name=7),
    "not yet valid": lambda: token(nbf=int(time.time()) + DAY),
    "too long": lambda: token(name="x" * 5000),
}


class TestClosing:
    PARAMETERS = {"heartbeat_interval": 0.5, "heartbeat_timeout": 1.0}
    ROBOT = None

    @pytest.mark.parametrize("kind", BAD_TOKENS)
    def test_a_bad_token_is_4001(self, world, kind):
        made = BAD_TOKENS[kind]
        client = world.join(made() if callable(made) else made, greeted=False)
        assert client.wait_closed() == (4001, "Invalid token")
        assert not client.inbox, "nothing is said to a stranger"

    def test_an_expired_token_ends_the_connection(self, world):
        client = world.connect(seconds=3)
        expires = int(time.time()) + 3
        assert client.wait_closed() == (4001, "Token expired")
        assert -1.1 < time.time() - expires < 1.0 + PATIENCE / 20

    def test_five_errors_are_4008_whatever_is_said_between_them(self, world):
        client = world.connect()
        for _ in range(4):
            client.send("nonsense")
            client.expect("error")
            client.settle()
        client.order("move_forward")  # refused, which is no error
        client.settle()
        client.send("nonsense")
        client.expect("error")
        assert client.wait_closed() == (4008, "Too many errors")

    def test_binary_is_1003(self, world):
        client = world.connect()
        client.send(b"\0\1\2")
        assert client.wait_closed()[0] == 1003

    def test_64_kib_are_accepted_and_more_is_1009(self, world):
        client = world.connect()
        envelope = len('{"type":"ping","padding":""}')
        limit = 64 * 1024
        # Frames of at most 16 KiB, as a message in fragments.
        text = '{"type":"ping","padding":"%s"}' % ("x" * (limit - envelope))
        client.send([text[start:start + 8192] for start in range(0, limit, 8192)])
        client.expect("pong")
        client.send([text, "x"])
        assert client.wait_closed()[0] == 1009

    def test_silence_is_4009(self, world):
        with raw(world.bridge.authority, token()) as peer:
            code, seconds = read_to_close(peer)
        assert code == 4009
        assert 0.9 < seconds < 2.0
        client = world.connect()  # one that answers pings stays
        assert not client.signal.wait_for(lambda: client.closed_at, 1.5)
        client.settle()

    def test_a_flood_of_commands_is_4029_but_not_one_of_stops(self, world):
        client = world.connect()
        for _ in range(200):
            client.drive("stop")
        client.settle()
        assert not client.closed_at
        with pytest.raises(Exception, match="4029|close"):
            for _ in range(1000):
                client.drive("move_forward", speed=0)
            client.wait_closed()
            client.say("ping")
        assert client.wait_closed()[0] == 4029
        assert any(message.get("code") == "rate_limited" for _, message in client.inbox)

    def test_a_close_is_answered(self, world):
        client = world.connect()
        client.close()
        assert client.wait_closed()[0] == 1000


class TestStopping:
    ROBOT = None

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_closes_everybody_with_1001_and_ends_with_0(self, domain, directory, number):
        bridge = Bridge(directory)
        clients = [Client(bridge.url, token(user_id)) for user_id in (1, 2, 2)]
        asked = now()
        bridge.send(number)
        for client in clients:
            assert client.wait_closed() == (1001, "Server stopping")
            assert client.expect("event", event="server_stopping")
        assert bridge.wait() == 0
        assert now() - asked < 5.0
        bridge.assert_no_leak()


class TestStoppingWhileMoving:
    def test_zero_comes_first_and_the_bridge_ends_within_5_seconds(self, world, robot, lan):
        sent = now()
        assert lan.order("move_forward", duration=30)["success"]
        robot.first_moving(sent)
        asked = now()
        world.bridge.send(signal.SIGTERM)
        zero = robot.first_zero(asked)
        assert lan.wait_closed()[0] == 1001
        assert zero.at <= lan.closed_at + 0.05
        assert world.bridge.wait() == 0
        assert now() - asked < 5.0
        robot.wait_quiet()
        assert not any(each.moves for each in robot.since(zero.at))


def raw(authority, with_token):
    """An upgraded socket that answers no ping."""
    host, port = authority.split(":")
    peer = socket.create_connection((host, int(port)), PATIENCE)
    peer.sendall(f"GET /ws?token={with_token} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += peer.recv(1)
    assert answer.startswith(b"HTTP/1.1 101"), answer
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer  # RFC 6455, section 1.3
    return peer


def read_to_close(peer):
    """The code of the Close, and how long it took to come."""
    start = now()
    stream = peer.makefile("rb")
    while True:
        first, length = stream.read(2)
        if length == 126:
            length = struct.unpack("!H", stream.read(2))[0]
        payload = stream.read(length)
        if first & 0x0F == 8:
            return struct.unpack("!H", payload[:2])[0], now() - start
