"""One record: its name, type and values in their one spelling, or every mistake with its field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from toolkit.config.ranges import parse_ip
from toolkit.dns.names import BadNameError, is_reserved, normalise, show, wanted_name
from toolkit.errors import RefusedError
from toolkit.spec.dns import WRITABLE, Alias, Record
from toolkit.spec.kick import TTL_LEAST, TTL_MOST

TTL = 60
"""Seconds, where neither the caller nor kick.toml says."""
MOST_VALUES = 100
LONGEST_TEXT = 2000
"""Characters of a TXT value; a provider splits it into strings of 255."""

_TEXT = re.compile(r"[\x20-\x7e]+", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,4}", re.ASCII)
_ZONE_ID = re.compile(r"[A-Z0-9]{1,32}", re.ASCII)
_HERITAGE = "heritage="
"""So begin the records by which tools know what is theirs: a caller who writes one claims names."""


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


def make_record(
    name: str,
    type_: str,
    values: Iterable[str] = (),
    *,
    ttl: int | None = None,
    alias: Alias | None = None,
    default_ttl: int = TTL,
    value_fields: Sequence[str] = (),
) -> Record:
    """A record with name and values normalised; BadRecordError with every mistake.

    `value_fields`: what mistakes call each of the values; else `values[0]` and so on.
    """
    given = list(values)
    wanted, wrongs = read_name(name, type_)
    if type_ not in WRITABLE:
        wrongs.append(Wrong("type", f"must be one of {', '.join(WRITABLE)}, not {show(type_)}"))
        raise BadRecordError(wrongs)
    if alias is not None:
        return _alias_record(wanted, type_, given, ttl, alias, wrongs)
    if ttl is not None and not TTL_LEAST <= ttl <= TTL_MOST:
        wrongs.append(Wrong("ttl", f"must be from {TTL_LEAST} to {TTL_MOST}"))
    normal, found = read_values(type_, given, value_fields)
    wrongs += found
    if type_ == "CNAME" and wanted in normal:
        wrongs.append(Wrong(value_fields[0] if value_fields else "values[0]", "leads to itself"))
    if wrongs:
        raise BadRecordError(wrongs)
    return Record(wanted, type_, default_ttl if ttl is None else ttl, normal)


def read_name(name: str, type_: str) -> tuple[str, list[Wrong]]:
    """The one spelling of a record's name, empty after mistakes, and those."""
    try:
        wanted = wanted_name(name)
    except BadNameError as error:
        return "", [Wrong("hostname", error.message, error.hint)]
    if type_ in {"A", "AAAA"} and "_" in wanted:
        hint = "_ is for names of services and proofs: SRV, TXT and CNAME records"
        return "", [Wrong("hostname", f"must not hold _ in an {type_} record", hint)]
    return wanted, []


def read_values(
    type_: str, values: Sequence[str], fields: Sequence[str] = ()
) -> tuple[tuple[str, ...], list[Wrong]]:
    """The values of a record of a writable type in their one spelling, sorted, and mistakes."""
    normal, wrongs = set(), []
    for at, value in enumerate(values[:MOST_VALUES]):
        try:
            normal.add(_VALUES[type_](value))
        except _WrongValueError as wrong:
            field = fields[at] if at < len(fields) else f"values[{at}]"
            wrongs.append(Wrong(field, wrong.message, wrong.hint))
    if not values:
        wrongs.append(Wrong("values", "must not be empty"))
    if len(values) > MOST_VALUES:
        wrongs.append(Wrong("values", f"must not be more than {MOST_VALUES}"))
    if type_ == "CNAME" and len(values) > 1:
        wrongs.append(Wrong("values", "of a CNAME must be one name"))
    return tuple(sorted(normal)), wrongs


def _alias_record(
    name: str, type_: str, values: list[str], ttl: int | None, alias: Alias, wrongs: list[Wrong]
) -> Record:
    target = ""
    if type_ not in {"A", "AAAA"}:
        wrongs.append(Wrong("type", "of an alias must be A or AAAA"))
    if values:
        wrongs.append(Wrong("values", "must not be given beside an alias", "remove one of them"))
    if ttl is not None:
        wrongs.append(Wrong("ttl", "must not be given: an alias has that of its target"))
    try:
        target = _host(alias.target)
    except _WrongValueError as wrong:
        wrongs.append(Wrong("alias.target", wrong.message, wrong.hint))
    if not _ZONE_ID.fullmatch(alias.zone):
        wrongs.append(Wrong("alias.zone", "must be the id of the target's hosted zone"))
    if wrongs:
        raise BadRecordError(wrongs)
    return Record(name, type_, None, alias=Alias(target, alias.zone, alias.healthy))


class _WrongValueError(Exception):
    def __init__(self, message: str, hint: str | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint


def _ipv4(value: str) -> str:
    return _ip(value, version=4)


def _ipv6(value: str) -> str:
    return _ip(value, version=6)


def _ip(value: str, *, version: int) -> str:
    hint = "such as 203.0.113.7" if version == 4 else "such as 2001:db8::7"
    try:
        address = parse_ip(value)
    except ValueError as error:
        raise _WrongValueError(f"{show(value)} {error}", hint) from error
    if address.version != version:
        other = "A" if isinstance(address, IPv4Address) else "AAAA"
        message = f"{show(value)} is an IPv{address.version} address"
        raise _WrongValueError(message, f"ask for type {other}")
    return str(address)


def _host(value: str) -> str:
    """A name that others may be led to: no wildcard, nothing of an owner record."""
    try:
        name = normalise(value)
    except BadNameError as error:
        raise _WrongValueError(error.message, error.hint) from error
    if name.startswith("*.") or is_reserved(name):
        raise _WrongValueError(f"{show(name)} is no name to lead to")
    return name


def _text(value: str) -> str:
    if not value:
        raise _WrongValueError("must not be empty")
    if not _TEXT.fullmatch(value):
        raise _WrongValueError("takes printable ASCII characters", "encode others, as base64 does")
    if len(value) > LONGEST_TEXT:
        raise _WrongValueError(f"must not be longer than {LONGEST_TEXT} characters")
    if value.lstrip(' "').lower().startswith(_HERITAGE):
        raise _WrongValueError(f"must not begin with {_HERITAGE}: so begin records of owners")
    return value


def _service(value: str) -> str:
    parts = value.split(" ")
    if len(parts) != 4 or not all(map(_NUMBER.fullmatch, parts[:3])):
        hint = "such as 1 1 8080 shop-1.apps.internal"
        raise _WrongValueError(f"{show(value)} is not priority, weight, port and target", hint)
    if max(map(int, parts[:3])) > 65535 or parts[2] == "0":
        raise _WrongValueError(f"{show(value)} has a number out of range", "at most 65535")
    target = _host(parts[3])
    if "_" in target:
        raise _WrongValueError(f"{show(target)} is no name of a host: it holds _")
    return " ".join([*parts[:3], target])


_VALUES = {"A": _ipv4, "AAAA": _ipv6, "CNAME": _host, "TXT": _text, "SRV": _service}
"""Type -> a value's one spelling; _WrongValueError."""
