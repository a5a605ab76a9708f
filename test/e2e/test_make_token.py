"""Tokens of ./dev token, as the real program judges them."""

import json
import subprocess
import sys

import pytest

import programs
from certificates import openssl
from client import Client
from programs import ROOT, Bridge

KINDS = {
    "EdDSA": ["ed25519"],
    "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}
FOR = {"token_issuer": "https://issuer.example", "token_audience": "robots"}
TO = ["--issuer", FOR["token_issuer"], "--audience", FOR["token_audience"]]


def make(*arguments, environment=None, **more):
    """What it prints, or says where it fails."""
    arguments = ["--user-id", "7", "--name", "lan", "--role", "operator", *map(str, arguments)]
    done = subprocess.run([sys.executable, ROOT / "tools" / "make_token.py", *arguments], env=environment, text=True,
                          capture_output=True, **more)
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr
    programs.issued.extend(done.stdout.split())
    return done.stdout.strip() or done.stderr


def key(directory, name, *kind):
    file = directory / f"{name}.pem"
    openssl("genpkey", "-algorithm", *kind, "-out", file)
    return file


def enter(bridge, with_token):
    """As whom, or why not."""
    client = Client(bridge.url, with_token, greeted=False)
    client.signal.wait_for(lambda: client.inbox or client.closed_at)
    if not client.inbox:
        return client.wait_closed()
    client.close()
    return client.inbox[0][1]["username"]


class TestPrivateKeys:
    def test_a_bridge_with_the_key_set_lets_the_token_in(self, domain, directory):
        keys = directory / "keys.json"
        tokens = {}
        for algorithm, kind in KINDS.items():
            file = key(directory, algorithm, *kind)
            tokens[algorithm] = make("--key", file, "--kid", f"the {algorithm}", "--jwks", keys, *TO)
            # Again, in its own place.
            make("--key", file, "--kid", f"the {algorithm}", "--jwks", keys)
        told = json.loads(keys.read_text())["keys"]
        assert [(each["kid"], each["alg"]) for each in told] == [(f"the {algorithm}", algorithm) for algorithm in KINDS]
        assert not {"d", "p", "q"}.intersection(*told), "a private half"
        nameless = make("--key", directory / "EdDSA.pem", "--jwks", keys, *TO)
        bridge = Bridge(directory, {**FOR, "jwks_file": str(keys)}, environment={})
        for with_token in [*tokens.values(), nameless]:
            assert enter(bridge, with_token) == "lan"
        for wrong in (["--kid", "the ES256", *TO], ["--kid", "the EdDSA", *TO[:2]], ["--kid", "the EdDSA", *TO[:3], "others"]):
            assert enter(bridge, make("--key", directory / "EdDSA.pem", *wrong)) == (4001, "Invalid token")
        bridge.end()

    @pytest.mark.parametrize("kind", [["EC", "-pkeyopt", "ec_paramgen_curve:P-384"], ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"], ["X25519"]])
    def test_a_key_that_the_bridge_refuses_is_named(self, directory, kind):
        file = key(directory, "other", *kind)
        assert f"{file} is of no use to the bridge" in make("--key", file)

    def test_what_cannot_be_used_is_said_in_a_line(self, directory):
        file = key(directory, "good", "ed25519")
        other = directory / "other.json"
        other.write_text("[]")
        for arguments, said in [
            (["--key", directory / "absent"], "No such file"),
            (["--key", other], "openssl pkey"),
            (["--key", file, "--jwks", other], "no JWK Set"),
        ]:
            answer = make(*arguments)
            assert said in answer and answer.count("\n") == 1
        assert "--jwks goes with --key" in make("--jwks", other)
        assert "apt-get install openssl" in make("--key", file, environment={"PATH": str(directory)})


class TestTheSecret:
    def test_it_needs_nothing_but_python(self, domain, directory):
        secret = {"OHT50_JWT_SECRET": programs.SECRET, "PATH": str(directory)}
        bridge = Bridge(directory, FOR)
        assert enter(bridge, make(*TO, environment=secret)) == "lan"
        assert enter(bridge, make(environment=secret)) == (4001, "Invalid token")
        bridge.end()
