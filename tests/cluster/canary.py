"""Secrets that must not be seen anywhere, and how they could be in disguise."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus


def sightings(data: bytes, canaries: Iterable[str]) -> Iterator[str]:
    """How each of the secrets is in the data: plain, in hex, in base64 at any place, quoted."""
    for canary in canaries:
        for how, form in disguises(canary):
            if form in data:
                yield f"{how}"


def disguises(canary: str) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each form of a secret."""
    raw = canary.encode()
    yield "plain", raw
    yield "in hex", raw.hex().encode()
    yield "quoted for an address", quote(canary, safe="").encode()
    yield "quoted for a form", quote_plus(canary).encode()
    yield "quoted as JSON", json.dumps(canary)[1:-1].encode()
    for at in range(3):
        # What stands before shifts the letters by as many bytes; the ends depend on neighbours.
        packed = base64.b64encode(b"\0" * at + raw)
        inner = packed[4 if at else 0 : len(packed) - 4]
        if len(inner) >= 8:
            yield "in base64", inner
            yield "in base64 for addresses", inner.translate(bytes.maketrans(b"+/", b"-_"))
