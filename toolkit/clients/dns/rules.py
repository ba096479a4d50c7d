"""What a zone on this machine takes and refuses, as Route 53 does and in its words. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit.spec.dns import WRITABLE, Change, Record, Zone

MOST_CHANGES = 1000
MOST_CHARACTERS = 32_000
"""Of all values of one batch."""
LONGEST_TEXT = 4000
LARGEST_TTL = 2**31 - 1

_LABEL = re.compile(r"[a-z0-9_/-]{1,63}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a batch."""

    key: tuple[str, str]
    """Name and type of the record that is at fault."""
    reason: str


def judge(
    zone: Zone, names: Mapping[str, Mapping[str, Record]], changes: Sequence[Change]
) -> list[Fault]:
    """Everything wrong with a batch that is done in this order; empty when it can be done.

    `names`: what is in the zone, by name and then by type.
    """
    now: dict[str, dict[str, Record]] = {}
    faults: list[Fault] = []
    spoiled: set[tuple[str, str]] = set()
    for change in changes:
        record = change.record
        at = now.setdefault(record.name, dict(names.get(record.name, {})))
        reason = _step(zone, at, change)
        if reason is not None and record.key not in spoiled:
            spoiled.add(record.key)
            faults.append(Fault(record.key, reason))
    characters = sum(len(value) for change in changes for value in change.record.values)
    if len(changes) > MOST_CHANGES:
        faults.append(Fault(("", ""), f"Number of records limit of {MOST_CHANGES} exceeded."))
    if characters > MOST_CHARACTERS:
        limit = f"Number of characters limit of {MOST_CHARACTERS} exceeded."
        faults.append(Fault(("", ""), limit))
    return faults


def _step(zone: Zone, at: dict[str, Record], change: Change) -> str | None:
    """Do one change at its name; the reason why it cannot be done."""
    record = change.record
    known = at.get(record.type)
    what = f"resource record set [name='{record.name}.', type='{record.type}']"
    if record.type not in WRITABLE:
        return f"RRSet of type {record.type} with DNS name {record.name}. is not written here"
    if change.action == "DELETE":
        if known is None:
            return f"Tried to delete {what} but it was not found"
        if known != record:
            return f"Tried to delete {what} but the values provided do not match the current values"
        del at[record.type]
        return None
    wrong = fault_of(zone, record)
    if wrong is not None:
        return wrong
    if known is not None:
        return f"Tried to create {what} but it already exists"
    conflict = conflict_of(zone, at, record)
    if conflict is None:
        at[record.type] = record
    return conflict


def conflict_of(zone: Zone, at: dict[str, Record], record: Record) -> str | None:
    """Why a record cannot stand beside what is at its name: a CNAME stands alone."""
    lead = f"RRSet of type {record.type} with DNS name {record.name}. is not permitted"
    if record.type == "CNAME" and record.name == zone.name:
        return f"{lead} at apex in zone {zone.name}."
    if record.type == "CNAME" and at:
        return (
            f"{lead} as it conflicts with other records with the same DNS name in zone {zone.name}."
        )
    if "CNAME" in at:
        return (
            f"{lead} because a conflicting RRSet of type CNAME with the same DNS name already "
            f"exists in zone {zone.name}."
        )
    return None


def fault_of(zone: Zone, record: Record) -> str | None:
    """Why a record cannot be in this zone, whatever else is there."""
    name = record.name
    if name != zone.name and not name.endswith(f".{zone.name}"):
        return f"RRSet with DNS name {name}. is not permitted in zone {zone.name}."
    if not is_name(name.removeprefix("*.")):
        return f"Invalid Resource Record: the DNS name {name!r} is not one that can be written here"
    if record.type not in WRITABLE:
        return f"RRSet of type {record.type} with DNS name {name}. is not written here"
    if record.alias is not None:
        if record.values or record.ttl is not None:
            return f"Invalid request: the alias {name}. has values or a TTL"
        if not is_name(record.alias.target):
            return f"Invalid alias target {record.alias.target!r} of {name}."
        return None
    if record.ttl is None or not 0 <= record.ttl <= LARGEST_TTL:
        return f"Invalid TTL of {name}.: it is not a number from 0 to {LARGEST_TTL}"
    if not record.values:
        return f"Invalid request: {name}. {record.type} has no values"
    if len(set(record.values)) != len(record.values):
        return f"Duplicate Resource Record: {name}. {record.type}"
    if record.type == "CNAME" and len(record.values) > 1:
        return f"Invalid Resource Record: a CNAME has one value ({name}.)"
    for value in record.values:
        wrong = _value(record.type, value)
        if wrong is not None:
            return f"Invalid Resource Record: 'FATAL problem: {wrong} encountered with {value!r}'"
    return None


def is_name(text: str) -> bool:
    """True for a normalised name without a wildcard."""
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in text.split("."))


def _value(type_: str, value: str) -> str | None:
    match type_:
        case "A":
            wrong = not _is_address(ipaddress.IPv4Address, value)
            return (
                "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)" if wrong else None
            )
        case "AAAA":
            wrong = not _is_address(ipaddress.IPv6Address, value) or "%" in value
            return (
                "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"
                if wrong
                else None
            )
        case "CNAME":
            return None if is_name(value) else "DomainNameIllegal (Value is not a domain name)"
        case "SRV":
            return None if _is_srv(value) else "SRVRRDATANotValid (Value is not a valid SRV value)"
        case _:
            return _text_fault(value)


def _text_fault(value: str) -> str | None:
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        return "UnsupportedCharacter (Value contains unsupported characters)"
    return None if length <= LONGEST_TEXT else "CharacterStringTooLong (Value is too long)"


def _is_srv(value: str) -> bool:
    parts = value.split(" ")
    return (
        len(parts) == 4
        and all(part.isascii() and part.isdigit() and int(part) <= 65535 for part in parts[:3])
        and (parts[3] == "" or is_name(parts[3]))
    )


def _is_address(
    kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address], value: str
) -> bool:
    try:
        kind(value)
    except ValueError:
        return False
    return True
