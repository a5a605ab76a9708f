"""Certificates, made by the openssl command, and how a client looks at them."""

import os
import shutil
import ssl
import subprocess

import pytest

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*arguments):
    """Runs it. Without it the test cannot: continuous integration must have everything, people are told what they miss."""
    if not shutil.which("openssl"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs the openssl command")
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def own(directory, name, *more):
    """A certificate of its own and its key, as parameters."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}-key.pem"
    openssl("req", "-x509", *CURVE, "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", certificate, *more)
    key.chmod(0o600)
    return {"tls_cert_file": str(certificate), "tls_key_file": str(key)}


def signed(directory, name, by):
    """A client's certificate, signed with another's key."""
    request, certificate, key, use = (directory / f"{name}{end}" for end in (".csr", ".pem", "-key.pem", ".ext"))
    use.write_text("extendedKeyUsage = clientAuth\n")
    openssl("req", "-new", *CURVE, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", by["tls_cert_file"], "-CAkey", by["tls_key_file"], "-CAcreateserial",
            "-extfile", use, "-days", "2", "-out", certificate)
    return certificate, key


def trusting(files):
    return ssl.create_default_context(cafile=files["tls_cert_file"])


def careless():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
