"""A token for the WebSocket at /ws, signed with the development secret or with a private key. Called as ./dev token.

The secret is that of OHT50_JWT_SECRET_FILE or OHT50_JWT_SECRET; without either, one is made once and kept in .ros/.
"""

import argparse
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
from pathlib import Path

from private_key import PrivateKey, encode

SECRET_FILE = Path(__file__).resolve().parent.parent / ".ros" / "dev-jwt-secret"
ROLES = ("viewer", "operator", "administrator")
LONGEST_KID = 256  # bytes
SHORTEST_SECRET = 32  # bytes; the bridge refuses a shorter one


def secret() -> "Secret":
    """The key that the bridge in this environment checks tokens with."""
    if file := os.environ.get("OHT50_JWT_SECRET_FILE"):
        # As the bridge reads it: a newline at the end of the file is not part of the secret.
        key, origin = Path(file).read_bytes().removesuffix(b"\n").removesuffix(b"\r"), file
    elif text := os.environ.get("OHT50_JWT_SECRET"):
        key, origin = text.encode(), "OHT50_JWT_SECRET"
    else:
        make_development_secret()
        key, origin = SECRET_FILE.read_bytes(), str(SECRET_FILE)
    if len(key) < SHORTEST_SECRET:
        raise ValueError(f"the secret in {origin} has {len(key)} bytes; at least {SHORTEST_SECRET} are needed")
    return Secret(key)


def make_development_secret() -> None:
    """Create the secret's file, readable by its owner alone, unless it is there."""
    if SECRET_FILE.exists():
        return
    SECRET_FILE.parent.mkdir(exist_ok=True)
    # Whole or not at all, and only the first of two at the same time: written aside, then linked into place.
    aside = SECRET_FILE.with_name(f"{SECRET_FILE.name}.{os.getpid()}")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(aside, SECRET_FILE)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


class Secret:
    """Signs with HS256, by the standard library alone."""

    algorithm = "HS256"

    def __init__(self, key: bytes):
        self.key = key

    def sign(self, text: bytes) -> bytes:
        return hmac.digest(self.key, text, hashlib.sha256)


def make_token(key: Secret | PrivateKey, claims: dict, ttl: int, kid: str | None = None) -> str:
    """A JWT (RFC 7519) of the claims that are not None, good for `ttl` seconds."""
    now = int(time.time())
    header = given({"alg": key.algorithm, "typ": "JWT", "kid": kid})
    signed = ".".join(encode(json.dumps(part, separators=(",", ":")).encode())
                      for part in (header, {**given(claims), "iat": now, "exp": now + ttl}))
    return f"{signed}.{encode(key.sign(signed.encode()))}"


def given(members: dict) -> dict:
    return {name: value for name, value in members.items() if value is not None}


def add_to_key_set(file: Path, jwk: dict) -> None:
    """Write it into the JWK Set beside keys of other names, in place of one of the same; no reader sees half of it."""
    try:
        keys = json.loads(file.read_text())["keys"] if file.exists() else []
        keys = [key for key in keys if key.get("kid") != jwk.get("kid")] + [jwk]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{file} is there, and no JWK Set") from None
    aside = file.with_name(f"{file.name}.{os.getpid()}")
    aside.write_text(json.dumps({"keys": keys}, indent=2) + "\n")
    aside.rename(file)


def positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < number < 2**53:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return number


def text(longest: float):
    def check(text: str) -> str:
        if not text.strip() or len(text.encode()) > longest:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is empty or too long")
        return text
    return check


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev token", description="Print a token for the WebSocket at /ws.")
    some = text(float("inf"))
    parser.add_argument("--user-id", type=positive, required=True, help="the user's number, 1 or more")
    parser.add_argument("--name", type=some, required=True, help="the user's name (the claim sub)")
    parser.add_argument("--role", choices=ROLES, help="left out: the token names none, and the bridge gives its default")
    parser.add_argument("--ttl", type=positive, default=3600, help="seconds until it expires (3600)")
    parser.add_argument("--issuer", type=some, help="the claim iss, for a bridge with token_issuer")
    parser.add_argument("--audience", type=some, help="the claim aud, for a bridge with token_audience")
    parser.add_argument("--kid", type=text(LONGEST_KID), help="the name of the key, in the token's header")
    parser.add_argument("--key", type=Path, metavar="PEM", help="sign with this private key, and not with the secret: EdDSA with "
                        "Ed25519, ES256 with P-256, RS256 with RSA; needs the openssl command")
    parser.add_argument("--jwks", type=Path, metavar="FILE", help="write the key's public half into this JWK Set, for jwks_file")
    arguments = parser.parse_args()
    if arguments.jwks and not arguments.key:
        parser.error("--jwks goes with --key: a secret does not belong into a file of public keys")
    claims = {"user_id": arguments.user_id, "sub": arguments.name, "role": arguments.role, "iss": arguments.issuer,
              "aud": arguments.audience}
    try:
        key = PrivateKey(arguments.key) if arguments.key else secret()
        token = make_token(key, claims, arguments.ttl, arguments.kid)
        if arguments.jwks:
            add_to_key_set(arguments.jwks, key.jwk(arguments.kid))
    except (OSError, ValueError) as error:
        sys.exit(f"./dev token: {error}")
    print(token)


if __name__ == "__main__":
    main()
