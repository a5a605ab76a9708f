"""A token for the WebSocket at /ws, signed with the development secret. Called as ./dev token.

The secret is that of OHT50_JWT_SECRET_FILE or OHT50_JWT_SECRET; without either, one is made once and kept in .ros/.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
from pathlib import Path

SECRET_FILE = Path(__file__).resolve().parent.parent / ".ros" / "dev-jwt-secret"
ROLES = ("viewer", "operator", "administrator")
SHORTEST_SECRET = 32  # bytes; the bridge refuses a shorter one


def secret() -> bytes:
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
    return key


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


def make_token(key: bytes, user_id: int, name: str, role: str | None, ttl: int) -> str:
    """A JWT (RFC 7519) signed with HS256."""
    now = int(time.time())
    claims = {"user_id": user_id, "sub": name, "iat": now, "exp": now + ttl}
    if role is not None:
        claims["role"] = role
    signed = ".".join(encode(json.dumps(part, separators=(",", ":")).encode())
                      for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{encode(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < number < 2**53:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return number


def user_name(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev token", description="Print a token for the WebSocket at /ws.")
    parser.add_argument("--user-id", type=positive, required=True, help="the user's number, 1 or more")
    parser.add_argument("--name", type=user_name, required=True, help="the user's name (the claim sub)")
    parser.add_argument("--role", choices=ROLES, help="left out: the token names none, and the bridge gives its default")
    parser.add_argument("--ttl", type=positive, default=3600, help="seconds until it expires (3600)")
    arguments = parser.parse_args()
    try:
        print(make_token(secret(), arguments.user_id, arguments.name, arguments.role, arguments.ttl))
    except (OSError, ValueError) as error:
        sys.exit(f"./dev token: {error}")


if __name__ == "__main__":
    main()
