"""Many raw connections, which send and read what the test wants, and what the bridge spends on them."""

import base64
import contextlib
import json
import os
import resource
import selectors
import socket
import threading
import urllib.request
from pathlib import Path

from waiting import PATIENCE, eventually, now

TEXT, CLOSE, PING = 1, 8, 9  # opcodes of RFC 6455, section 5.2
SMALL = 4096  # [B] of a receive buffer that is soon full
PAUSE = 0.02  # [s] between two looks


def allow_descriptors(count):
    """This process may have so many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


def dial(authority, receive_buffer=None, tls=None):
    host, port = authority.split(":")
    plain = socket.socket()
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.settimeout(PATIENCE)
    plain.connect((host, int(port)))
    return tls.wrap_socket(plain, server_hostname=host) if tls else plain


def upgraded(authority, token, receive_buffer=None, tls=None):
    """A WebSocket that was let in, and what came after the head."""
    plain = dial(authority, receive_buffer, tls)
    key = base64.b64encode(os.urandom(16)).decode()
    plain.sendall(f"GET /ws?token={token} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
    read = b""
    while b"\r\n\r\n" not in read:
        part = plain.recv(4096)
        assert part, f"closed after {read!r}"
        read += part
    head, rest = read.split(b"\r\n\r\n", 1)
    assert b" 101 " in head, head
    return plain, rest


def frame(opcode, payload=b"", last=True):
    """A client's frame, masked with zeros."""
    length = len(payload)
    assert length < 1 << 16
    head = bytes([opcode | (0x80 if last else 0)])
    head += bytes([0x80 | length]) if length < 126 else bytes([0xFE]) + length.to_bytes(2, "big")
    return head + bytes(4) + payload


def texts(plain, read=b""):
    """The bridge's messages, oldest first, for as long as somebody asks."""
    def exactly(count):
        nonlocal read
        while len(read) < count:
            part = plain.recv(1 << 16)
            assert part, "closed"
            read += part
        taken, read = read[:count], read[count:]
        return taken
    while True:
        first, length = exactly(2)
        if length >= 126:
            length = int.from_bytes(exactly(2 if length == 126 else 8), "big")
        payload = exactly(length)
        if first & 0x0F == TEXT:
            yield json.loads(payload)


class Crowd:
    """Sockets that a thread looks after: it says something again and again, or reads, and notes when each is closed.

    `say` is what is sent: every `pause` seconds, or as much as goes with 0. `reads` false: nothing is read, so that only
    a reset is noticed.
    """

    def __init__(self, sockets, say=b"", pause=1.0, reads=True):
        self.sockets, self.say, self.pause, self.reads = list(sockets), say, pause, reads
        self.closed = {}  # time.monotonic() by place
        self.unsent = {}  # of what is said, by socket: a part of a frame must not be lost
        self.ended = threading.Event()
        for each in self.sockets:
            each.setblocking(False)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        selector = selectors.DefaultSelector()
        flood = selectors.EVENT_WRITE if self.say and not self.pause else 0
        events = (selectors.EVENT_READ if self.reads else 0) | flood
        for place, each in enumerate(self.sockets):
            if events:
                selector.register(each, events, place)
        due = now() + self.pause
        while not self.ended.is_set() and len(self.closed) < len(self.sockets):
            for key, ready in selector.select(PAUSE):
                alive = self.listen(key.fileobj) if ready & selectors.EVENT_READ else True
                if not alive or ready & selectors.EVENT_WRITE and not self.speak(key.fileobj):
                    selector.unregister(key.fileobj)
                    self.closed[key.data] = now()
            if self.say and self.pause and now() >= due:
                due = now() + self.pause
                for each in self.sockets:
                    self.speak(each)

    @staticmethod
    def listen(plain):
        try:
            return bool(plain.recv(1 << 16))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def speak(self, plain):
        rest = self.unsent.pop(plain, self.say)
        try:
            rest = rest[plain.send(rest):]
        except BlockingIOError:
            pass
        except OSError:
            return False
        if rest:
            self.unsent[plain] = rest
        return True

    def wait_closed(self, within=PATIENCE):
        eventually(lambda: len(self.closed) == len(self.sockets), f"all of {len(self.sockets)} are closed", within)

    def end(self):
        self.ended.set()
        self.thread.join(PATIENCE)
        for each in self.sockets:
            each.close()


@contextlib.contextmanager
def crowd(sockets, **how):
    """Looked after, and closed at the end."""
    gathered = Crowd(sockets, **how)
    try:
        yield gathered
    finally:
        gathered.end()


def resident(pid):
    """Memory of a process, bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def processor_time(pid):
    """Spent by a process so far, s."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kernel_memory():
    """What all TCP connections of this machine hold in the kernel, bytes."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1]) * resource.getpagesize()
    raise AssertionError("no TCP in /proc/net/sockstat")


def metrics(authority):
    """Value by name and labels."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://{authority}/metrics", timeout=PATIENCE) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line and line[0] != "#")}
