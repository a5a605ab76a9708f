"""TLS as OpenSSL sees it, which shares no code with the bridge."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
import warnings

import pytest

from certificates import careless, openssl, own, signed, trusting
from client import Client, token
from programs import Bridge, parameters_file
from test_startup import POSE, ends_with
from waiting import PATIENCE

@contextlib.contextmanager
def shaken(bridge, context, name="127.0.0.1"):
    """A connection after the TLS handshake."""
    host, port = bridge.authority.split(":")
    with socket.create_connection((host, int(port)), PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secure:
            yield secure


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    files = own(directory, "robot")
    bridge = Bridge(directory, files)
    bridge.files = files
    yield bridge
    bridge.end()


class TestHandshake:
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_versions_of_today_are_spoken(self, secure, version):
        context = trusting(secure.files)
        context.minimum_version = context.maximum_version = version
        with shaken(secure, context) as connection:
            assert connection.version() == version.name.replace("_", ".")

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
    def test_older_ones_are_not(self, secure, version):
        context = careless()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises(ssl.SSLError, match="(?i)alert"), shaken(secure, context):
            pass

    @pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AES128-GCM-SHA256"])
    def test_weak_suites_are_not(self, secure, suite):
        context = careless()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(f"{suite}:@SECLEVEL=0")
        with pytest.raises(ssl.SSLError, match="(?i)handshake failure"), shaken(secure, context):
            pass

    def test_http_1_1_is_agreed_upon_and_h2_alone_is_not(self, secure):
        context = trusting(secure.files)
        context.set_alpn_protocols(["h2", "http/1.1"])
        with shaken(secure, context) as connection:
            assert connection.selected_alpn_protocol() == "http/1.1"
        context.set_alpn_protocols(["h2"])
        with pytest.raises(ssl.SSLError), shaken(secure, context):
            pass

    def test_the_name_that_is_asked_for_does_not_matter(self, secure):
        with shaken(secure, careless(), "elsewhere.example") as connection:
            assert connection.version() == "TLSv1.3"

    def test_nobody_renegotiates(self, secure):
        # `R` asks for it, in the openssl command.
        asked = subprocess.run(["openssl", "s_client", "-connect", secure.authority, "-tls1_2"], input=b"R\n", timeout=PATIENCE,
                               capture_output=True)
        assert b"RENEGOTIATING" in asked.stdout + asked.stderr
        assert b"no renegotiation" in asked.stderr

    def test_plain_text_is_dropped(self, secure):
        host, port = secure.authority.split(":")
        with socket.create_connection((host, int(port)), PATIENCE) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: robot\r\n\r\n")
            answer = b""
            with contextlib.suppress(ConnectionError):
                while data := plain.recv(4096):
                    answer += data
        assert b"HTTP" not in answer


def told(bridge, context):
    """Of the certificate, by metrics: days until it ends, and whether its files cannot be used."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with direct.open(f"https://{bridge.authority}/metrics", timeout=PATIENCE) as answer:
        lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[0] != "#")
    of = {name: float(value) for name, value in lines.items() if "certificate_" in name}
    return (of["oht50_bridge_certificate_expiry_timestamp_seconds"] - time.time()) / 86400, of["oht50_bridge_certificate_stale"]


class TestRenewal:
    def test_a_newer_certificate_is_taken_and_nobody_is_cut_off(self, directory):
        files, newer = own(directory, "robot"), own(directory, "newer", "-days", "30")
        bridge = Bridge(directory, files)
        old = trusting(files)
        client = Client(bridge.url, token(), tls=old)
        days, stale = told(bridge, old)
        assert 1.9 < days < 2.1 and not stale
        for parameter, path in files.items():
            shutil.copy(newer[parameter], path)
        bridge.wait_for_line("the certificate was reloaded; it is valid until 2")
        later = Client(bridge.url, token(8, "mai"), tls=trusting(newer))
        client.settle()
        days, stale = told(bridge, trusting(newer))
        assert 29.9 < days < 30.1 and not stale
        with open(files["tls_key_file"], "w") as file:
            file.write("half a k")
        bridge.wait_for_line("the certificate's files cannot be used")
        Client(bridge.url, token(9, "vu"), tls=trusting(newer)).close()
        days, stale = told(bridge, trusting(newer))
        assert 29.9 < days < 30.1 and stale
        for each in (client, later):
            each.settle()
            each.close()
        bridge.end()
        assert bridge.log.count("files cannot be used") == 1


class TestClientCertificates:
    def test_nobody_gets_in_without_one(self, directory):
        files, authority, foreign = (own(directory, name) for name in ("robot", "authority", "foreign"))
        bridge = Bridge(directory, {**files, "tls_client_ca_file": authority["tls_cert_file"]})
        with_none, with_good, with_foreign = (trusting(files) for _ in range(3))
        with_good.load_cert_chain(*signed(directory, "console", authority))
        with_foreign.load_cert_chain(*signed(directory, "stranger", foreign))
        client = Client(bridge.url, token(), tls=with_good)
        for context in (with_none, with_foreign):
            with pytest.raises(Exception):
                Client(bridge.url, token(), tls=context)
        client.settle()
        client.close()
        bridge.end()


class TestStart:
    def test_what_will_be_a_surprise_is_said(self, directory):
        files = own(directory, "robot")
        file = parameters_file(directory, {**POSE, **files})
        assert "WARN" not in ends_with(0, "--check", "--params-file", file, environment={})
        certificate, key = files.values()
        openssl("x509", "-in", certificate, "-signkey", key, "-days", "-1", "-out", certificate)
        (directory / "robot-key.pem").chmod(0o644)
        said = [certificate, "has expired: it was valid until 20", key, "can be read by everybody"]
        ends_with(0, "--check", "--params-file", file, environment={}, said=said)

    def test_a_key_of_another_certificate_is_refused(self, directory):
        files, other = own(directory, "robot"), own(directory, "other")
        file = parameters_file(directory, {**POSE, **files, "tls_key_file": other["tls_key_file"]})
        ends_with(64, "--check", "--params-file", file, environment={}, said=["robot.pem", "other-key.pem"])
