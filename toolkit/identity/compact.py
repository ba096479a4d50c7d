"""The text of a JWT taken apart, strictly: each token has one spelling, and nothing is believed."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from toolkit.identity.reasons import refusal
from toolkit.spec.target import Secret

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_OWN_KEY = {"jwk", "jku", "x5c", "x5u", "x5t", "x5t#S256"}
"""With these a token brings the key that it wants to be verified with."""


@dataclass(frozen=True, slots=True)
class Compact:
    """A token whose shape is right."""

    token: Secret
    key: str
    """What it says of the key that signed it: the id."""
    algorithm: str
    """What it says of the algorithm."""


def take_apart(token: Secret) -> Compact:
    """The parts of a token that are needed to verify it.

    Raises IdentityError: `malformed`, `header`, `algorithm` or `unknown-key`.
    """
    segments = token.reveal().split(".")
    if len(segments) != 3:
        raise refusal("malformed")
    decoded = [_canonical(segment) for segment in segments]
    header = read_object(decoded[0], "malformed")
    if header.get("typ") != "JWT" or "crit" in header or "b64" in header or _OWN_KEY & set(header):
        raise refusal("header")
    algorithm, key = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise refusal("algorithm")
    if not isinstance(key, str) or not _KEY_ID.fullmatch(key):
        raise refusal("unknown-key")
    return Compact(token, key, algorithm)


def read_object(raw: bytes, reason: str) -> dict[str, Any]:
    """A JSON object that says nothing twice; IdentityError with `reason` for anything else."""
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        # Not `from`: the parser repeats what it could not read.
        raise refusal(reason) from None
    if not isinstance(found, dict):
        raise refusal(reason)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _canonical(segment: str) -> bytes:
    """Base64 has several spellings of most values; a token has one, so that it is one."""
    try:
        decoded = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise refusal("malformed") from None
    if urlsafe_b64encode(decoded).rstrip(b"=") != segment.encode():
        raise refusal("malformed")
    return decoded
