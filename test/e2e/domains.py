"""ROS domains that nobody else on this machine uses: parallel runs must never meet."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

FIRST, LAST = 1, 101  # above, the ports of a domain reach into those that the system hands out
PARTICIPANTS = 8  # of these in a domain, the first one takes a port


class Domains:
    """Hands out domains one after the other, each once, and keeps them to the end."""

    def __init__(self):
        self.locks = []
        self.folder = Path(tempfile.gettempdir()) / f"oht50-e2e-domains-{os.getuid()}"
        self.folder.mkdir(exist_ok=True)
        count = LAST - FIRST + 1
        self.candidates = iter([FIRST + (os.getpid() + step) % count for step in range(count)])

    def next(self):
        """A domain for the programs that are started from now on."""
        for domain in self.candidates:
            lock = open(self.folder / str(domain), "w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            if any(is_taken(domain, participant) for participant in range(PARTICIPANTS)):
                lock.close()
                continue
            self.locks.append(lock)
            os.environ["ROS_DOMAIN_ID"] = str(domain)
            return domain
        raise RuntimeError("every ROS domain of this machine is in use")

    def close(self):
        for lock in self.locks:
            lock.close()


def is_taken(domain, participant):
    """Whether the port is bound at which this participant of the domain is discovered (RTPS 2.5, section 9.6.2)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", 7400 + 250 * domain + 10 + 2 * participant))
        except OSError:
            return True
    return False
