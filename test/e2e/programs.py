"""The real executables as processes: started, waited for by their log, ended by their process id."""

import json
import os
import re
import secrets
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

from waiting import PATIENCE, Signal

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
SECRET = secrets.token_hex(32)
TELLING = 16  # characters of a token in a row
LISTENING = re.compile(r"listening on (wss?://\S+:\d+/ws)")

started = []  # programs of this test and of its fixtures, for the report of a failure
issued = []  # tokens, no part of which may ever be logged


def executable(name):
    """As cargo builds it; OHT50_TARGET_DIR and CARGO_TARGET_DIR say where."""
    target = os.environ.get("OHT50_TARGET_DIR") or os.environ.get("CARGO_TARGET_DIR") or ROOT / "target"
    return Path(target) / "debug" / name


class Program:
    """A process with its log."""

    def __init__(self, name, *arguments, environment=None, stdin=subprocess.DEVNULL):
        self.name = name
        self.lines = []
        self.signal = Signal()
        env = {key: value for key, value in os.environ.items() if not key.startswith("OHT50_JWT_SECRET")}
        env |= {"NO_COLOR": "1", **({"OHT50_JWT_SECRET": SECRET} if environment is None else environment)}
        self.process = subprocess.Popen(
            [executable(name), *map(str, arguments)], env=env, stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        started.append(self)

    @property
    def log(self):
        return "".join(self.lines)

    @property
    def pid(self):
        return self.process.pid

    def read(self):
        for line in self.process.stdout:
            with self.signal:
                self.lines.append(line)
        with self.signal:
            self.process.wait()

    def wait_for_line(self, pattern, within=PATIENCE):
        """The match of the first line like this; fails if the process ends without it."""
        found = lambda: next(filter(None, (re.search(pattern, line) for line in self.lines)), None)
        self.signal.wait_for(lambda: found() or self.process.returncode is not None, within)
        assert found(), f"{self.name} never said {pattern!r}; it said:\n{self.log}"
        return found()

    def wait(self, within=PATIENCE):
        """The exit code; negative: the signal that ended it."""
        code = self.process.wait(within)
        self.reader.join(within)
        return code

    def send(self, number):
        self.process.send_signal(number)

    def end(self):
        """Orderly; what does not end is killed, and said so."""
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end on SIGTERM; it said:\n{self.log}") from None

    def kill(self):
        self.send(signal.SIGKILL)
        return self.wait()


class Bridge(Program):
    """`oht50_bridge`; ready once it listens."""

    def __init__(self, directory, parameters=None, ros_arguments=(), environment=None):
        self.directory = directory
        file = parameters_file(directory, {"port": 0, "state_directory": str(directory / "state"), **(parameters or {})})
        super().__init__("oht50_bridge", "--ros-args", "--params-file", CONFIG / "bridge.yaml", "--params-file", file,
                         *ros_arguments, environment=environment)
        self.url = self.wait_for_line(LISTENING)[1]

    @property
    def authority(self):
        return self.url.split("/")[2]

    def end(self):
        """A bridge that was asked to end does so without a fault, and has told nobody's token."""
        try:
            if self.process.poll() is None:
                code = super().end()
                assert code == 0, f"the bridge ended with {code}; it said:\n{self.log}"
        finally:
            self.assert_no_leak()

    def assert_no_leak(self):
        audit = "".join(path.read_text() for path in Path(self.directory).rglob("audit*.jsonl") if path.is_file())
        telling = {part for text in [SECRET, *issued] for part in parts(text)}
        assert not telling.intersection(parts(self.log)), "the log holds a part of a token or of the secret"
        assert not telling.intersection(parts(audit)), "the audit log holds a part of a token or of the secret"


def parts(text):
    """All that is long enough to tell something."""
    return (text[at:at + TELLING] for at in range(len(text) - TELLING + 1))


class Simulator(Program):
    """`oht50_sim`; ready once it simulates."""

    def __init__(self, directory, parameters=None, ros_arguments=()):
        file = parameters_file(directory, parameters or {"people": 0})
        super().__init__("oht50_sim", "--ros-args", "--params-file", CONFIG / "sim.yaml", "--params-file", file,
                         *ros_arguments, environment={})
        self.wait_for_line("simulating")


def parameters_file(directory, parameters):
    """A file for `--params-file`, valid for every node."""
    lines = [f"    {name}: {json.dumps(value)}" for name, value in parameters.items()]
    handle, path = tempfile.mkstemp(".yaml", dir=directory)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(["/**:", "  ros__parameters:", *lines, ""]))
    return path


def missing():
    """Why the executables cannot run, if they cannot."""
    names = [name for name in ("oht50_bridge", "oht50_sim") if not executable(name).exists()]
    return f"{', '.join(map(str, map(executable, names)))} not built: ./dev build" if names else None
