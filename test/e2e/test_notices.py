"""What the robot's side has to say reaches one user, one group, or all."""

from oht50_bridge.msg import Notice

from peer import RELIABLE


class TestNotices:
    def test_a_notice_reaches_whom_it_is_for(self, world, robot, lan):
        clients = {"lan": lan, "lan's other tab": world.connect(), "mai": world.connect(8, "mai", role="viewer"),
                   "chi": world.connect(9, "chi", role="administrator")}
        publisher = robot.node.create_publisher(Notice, "/oht50_bridge/notice", RELIABLE)
        robot.wait(lambda: publisher.get_subscription_count(), "the bridge subscribes to ~/notice")

        def send(text, **fields):
            publisher.publish(Notice(text=text, **fields))
        send("first", severity=Notice.INFO)  # sent until it arrives: both sides know each other then
        lan.expect("event", event="notice", message="first")
        send("to lan", user_id=7, severity=Notice.WARNING)
        send("to viewers", group="viewer", severity=Notice.CRITICAL)
        send("to operators", group="operator")
        send("to nobody", group="stokers")
        send("to the default group", group="default")
        send("the end", severity=Notice.INFO)
        expected = {
            "lan": ["to lan", "to operators"], "lan's other tab": ["to lan", "to operators"],
            "mai": ["to viewers"], "chi": [],
        }
        severity = {"to lan": "warning", "to viewers": "critical"}
        for name, client in clients.items():
            client.expect("event", event="notice", message="the end")
            heard = [event for _, event in client.take("event") if event["event"] == "notice"]
            assert [event["message"] for event in heard if event["message"] != "first"] == (
                expected[name] + ["to the default group"]), name
            for event in heard:
                assert event["severity"] == severity.get(event["message"], "info")
