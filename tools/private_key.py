"""A private key in a PEM file, by the openssl command: what it signs, and its public half as a JWK (RFC 7517)."""

import base64
import subprocess
import tempfile
from pathlib import Path

ED25519 = bytes.fromhex("302a300506032b6570032100")  # what stands before the key in its DER (RFC 8410)
P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200" "04")  # the same, and an uncompressed point
RSA = bytes.fromhex("300d06092a864886f70d0101010500")  # rsaEncryption (RFC 8017)
RSA_BITS = range(2048, 8192 + 1)  # the bridge refuses others
SEQUENCE, INTEGER, BIT_STRING = 0x30, 0x02, 0x03


class PrivateKey:
    """Signs as the bridge accepts it: EdDSA with Ed25519, ES256 with P-256, RS256 with RSA; else a ValueError."""

    def __init__(self, file: Path):
        file.open().close()  # whose error is easier to read than that of openssl
        self.file = file
        self.algorithm, self.public = public_half(openssl("pkey", "-in", str(file), "-pubout", "-outform", "DER"), file)

    def sign(self, text: bytes) -> bytes:
        """The signature as JWS (RFC 7515) has it."""
        # A file, since Ed25519 signs only what has a known length. Nothing in it is secret.
        with tempfile.NamedTemporaryFile() as signed:
            signed.write(text)
            signed.flush()
            if self.algorithm == "EdDSA":
                return openssl("pkeyutl", "-sign", "-inkey", str(self.file), "-rawin", "-in", signed.name)
            signature = openssl("dgst", "-sha256", "-sign", str(self.file), signed.name)
        return two_numbers(signature) if self.algorithm == "ES256" else signature

    def jwk(self, kid: str | None) -> dict:
        """Its public half."""
        named = {} if kid is None else {"kid": kid}
        return {**self.public, **named, "use": "sig", "alg": self.algorithm}


def encode(part: bytes) -> str:
    """base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def openssl(*arguments: str) -> bytes:
    try:
        done = subprocess.run(["openssl", *arguments], capture_output=True)
    except FileNotFoundError:
        raise ValueError("a private key needs the openssl command, version 3 "
                         "(on Debian and Ubuntu: apt-get install openssl)") from None
    if done.returncode:
        raise ValueError(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace').partition(chr(10))[0]}")
    return done.stdout


def public_half(der: bytes, file: Path) -> tuple[str, dict]:
    """Algorithm and JWK of a SubjectPublicKeyInfo (RFC 5280)."""
    if der.startswith(ED25519):
        return "EdDSA", {"kty": "OKP", "crv": "Ed25519", "x": encode(der[len(ED25519):])}
    if der.startswith(P256):
        x, y = der[len(P256):-32], der[-32:]
        return "ES256", {"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)}
    content, _ = element(der, SEQUENCE)
    if content.startswith(RSA):
        bits, _ = element(content[len(RSA):], BIT_STRING)
        numbers, _ = element(bits[1:], SEQUENCE)
        modulus, rest = element(numbers, INTEGER)
        exponent, _ = element(rest, INTEGER)
        if int.from_bytes(modulus, "big").bit_length() in RSA_BITS:
            return "RS256", {"kty": "RSA", "n": encode(modulus.lstrip(b"\0")), "e": encode(exponent.lstrip(b"\0"))}
    raise ValueError(f"{file} is of no use to the bridge: Ed25519, P-256, or RSA with 2048 to 8192 bits")


def two_numbers(signature: bytes) -> bytes:
    """An ECDSA signature in DER as two numbers of 32 bytes (RFC 7518, section 3.4)."""
    numbers, _ = element(signature, SEQUENCE)
    r, rest = element(numbers, INTEGER)
    s, _ = element(rest, INTEGER)
    return b"".join(int.from_bytes(number, "big").to_bytes(32, "big") for number in (r, s))


def element(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the first element of DER (X.690), and what is behind it."""
    length, at = der[1], 2
    if length & 0x80:
        at += length & 0x7F
        length = int.from_bytes(der[2:at], "big")
    if der[0] != tag:
        raise ValueError("openssl wrote something unexpected")
    return der[at:at + length], der[at + length:]
