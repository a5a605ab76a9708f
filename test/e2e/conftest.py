"""Fixtures of the end-to-end tests, and what they print: the log of every program when a test fails, and the figures."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"

import pytest

import figures
import programs
from domains import Domains
from peer import Robot
from world import World


def pytest_collection_finish(session):
    """Without the executables nothing can be said, and that is a failure."""
    if session.items and (reason := programs.missing()):
        raise pytest.UsageError(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed:
        for program in programs.started:
            report.sections.append((f"log of {program.name} {program.pid}", "".join(program.lines[-60:])))
    return report


def pytest_sessionfinish(session):
    """A worker of pytest-xdist has no terminal, and hands its figures on."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["figures"] = figures.taken()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """They come when a worker ends; from one that crashed there are none."""
    figures.take(getattr(node, "workeroutput", {}).get("figures", ([], [])))


def pytest_terminal_summary(terminalreporter):
    if lines := figures.table():
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def domains():
    domains = Domains()
    yield domains
    domains.close()


@pytest.fixture(scope="class")
def domain(domains):
    """A ROS domain of this class's own; every process that is started lives in it."""
    return domains.next()


@pytest.fixture(scope="class", autouse=True)
def nothing_is_left():
    """Whatever a failed test left behind is killed."""
    yield
    for program in programs.started:
        if program.process.poll() is None:
            program.kill()
    programs.started.clear()


@pytest.fixture(scope="class")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("bridge")


@pytest.fixture(scope="class")
def class_world(request, domain, directory):
    """The class says by PARAMETERS, ROS_ARGUMENTS and ROBOT (None: no robot) or make_peer what it needs."""
    def of(name, default):
        return getattr(request.cls, name, default)

    def robot():
        if make_peer := of("make_peer", None):
            return make_peer(domain, directory)
        options = of("ROBOT", {})
        return None if options is None else Robot(domain, **options)
    world = World(directory, of("PARAMETERS", {}), of("ROS_ARGUMENTS", ()), robot)
    yield world
    world.close()


@pytest.fixture
def world(class_world):
    yield class_world
    class_world.after_test()


@pytest.fixture
def robot(world):
    return world.robot


@pytest.fixture
def lan(world):
    """An operator's connection."""
    return world.connect()
