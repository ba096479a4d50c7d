"""Nomad's public keys, each with the one algorithm that it is good for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

LEAST_BITS = 2_048


@dataclass(frozen=True, slots=True)
class Key:
    """A key that may have signed a token."""

    id: str
    algorithm: Literal["RS256", "EdDSA"]
    """Told by the key's own type, never by a token."""
    public: RSAPublicKey | Ed25519PublicKey


def read_keys(published: Sequence[Mapping[str, Any]]) -> dict[str, Key]:
    """The keys of a JSON Web Key Set by their ids; what is of no use is left out.

    Secret keys of symmetric algorithms are of no use, whatever their id; nor is an id given twice.
    """
    keys: dict[str, Key] = {}
    twice = set()
    for entry in published:
        key = _read(entry)
        if key is not None and key.id in keys:
            twice.add(key.id)
        elif key is not None:
            keys[key.id] = key
    return {id_: key for id_, key in keys.items() if id_ not in twice}


def _read(entry: Mapping[str, Any]) -> Key | None:
    id_ = entry.get("kid")
    if not isinstance(id_, str) or not id_ or entry.get("use", "sig") != "sig":
        return None
    public: object
    try:
        match entry.get("kty"):
            case "RSA":
                public = RSAAlgorithm.from_jwk(dict(entry))
            case "OKP":
                public = OKPAlgorithm.from_jwk(dict(entry))
            case _:
                return None
    except (InvalidKeyError, ValueError, TypeError, KeyError, ArithmeticError):
        return None
    if isinstance(public, RSAPublicKey) and public.key_size >= LEAST_BITS:
        key = Key(id_, "RS256", public)
    elif isinstance(public, Ed25519PublicKey):
        key = Key(id_, "EdDSA", public)
    else:
        return None
    return key if entry.get("alg", key.algorithm) == key.algorithm else None
