"""A disk without room: what is written to /dev/full fails as on a file system that has none left."""

from crowd import processor_time
from figures import measured, noted
from test_audit import lines
from test_keepers import unready
from waiting import eventually, now

FULL = "/dev/full"
WATCHED = 2.0  # [s] long enough to tell whether something spins
SLACK = 0.5  # of a processor, beside what the bridge needs anyway


def share(bridge, client, what=None):
    """Of a processor, while emergency stops are asked for and answered."""
    spent, begun = processor_time(bridge.pid), now()
    while now() < begun + WATCHED:
        asked = now()
        assert client.order("emergency_stop")["success"]
        assert now() - asked < 1.0
        client.signal.wait_for(lambda: False, 0.1)
    used = (processor_time(bridge.pid) - spent) / (now() - begun)
    if what:
        noted(what, f"{100 * used:.0f} % of a processor")
    return used


def fill(log, aside):
    """Puts a log without room in the place of `log`, which is kept `aside`.

    At one blow: between two steps the bridge would find no log there, and begin another.
    """
    full = log.with_name("full")
    full.symlink_to(FULL)
    aside.hardlink_to(log)
    full.replace(log)


class TestFullDisk:
    def test_without_room_for_the_audit_log_what_moves_goes_on_stops_work_and_it_recovers(self, world, robot, lan, directory):
        bridge, log, aside = world.bridge, directory / "state" / "audit.jsonl", directory / "aside.jsonl"
        usual = share(bridge, lan)
        world.release()
        sent = now()
        assert lan.order("turn_left", speed=0.1, duration=30)["success"]
        robot.first_moving(sent)
        fill(log, aside)
        eventually(lambda: lan.order("turn_right", speed=0.1).get("code") == "audit_unavailable", "a refusal", pause=0.2)
        assert unready(bridge) == {"audit"}
        assert robot.commands[-1].moves, "what moves goes on"
        stopped = now()
        assert lan.order("stop")["success"]
        robot.first_zero(stopped)
        assert share(bridge, lan, "without room for the audit log") < usual + SLACK, "it spins"
        world.release()
        assert lan.order("turn_right")["code"] == "audit_unavailable"
        aside.replace(log)
        begun = now()
        eventually(lambda: not unready(bridge), "ready again")
        measured("audit log kept again after the disk was full", [now() - begun], 1.0)
        assert lan.order("turn_right", duration=0.1)["success"]
        assert bridge.log.count("the audit log cannot be written") == 1
        kept = lines(directory)
        assert any(line.get("code") == "audit_unavailable" for line in kept)
        assert any(line.get("command") == "stop" and line["user"] == "lan" for line in kept)
        assert not any(line.get("event") == "lines_lost" for line in kept)

    def test_without_room_for_the_latch_the_robot_stops_and_the_latch_is_kept_as_soon_as_there_is_some(self, world, robot, lan, directory):
        bridge, latch, beside = world.bridge, directory / "state" / "emergency_stop", directory / "state" / "emergency_stop.new"
        usual = share(bridge, lan)
        world.release()
        eventually(lambda: latch.read_text() == "released\n", "the release on the disk")
        beside.symlink_to(FULL)
        sent = now()
        assert lan.order("move_forward", speed=0.2, duration=30)["success"]
        robot.first_moving(sent)
        stopped = now()
        assert lan.order("emergency_stop")["success"]
        robot.first_zero(stopped)
        bridge.wait_for_line("the emergency-stop latch cannot be written")
        assert share(bridge, lan, "without room for the latch") < usual + SLACK, "it spins"
        assert latch.read_text() == "released\n"
        beside.unlink()
        begun = now()
        eventually(lambda: latch.read_text().startswith("latched\nPressed by lan"), "the latch on the disk")
        measured("latch kept after the disk was full", [now() - begun], 1.0)
        bridge.wait_for_line("the emergency-stop latch was written")
        assert bridge.log.count("the emergency-stop latch cannot be written") == 1
        world.observer.close()
        bridge.kill()
        world.start_bridge()
        stop = world.status()["emergency_stop"]
        assert stop["active"] and "Pressed by lan" in stop["reason"]
