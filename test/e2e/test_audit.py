"""The audit log: who did what, on the disk, and nothing moves without it."""

import json

from waiting import eventually, now


def lines(directory):
    """The lines of the log, oldest first."""
    path = directory / "state" / "audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def one(directory, **fields):
    """The only line like this; it may still be on its way."""
    def like():
        return [line for line in lines(directory) if all(line.get(key) == value for key, value in fields.items())]
    eventually(like, f"a line with {fields}")
    assert len(like()) == 1, like()
    return like()[0]


class TestAudit:
    def test_who_drove_stopped_and_was_refused_can_be_read(self, world, robot, lan, directory):
        sent = now()
        assert lan.order("move_forward", speed=0.2, duration=30)["success"]
        robot.first_moving(sent)
        lan.say("control", action="take_over")
        assert lan.expect("control_response")["code"] == "forbidden"
        viewer = world.connect(9, "vu", role="viewer")
        assert viewer.order("move_forward")["code"] == "forbidden"
        assert viewer.order("stop")["success"]

        moved = one(directory, user="lan", command="move_forward")
        assert (moved["kind"], moved["result"], moved["user_id"], moved["role"]) == ("command", "success", 7, "operator")
        assert moved["parameters"] == {"speed": 0.2, "duration": 30.0}
        assert moved["address"].startswith("127.0.0.1:")
        refused = one(directory, user="lan", command="take_over")
        assert (refused["result"], refused["code"]) == ("failure", "forbidden")
        assert one(directory, user="vu", command="move_forward")["code"] == "forbidden"
        stopped = one(directory, user="vu", command="stop")
        assert (stopped["kind"], stopped["result"], stopped["count"]) == ("stop", "latched", 1)
        assert one(directory, event="motion_aborted")["data"] == {"command": "move_forward", "reason": "stopped", "zone": None}
        assert moved["time"] < refused["time"] < stopped["time"]

    def test_a_crash_and_an_orderly_end_can_be_told_apart(self, world, directory):
        def marks():
            return [line["event"] for line in lines(directory) if line.get("event") in ("started", "server_stopping")]
        assert marks() == ["started"]
        world.observer.close()
        world.bridge.kill()
        world.start_bridge()
        eventually(lambda: marks() == ["started", "started"], "the second start")
        world.observer.close()
        world.bridge.end()
        assert marks() == ["started", "started", "server_stopping"]
        world.start_bridge()

    def test_without_it_nothing_new_moves_and_a_stop_does(self, world, robot, lan, directory):
        state, away = directory / "state", directory / "away"
        sent = now()
        assert lan.order("turn_left", speed=0.1, duration=30)["success"]
        robot.first_moving(sent)
        state.rename(away)
        eventually(lambda: lan.order("turn_right", speed=0.1).get("code") == "audit_unavailable", "a refusal", pause=0.2)
        stopped = now()
        assert lan.order("stop")["success"]
        robot.first_zero(stopped)
        assert lan.order("turn_right")["code"] == "audit_unavailable"
        away.rename(state)
        eventually(lambda: lan.order("turn_right", duration=0.1)["success"], "a motion again", pause=0.2)
        assert any(line.get("code") == "audit_unavailable" for line in lines(directory))
        assert any(line.get("command") == "stop" and line["user"] == "lan" for line in lines(directory))
