"""Tokens as Nomad signs them, and as it never would: keys of our own, every part replaceable."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NOW = 1_800_000_000.0
AUDIENCE = "kick"
ALLOCATION = "5b2c90aa-26d1-4c6b-9d0e-0123456789ab"
KEY_ID = "6e5dd2ee-8f4c-4e23-8f3f-8f5a0d3f0c11"

Json = dict[str, Any]


def encode(raw: bytes) -> str:
    """Base64 as in tokens."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def as_json(value: Any) -> bytes:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


def claims(**changes: Any) -> Json:
    """What Nomad says of a task, issued a minute ago for an hour; None leaves a claim out."""
    said = {
        "aud": AUDIENCE,
        "exp": int(NOW) + 3540,
        "iat": int(NOW) - 60,
        "nbf": int(NOW) - 60,
        "jti": "2b1c6a20-7dd0-4e15-a2d0-000000000000",
        "sub": "global:default:web:web:app:kick",
        "nomad_allocation_id": ALLOCATION,
        "nomad_job_id": "web",
        "nomad_namespace": "default",
        "nomad_task": "app",
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """An RSA key; `number` tells several apart."""
    return rsa.generate_private_key(65537, bits)


@cache
def edwards_key(number: int = 0) -> ed25519.Ed25519PrivateKey:
    """An Ed25519 key."""
    return ed25519.Ed25519PrivateKey.generate()


@cache
def curve_key() -> ec.EllipticCurvePrivateKey:
    """A key of a kind that Nomad has none of."""
    return ec.generate_private_key(ec.SECP256R1())


Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | bytes | None


def sign(key: Private, text: bytes) -> bytes:
    """A signature as the key's kind makes it; bytes are an HMAC's secret, None is `none`."""
    match key:
        case None:
            return b""
        case bytes():
            return hmac.digest(key, text, hashlib.sha256)
        case rsa.RSAPrivateKey():
            return key.sign(text, padding.PKCS1v15(), SHA256())
        case _:
            return key.sign(text)


def token(
    key: Private = b"",
    *,
    header: Json | None = None,
    said: Json | None = None,
    raw_header: bytes | None = None,
    raw_claims: bytes | None = None,
) -> str:
    """A token; `key` defaults to `rsa_key()`, the header to Nomad's."""
    signer = rsa_key() if key == b"" else key
    usual = {"alg": "RS256", "kid": KEY_ID, "typ": "JWT", **(header or {})}
    head = as_json({name: value for name, value in usual.items() if value is not None})
    body = as_json(claims() if said is None else said)
    text = f"{encode(raw_header or head)}.{encode(raw_claims or body)}"
    return f"{text}.{encode(sign(signer, text.encode()))}"


def _number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwk(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | None = None, **changes: Any) -> Json:
    """A public key as Nomad publishes it; None leaves a member out."""
    key = key or rsa_key()
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        own = {"kty": "RSA", "alg": "RS256", "n": _number(numbers.n), "e": _number(numbers.e)}
    else:
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        own = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": encode(raw)}
    entry = {"use": "sig", "kid": KEY_ID, **own, **changes}
    return {name: value for name, value in entry.items() if value is not None}


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """A public key as a file holds it: the secret of the best-known forgery."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass
class Clock:
    """A time that only a test moves; called, it tells it."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds
