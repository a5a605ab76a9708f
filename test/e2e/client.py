"""A WebSocket client written from part A of the protocol alone, with the `websockets` library and nothing of ours."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import struct
import threading
import time

import websockets
from websockets.exceptions import ConnectionClosed

import programs
from waiting import PATIENCE, Signal

# One loop, in a thread of its own, serves every connection, so that tests read as a sequence.
LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()

# The library's names for the same things, from version 10 (Ubuntu 24.04) on.
MAJOR = int(websockets.__version__.split(".")[0])
HEADERS = "additional_headers" if MAJOR >= 14 else "extra_headers"
NO_PROXY = {"proxy": None} if MAJOR >= 15 else {}
PONG = b"\x8a"  # the first byte of such a frame, RFC 6455, section 5.2


def run(coroutine):
    """The result of a coroutine on the loop."""
    return asyncio.run_coroutine_threadsafe(coroutine, LOOP).result(PATIENCE)


def token(user_id=7, name="lan", seconds=600, *, secret=None, header=None, **claims):
    """A JSON Web Token, HS256. Claims that are None are left out."""
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
    claims = {"user_id": user_id, "sub": name, "exp": int(time.time()) + seconds, **claims}
    claims = {key: value for key, value in claims.items() if value is not None}
    header = header or {"alg": "HS256", "typ": "JWT"}
    signed = ".".join(part(json.dumps(each).encode()) for each in (header, claims))
    signature = part(hmac.new((secret or programs.SECRET).encode(), signed.encode(), hashlib.sha256).digest())
    programs.issued.append(f"{signed}.{signature}")
    return programs.issued[-1]


class Client:
    """One connection. What comes is kept until somebody expects it."""

    def __init__(self, url, with_token=None, *, headers=None, origin=None, tls=None, greeted=True):
        query = f"?token={with_token}" if with_token else ""
        self.signal = Signal()
        self.inbox = []
        self.closed_at = None
        self.ponged_at = 0.0
        self.socket = run(self.open(url + query, origin=origin, ssl=tls, **{HEADERS: headers}))
        LOOP.call_soon_threadsafe(self.note_pongs)
        self.listening = asyncio.run_coroutine_threadsafe(self.listen(), LOOP)
        self.greeting = self.expect("connection_established") if greeted else None

    @staticmethod
    async def open(url, **options):
        return await websockets.connect(url, compression=None, open_timeout=PATIENCE, close_timeout=PATIENCE,
                                        max_size=None, ping_interval=None, **NO_PROXY, **options)

    async def listen(self):
        """Keep messages with the time at which they came."""
        try:
            async for data in self.socket:
                now = time.monotonic()
                message = json.loads(data) if isinstance(data, str) else {"type": "binary", "data": data}
                with self.signal:
                    self.inbox.append((now, message))
        except ConnectionClosed:
            pass
        now = time.monotonic()
        with self.signal:
            self.closed_at = now

    def say(self, kind, **fields):
        self.send(json.dumps({"type": kind, **fields}))

    def shout(self, messages):
        """Send them one right behind the other."""
        async def send():
            for message in messages:
                await self.socket.send(json.dumps(message))
        run(send())

    def send(self, data):
        run(self.socket.send(data))

    def drive(self, command, **parameters):
        """Send a command of `robot_control` without waiting for its answer."""
        more = {"parameters": parameters} if parameters else {}
        self.say("robot_control", command=command, **more)

    def order(self, command, **parameters):
        """Send a command of `robot_control`; its answer."""
        self.drive(command, **parameters)
        return self.expect("robot_control_response", command=command)

    def lidar(self, command, **parameters):
        """Send a command of `lidar_control`; its answer."""
        self.say("lidar_control", command=command, parameters=parameters)
        return self.expect("lidar_control_response", command=command)

    def subscribe(self, *streams, **options):
        for stream in streams:
            self.say("subscribe", subscription_type=stream, **({"options": options} if options else {}))
            self.expect("subscription_confirmed", subscription_type=stream)

    def unsubscribe(self, stream):
        self.say("unsubscribe", subscription_type=stream)
        self.expect("unsubscription_confirmed", subscription_type=stream)

    def expect(self, kind, within=PATIENCE, where=lambda message: True, **fields):
        """Take the oldest message like this, waiting for it."""
        return self.expect_timed(kind, within, where, **fields)[1]

    def expect_timed(self, kind, within=PATIENCE, where=lambda message: True, **fields):
        """The same, with the time at which it came."""
        def wanted(message):
            return (message["type"] == kind and all(message.get(key) == value for key, value in fields.items())
                    and where(message))

        def find():
            return next((each for each in self.inbox if wanted(each[1])), None)
        self.signal.wait_for(lambda: find() or self.closed_at, within)
        found = find()
        seen = "\n".join(json.dumps(message, default=str)[:300] for _, message in self.inbox[-8:])
        assert found, f"no {kind} {fields} came; open: {self.closed_at is None}; the last that came:\n{seen}"
        self.inbox.remove(found)
        return found

    def await_event(self, name):
        """Wait until an event has come, and leave it where it is."""
        def has_come():
            return any(message["type"] == "event" and message["event"] == name for _, message in self.inbox)
        assert self.signal.wait_for(has_come), f"no event {name} came"

    def take(self, kind):
        """All messages of a kind that have come, with their times."""
        with self.signal:
            found = [each for each in self.inbox if each[1]["type"] == kind]
            self.inbox[:] = [each for each in self.inbox if each[1]["type"] != kind]
        return found

    def next(self, kind, **fields):
        """The first message of a kind that comes from now on."""
        self.take(kind)
        return self.expect(kind, **fields)

    def data(self, kind, where=lambda data: True):
        """`data` of the first update from now on for which this holds."""
        self.take(kind)
        return self.expect(kind, where=lambda message: where(message["data"]))["data"]

    def settle(self):
        """Return when everything that was said before has been looked at."""
        self.say("ping")
        self.expect("pong")

    def wait_closed(self, within=PATIENCE):
        """Code and reason of the Close."""
        assert self.signal.wait_for(lambda: self.closed_at, within), "the connection was never closed"
        return self.socket.close_code, self.socket.close_reason

    def close(self):
        run(self.socket.close())
        self.listening.result(PATIENCE)

    def vanish(self):
        """Close the TCP connection without a word."""
        LOOP.call_soon_threadsafe(self.socket.transport.abort)

    def leave(self, how):
        """Start to close by a Close frame ("close"), by FIN ("end") or by RST ("reset"); when that began."""
        async def go():
            at = time.monotonic()
            if how == "close":
                asyncio.ensure_future(self.socket.close())
            else:
                if how == "reset":
                    raw = self.socket.transport.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.socket.transport.abort()
            return at
        return run(go())

    def fall_silent(self):
        """Read nothing more, so that no ping is answered, and keep the connection; when that began."""
        async def go():
            self.socket.transport.pause_reading()
            return time.monotonic()
        return run(go())

    def note_pongs(self):
        """Keep the time just before each pong is written: the library answers pings by itself, and does not tell."""
        transport = self.socket.transport
        write = transport.write

        def noting(data):
            if data[:1] == PONG:
                self.ponged_at = time.monotonic()
            write(data)
        transport.write = noting
