"""Keys and deny list in real files, changed while the real program runs and the robot moves."""

import base64
import json
import time

import pytest

from client import Client, token
from programs import Bridge, parameters_file
from test_startup import POSE, ends_with
from waiting import now

OLD, NEW = "o" * 32, "n" * 32


def key_set(**secrets):
    keys = [{"kty": "oct", "kid": kid, "k": base64.urlsafe_b64encode(secret.encode()).rstrip(b"=").decode()}
            for kid, secret in secrets.items()]
    return json.dumps({"keys": keys})


def replace(path, text):
    """As a whole, so that nobody sees half of it."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.rename(path)


def signed(secret, kid, **claims):
    return token(secret=secret, header={"alg": "HS256", "kid": kid}, **{"iat": int(time.time()), **claims})


@pytest.fixture(autouse=True)
def alone(domain):
    """Every program of this file lives in a domain of its own class."""


@pytest.fixture
def files(directory):
    keys, list_ = directory / "keys.json", directory / "revoked.json"
    replace(keys, key_set(old=OLD))
    replace(list_, "{}")
    return keys, list_


class TestKeys:
    def test_keys_are_rotated_and_tokens_revoked_while_the_program_runs(self, directory, files):
        keys, revoked = files
        bridge = Bridge(directory, {"jwks_file": str(keys), "revocation_file": str(revoked)}, environment={})
        old = Client(bridge.url, signed(OLD, "old"))
        assert Client(bridge.url, signed(NEW, "new"), greeted=False).wait_closed() == (4001, "Invalid token")
        replace(keys, key_set(old=OLD, new=NEW))
        bridge.wait_for_line("are in force")
        new, other = (Client(bridge.url, signed(NEW, "new", jti=name)) for name in ("a", "b"))
        old.settle()
        began = now()
        replace(keys, key_set(new=NEW))
        assert old.wait_closed() == (4001, "Token revoked")
        assert old.closed_at - began < 2.0, "a second, and one for a busy machine"
        replace(revoked, json.dumps({"jti": ["a"]}))
        assert new.wait_closed() == (4001, "Token revoked")
        keys.write_text('{"keys": [')
        bridge.wait_for_line("jwks_file .*keys.json.*it is not JSON")
        other.settle()
        assert Client(bridge.url, signed(OLD, "old"), greeted=False).wait_closed() == (4001, "Invalid token")
        other.close()
        bridge.end()

    @pytest.mark.parametrize(("text", "said"), [
        (key_set(short="x" * 31), ['key 1 ("short")', "31 bytes"]),
        ('{"keys": []}', ["empty"]),
        ("", ["not JSON"]),
        (None, ["keys.json", "cannot be read"]),
    ])
    def test_keys_that_cannot_be_used_are_named_and_nothing_starts(self, directory, files, text, said):
        keys, _ = files
        keys.unlink()
        if text is not None:
            keys.write_text(text)
        file = parameters_file(directory, {**POSE, "state_directory": str(directory / "state"), "jwks_file": str(keys)})
        ends_with(64, "--ros-args", "--params-file", file, environment={}, said=["jwks_file", *said])
        ends_with(64, "--check", "--params-file", file, environment={}, said=["jwks_file", *said])
