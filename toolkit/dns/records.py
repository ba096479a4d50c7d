"""Records as callers ask for them -> values that are right, or every mistake with its field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.errors import RefusedError
from toolkit.spec.dns import Alias, Record
from toolkit.spec.target import Visibility

TTL = 60
"""Seconds, where neither the caller nor kick.toml says."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One mistake in a record that was asked for."""

    field: str
    """As in a request: `hostname`, `values[1]`, `alias.target`; empty for the whole."""
    message: str
    """A sentence that follows the field: `must be …`."""
    hint: str | None = None


class BadRecordError(RefusedError):
    """A record that was asked for can be none; every mistake at once."""

    def __init__(self, wrongs: Sequence[Wrong]):
        sentences = (f"{wrong.field} {wrong.message}".strip() for wrong in wrongs)
        super().__init__("; ".join(sentences), hint=wrongs[0].hint)
        self.wrongs = tuple(wrongs)

    @property
    def field(self) -> str:
        """The first field that is wrong."""
        return self.wrongs[0].field


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for."""

    record: Record
    zone: Visibility | None
    """None: whichever zone the name is in."""


def make_record(
    name: str,
    type_: str,
    values: Iterable[str] = (),
    *,
    ttl: int | None = None,
    alias: Alias | None = None,
    default_ttl: int = TTL,
) -> Record:
    """A record with name and values normalised; BadRecordError with every mistake."""
    raise NotImplementedError


def from_request(body: Mapping[str, Any], *, default_ttl: int = TTL) -> Asked:
    """What the JSON document of `POST /records` asks for; BadRecordError with every mistake.

    Takes the fields {hostname, ip_address, port, type} of old and {values, ttl, zone, alias}.
    """
    raise NotImplementedError


REQUEST_SCHEMA: Mapping[str, Any] = {}
"""The document as a JSON Schema (2020-12), for the OpenAPI document; `from_request` is stricter."""
