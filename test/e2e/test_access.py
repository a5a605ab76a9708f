"""Who gets in, from where, how many, and what each role may do."""

import http.client

import pytest

import programs
from client import Client, token
from programs import Bridge
from waiting import now


class TestRoles:
    ORDERS = ["move_forward", "move_backward", "turn_left", "turn_right", "dock", "undock", "reset_emergency_stop"]

    def test_a_viewer_sees_and_stops_and_does_nothing_else(self, world, robot, lan):
        viewer = world.connect(9, "vu", role="viewer")
        assert viewer.greeting["role"] == "viewer"
        viewer.subscribe("telemetry", "lidar", "robot_status")
        for kind in ("telemetry_update", "lidar_update", "robot_status_update"):
            viewer.expect(kind)
        for command in self.ORDERS:
            answer = viewer.order(command)
            assert (answer["success"], answer["code"]) == (False, "forbidden"), answer
        for command in ("start_scan", "stop_scan", "set_frequency", "set_range"):
            answer = viewer.lidar(command, frequency=10, range=10)
            assert (answer["success"], answer["code"]) == (False, "forbidden"), answer
        sent = now()
        assert lan.order("move_forward", duration=30)["success"]
        robot.first_moving(sent)
        stopped = now()
        assert viewer.order("stop")["success"]
        robot.first_zero(stopped)
        assert viewer.order("emergency_stop")["success"]

    @pytest.mark.parametrize(("claims", "role"), [
        ({}, "operator"), ({"role": "operator"}, "operator"), ({"role": "administrator"}, "administrator"),
        ({"roles": ["viewer", "operator"]}, "operator"), ({"role": "stoker"}, "viewer"), ({"roles": []}, "viewer"),
    ])
    def test_the_role_comes_from_the_token(self, world, robot, claims, role):
        client = world.connect(8, "mai", **claims)
        assert client.greeting["role"] == role
        assert client.order("turn_left", duration=0.05)["success"] == (role != "viewer")

    def test_the_token_may_come_in_the_header_but_not_twice(self, world):
        bearer = {"Authorization": f"Bearer {token(8, 'mai')}"}
        assert world.join(headers=bearer).greeting["username"] == "mai"
        assert world.join(token(), headers=bearer, greeted=False).wait_closed() == (4001, "Invalid token")

    def test_a_newer_token_extends_the_connection_of_its_user(self, world):
        client = world.connect(seconds=5)
        client.say("authenticate", token=token(8, "mai"))
        assert client.expect("error")["code"] == "unauthorized"
        client.say("authenticate", token=token(seconds=1000, role="viewer"))
        authenticated = client.expect("authenticated")
        assert authenticated["role"] == "viewer"
        assert authenticated["token_expires_at"] > client.greeting["token_expires_at"]
        assert client.order("move_forward")["code"] == "forbidden"


class TestDefaultRole:
    PARAMETERS = {"default_role": "viewer", "require_origin": True, "allowed_origins": ["https://console.example"]}
    ROBOT = None

    def test_a_token_without_a_role_gets_the_configured_one(self, world):
        client = world.join(token(), origin="https://console.example")
        assert client.greeting["role"] == "viewer"

    def test_an_origin_can_be_demanded(self, world):
        assert refusal(world, token()) == 403
        assert world.join(token(), origin=f"http://{world.bridge.authority}").greeting


class TestDoor:
    ROBOT = None

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "http://localhost:1"])
    def test_a_foreign_page_gets_403_before_the_upgrade(self, world, origin):
        assert refusal(world, token(), origin=origin) == 403

    def test_the_own_page_and_programs_come_in(self, world):
        assert world.join(token(), origin=f"http://{world.bridge.authority}").greeting
        assert world.join(token()).greeting

    def test_plain_http_shows_the_page(self, world):
        status, headers, body = get(world, "/")
        assert status == 200 and headers["content-type"].startswith("text/html") and b"<" in body
        assert "default-src 'none'" in headers["content-security-policy"]

    @pytest.mark.parametrize(("path", "method", "expected"), [
        ("/nothing", "GET", 404), ("/../Cargo.toml", "GET", 404), ("/ws", "GET", 426), ("/ws", "POST", 405), ("/", "POST", 405),
        ("/", "HEAD", 200),
    ])
    def test_other_requests_are_answered_shortly(self, world, path, method, expected):
        status, _, body = get(world, path, method)
        assert status == expected
        if status != 200:
            assert len(body) < 1024


class TestGuessing:
    PARAMETERS = {"bad_tokens_per_minute": 3}
    ROBOT = None

    def test_who_keeps_guessing_gets_429_and_a_good_token_gets_in(self, world):
        open_before = world.connect(8, "mai")
        for _ in range(3):
            assert world.join(token(secret="guessed"), greeted=False).wait_closed() == (4001, "Invalid token")
        for _ in range(3):
            assert refusal(world, token(secret="guessed")) == 429
        assert world.connect().greeting
        open_before.settle()
        lines = [line for line in world.bridge.log.splitlines() if "too many bad tokens" in line]
        assert len(lines) == 1 and "127.0.0.1" in lines[0]


class TestPool:
    PARAMETERS = {"max_connections": 4, "max_connections_per_user": 2, "operator_places": 1}
    ROBOT = None

    def test_a_user_over_the_cap_loses_his_own_oldest(self, world):
        other = world.connect(8, "mai")
        first, second, third = (world.connect() for _ in range(3))
        assert first.wait_closed()[0] == 4010
        for client in (other, second, third):
            client.settle()

    def test_a_full_pool_loses_its_oldest(self, world):
        clients = [world.connect(user_id, "user") for user_id in range(1, 6)]
        assert clients[0].wait_closed()[0] == 4010
        for client in clients[1:]:
            client.settle()

    def test_a_place_is_kept_for_operators(self, world):
        viewers = [world.connect(user_id, "user", role="viewer") for user_id in range(1, 5)]
        assert viewers[0].wait_closed()[0] == 4010
        operator = world.connect()
        for client in [*viewers[1:], operator]:
            client.settle()


class TestFullPool:
    PARAMETERS = {"max_connections": 2, "max_connections_per_user": 2, "operator_places": 0, "pool_policy": "reject"}
    ROBOT = None

    def test_the_newcomer_is_refused(self, world):
        clients = [world.connect(user_id, "user") for user_id in (1, 2)]
        refused = world.join(token(3), greeted=False)
        assert refused.wait_closed()[0] == 4013
        for client in clients:
            client.settle()
        clients[0].close()
        assert world.connect(3, "user").greeting


def refusal(world, with_token, **options):
    """The HTTP status with which an upgrade is refused."""
    with pytest.raises(Exception) as refused:
        world.join(with_token, **options)
    error = refused.value
    return getattr(error, "status_code", None) or error.response.status_code


def get(world, path, method="GET"):
    connection = http.client.HTTPConnection(world.bridge.authority, timeout=20)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


class TestLeaks:
    ROBOT = None

    def test_even_at_its_most_talkative_the_log_holds_no_part_of_a_token(self, domain, directory):
        bridge = Bridge(directory, environment={"OHT50_JWT_SECRET": programs.SECRET, "RUST_LOG": "trace"})
        client = Client(bridge.url, token())
        client.subscribe("telemetry", "robot_status")
        client.say("authenticate", token=token(seconds=900))
        client.expect("authenticated")
        client.say("authenticate", token=token(secret="guessed"))
        client.expect("error")
        client.say("robot_control", command=token())
        error = client.expect("error")
        client.close()
        for bad in [token(seconds=-1), token(secret="guessed"), token() + "x", token(user_id=None)]:
            assert Client(bridge.url, bad, greeted=False).wait_closed() == (4001, "Invalid token")
        by_header = Client(bridge.url, headers={"Authorization": f"Bearer {token()}"})
        by_header.close()
        assert "DEBUG" in bridge.log, "it was not talkative"
        bridge.end()  # looks at the log and at the audit
        assert len(error["message"]) < 100
