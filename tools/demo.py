"""The simulated robot and the bridge, as two processes that live and end together. Called as ./dev demo.

Exit code: 0 after Ctrl-C or SIGTERM; else the code of the process that failed (128 + N when signal N ended it).
"""

import argparse
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import make_token

ROOT = Path(__file__).resolve().parent.parent
TOKEN_TTL = 12 * 3600  # [s] a working day
STARTUP_LIMIT = 30.0  # [s] until the bridge must listen
SHUTDOWN_LIMIT = 10.0  # [s] for each process to end by itself
POLL = 0.05  # [s] between two attempts to connect; nothing announces that a port listens
ENDINGS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}

libc = ctypes.CDLL(None)


class Failed(Exception):
    """The demo cannot go on; the text says why."""

    def __init__(self, text: str, code: int = 1):
        super().__init__(text)
        self.code = code


class Ended(Exception):
    """Somebody asked the demo to end."""


class Program:
    """One of the two processes, with its output in a file."""

    def __init__(self, name: str, log: Path, *arguments: str):
        self.name = name
        self.log = log
        executable = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / name
        with open(log, "wb") as output:
            self.process = subprocess.Popen(
                [executable, *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                # Ctrl-C goes to all of a terminal's group; only we decide who ends when.
                start_new_session=True, preexec_fn=settle_child)

    def check(self) -> None:
        """Fail if the process has ended: neither does so by itself."""
        code = self.process.poll()
        if code is None:
            return
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])
        raise Failed(f"{self.name} ended with {code}; the end of {self.log}:\n{tail}", 128 - code if code < 0 else code or 1)

    def end(self) -> bool:
        """Ask the process to end and wait for it; False if it had to be killed."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(SHUTDOWN_LIMIT)
            return True
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            print(f"demo: {self.name} did not end within {SHUTDOWN_LIMIT:.0f} s and was killed", file=sys.stderr)
            return False


def settle_child() -> None:
    """In the new process: no signal blocked, and an end when the demo itself is killed, so that no robot is left driving."""
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def await_signal(seconds: float | None) -> None:
    """Wait until a child ended or the time is over; raise Ended when the demo is asked to end."""
    wanted = ENDINGS | {signal.SIGCHLD}
    received = signal.sigwait(wanted) if seconds is None else getattr(signal.sigtimedwait(wanted, seconds), "si_signo", None)
    if received in ENDINGS:
        raise Ended


def await_listening(address: tuple[str, int], programs: list[Program]) -> None:
    for _ in range(int(STARTUP_LIMIT / POLL)):
        for program in programs:
            program.check()
        try:
            socket.create_connection(address, timeout=1).close()
            return
        except OSError:
            await_signal(POLL)
    raise Failed(f"the bridge does not listen on port {address[1]} after {STARTUP_LIMIT:.0f} s; its output is in {programs[-1].log}")


def choose_port(address: str, port: int) -> int:
    """The port itself if it is free, and any free one for 0."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise Failed(f"cannot use {address} port {port}: {error.strerror} (another one: --port N)") from error
        return probe.getsockname()[1]


def shown_host(address: str) -> str:
    """What another machine types to get here; for an address that means "all of them", that of the way out."""
    if address in ("0.0.0.0", "::"):
        family, far_away = (socket.AF_INET6, "2001:db8::1") if ":" in address else (socket.AF_INET, "192.0.2.1")
        with socket.socket(family, socket.SOCK_DGRAM) as way_out:
            try:
                way_out.connect((far_away, 9))  # of a datagram socket: nothing is sent
                address = way_out.getsockname()[0]
            except OSError:
                address = "::1" if ":" in address else "127.0.0.1"
    return f"[{address}]" if ":" in address else address


def announce(arguments: argparse.Namespace, port: int, token: str, programs: list[Program]) -> None:
    host = shown_host(arguments.bind)
    http, ws = f"http://{host}:{port}/", f"ws://{host}:{port}/ws?token={token}"
    simulator, bridge = programs
    if arguments.headless:
        print(json.dumps({"http": http, "ws": ws, "token": token, "port": port,
                          "ros_domain_id": int(os.environ["ROS_DOMAIN_ID"]),
                          "bridge_pid": bridge.process.pid, "sim_pid": simulator.process.pid}), flush=True)
        return
    # In the fragment, which a browser does not send.
    print(f"""
  The robot runs. Operator page, with a token of {TOKEN_TTL // 3600} h:
  {http}#token={token}

  WebSocket, with the same:
  {ws}

  ROS domain {os.environ["ROS_DOMAIN_ID"]}; look at it with:   ./dev ros -- python3 ...
  Logs: {bridge.log.relative_to(ROOT)}, {simulator.log.name}
  Ctrl-C ends both.
""", flush=True)


def run(arguments: argparse.Namespace) -> None:
    key = make_token.secret()
    port = choose_port(arguments.bind, arguments.port)
    if not (os.environ.get("OHT50_JWT_SECRET_FILE") or os.environ.get("OHT50_JWT_SECRET")):
        os.environ["OHT50_JWT_SECRET_FILE"] = str(make_token.SECRET_FILE)
    token = make_token.make_token(key, {"user_id": 1, "sub": "demo", "role": "operator"}, TOKEN_TTL)
    options = ["--ros-args", "--params-file", str(ROOT / "config" / "bridge.yaml"), "-p", f"port:={port}",
               # The simulator is its own LiDAR driver, and a demo's emergency stop is not the robot's.
               "-p", "lidar_node:=oht50_sim", "-p", f"state_directory:={ROOT / '.ros' / 'state'}"]
    if arguments.bind != "127.0.0.1":
        print(f"demo: warning: listening on {arguments.bind} without TLS: everybody on this network can read the token",
              file=sys.stderr)
        options += ["-p", f"bind_address:={arguments.bind}", "-p", "allow_plaintext:=true"]
    logs = ROOT / ".ros" / "logs"
    programs: list[Program] = []
    try:
        programs.append(Program("oht50_sim", logs / f"demo-{port}-sim.log",
                                "--ros-args", "--params-file", str(ROOT / "config" / "sim.yaml")))
        programs.append(Program("oht50_bridge", logs / f"demo-{port}-bridge.log", *options))
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(arguments.bind, arguments.bind)
        await_listening((here, port), programs)
        announce(arguments, port, token, programs)
        while True:
            await_signal(None)
            for program in programs:
                program.check()
    except Ended:
        if not arguments.headless:
            print("\ndemo: ending", file=sys.stderr)
    finally:
        # The bridge first: its last words to the robot are a zero velocity, and somebody should hear them.
        clean = [program.end() for program in reversed(programs)]
    if not all(clean):
        raise Failed("not everything ended cleanly")


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev demo", description="Run the simulated robot and the bridge.")
    parser.add_argument("--port", type=int, default=8080, help="of the bridge (8080); 0: any free one")
    parser.add_argument("--bind", default="127.0.0.1", metavar="ADDR",
                        help="listen on this address, without TLS, as for a tablet on the same network (127.0.0.1)")
    parser.add_argument("--headless", action="store_true",
                        help="for scripts: once the bridge listens, print one line of JSON to stdout (http, ws, token, "
                             "port, ros_domain_id, bridge_pid, sim_pid), and nothing else")
    arguments = parser.parse_args()
    if not 0 <= arguments.port < 65536:
        parser.error("--port is a number from 0 to 65535")
    # Signals are waited for, like everything else, so that none can arrive between two steps.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS | {signal.SIGCHLD})
    try:
        run(arguments)
    except Failed as error:
        print(f"demo: error: {error}", file=sys.stderr)
        sys.exit(error.code)
    except (OSError, ValueError) as error:
        sys.exit(f"demo: error: {error}")


if __name__ == "__main__":
    main()
