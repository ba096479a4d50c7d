"""What Route 53 takes and refuses, in its words, and the order in which it lists a zone.

Every message says where its wording is from: DOC from AWS's documentation, SEEN from reports in
which somebody quotes AWS, OWN from nowhere: our words for what it refuses somehow.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

TYPES = frozenset(
    {"A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV"}
    | {"SSHFP", "SVCB", "TLSA", "TXT"}
)
MOST_RECORDS = 1000
MOST_CHARACTERS = 32_000
LONGEST_VALUE = 4000

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")


@dataclass(frozen=True, slots=True)
class RRSet:
    """A resource record set as Route 53 keeps it."""

    name: str
    """Lower case, with the trailing dot, odd characters as octal escapes."""
    type: str
    ttl: int | None = None
    values: tuple[str, ...] = ()
    """As they were sent, in their order."""
    alias: tuple[str, str, bool] | None = None
    """Zone, name, and whether the target's health counts."""
    identifier: str = ""
    routing: tuple[tuple[str, str], ...] = ()
    """Weight, Region and what else makes a set one of several."""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.name, self.type, self.identifier


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a batch."""

    action: str
    rrset: RRSet


@dataclass(slots=True)
class HostedZone:
    """A zone of the fake."""

    id: str
    name: str
    """With the trailing dot."""
    private: bool = False
    sets: dict[tuple[str, str, str], RRSet] = field(default_factory=dict)

    def listed(self) -> list[RRSet]:
        """In Route 53's order: DOC, labels reversed, the trailing dot among the characters."""
        return sorted(self.sets.values(), key=lambda each: sort_key(each.name, *each.key[1:]))


def sort_key(name: str, type_: str = "", identifier: str = "") -> tuple[str, str, str]:
    plain = name.replace("\\052", "*").removesuffix(".")
    return ".".join(reversed(plain.split("."))) + ".", type_, identifier


def canonical(name: str) -> str:
    """How Route 53 writes a name, DOC: lower case, odd characters as three octal digits."""
    text = name.lower()
    done = "".join(
        each if (each.isascii() and each.isalnum()) or each in "-_.\\/" else f"\\{ord(each):03o}"
        for each in text
    )
    return done if done.endswith(".") else f"{done}."


def do_batch(
    zone: HostedZone, steps: Sequence[Step], zones: Mapping[str, HostedZone]
) -> tuple[dict[tuple[str, str, str], RRSet], list[str]]:
    """The sets of a zone after a batch, and what is wrong with it; goes through it in its order."""
    wrong = list(_limits(steps))
    after = dict(zone.sets)
    seen: set[tuple[str, tuple[str, str, str]]] = set()
    spoiled: set[tuple[str, str, str]] = set()
    for step in steps:
        found = step.rrset
        done = "DELETE" if step.action == "DELETE" else "SET"
        if (done, found.key) in seen:
            # SEEN; DOC says that no set can be deleted twice in a batch.
            wrong.append(
                "The request contains an invalid set of changes for a resource record set "
                f"'{found.type} {found.name}'"
            )
            continue
        seen.add((done, found.key))
        messages = _step(zone, after, step, zones)
        if messages and found.key not in spoiled:
            wrong += messages
            spoiled.add(found.key)
    return after, wrong


def _step(
    zone: HostedZone,
    after: dict[tuple[str, str, str], RRSet],
    step: Step,
    zones: Mapping[str, HostedZone],
) -> list[str]:
    found = step.rrset
    known = after.get(found.key)
    what = f"[name='{found.name}', type='{found.type}'"
    what += f", set-identifier='{found.identifier}']" if found.identifier else "]"
    if found.name != zone.name and not found.name.endswith(f".{zone.name}"):
        # SEEN
        return [f"RRSet with DNS name {found.name} is not permitted in zone {zone.name}"]
    if step.action == "DELETE":
        if known is None:
            return [f"Tried to delete resource record set {what} but it was not found"]  # SEEN
        if not _same(known, found):
            # SEEN
            return [
                f"Tried to delete resource record set {what} but the values provided do not "
                "match the current values"
            ]
        if found.name == zone.name and found.type in {"NS", "SOA"}:
            # SEEN, in part
            return [f"A HostedZone must contain exactly one {found.type} record."]
        del after[found.key]
        return []
    messages = _values(found)
    if messages:
        return messages
    if step.action == "CREATE" and known is not None:
        return [f"Tried to create resource record set {what} but it already exists"]  # SEEN
    conflict = _conflict(zone, after, found) or _alias(zone, after, found, zones)
    if conflict:
        return [conflict]
    after[found.key] = found
    return []


def _conflict(
    zone: HostedZone, after: Mapping[tuple[str, str, str], RRSet], found: RRSet
) -> str | None:
    beside = {each.type for key, each in after.items() if key[0] == found.name}
    lead = f"RRSet of type {found.type} with DNS name {found.name} is not permitted"
    if found.type == "CNAME":
        if found.name == zone.name:
            return f"{lead} at apex in zone {zone.name}"  # SEEN
        if beside - {"CNAME"}:
            # SEEN
            return (
                f"{lead} as it conflicts with other records with the same DNS name in zone "
                f"{zone.name}"
            )
    elif "CNAME" in beside:
        # SEEN, with the two blanks
        return (
            f"{lead} because a conflicting RRSet of type  CNAME with the same DNS name already "
            f"exists in zone {zone.name}"
        )
    mixed = [
        key for key in after if key[:2] == found.key[:2] and bool(key[2]) != bool(found.identifier)
    ]
    if mixed:
        # SEEN, roughly
        return (
            f"RRSet with DNS name {found.name}, type {found.type}, SetIdentifier "
            f"{found.identifier or 'null'} cannot be created as a non-matching set exists with "
            "the same name and type"
        )
    return None


def _alias(
    zone: HostedZone,
    after: Mapping[tuple[str, str, str], RRSet],
    found: RRSet,
    zones: Mapping[str, HostedZone],
) -> str | None:
    if found.alias is None or found.alias[0] not in zones:
        return None
    target_zone, name, _ = found.alias
    lead = f"Tried to create an alias that targets {name}, type {found.type} in zone {target_zone}"
    other = zones[target_zone]
    if name != other.name and not name.endswith(f".{other.name}"):
        return f"{lead}, but the alias target name does not lie within the target zone"  # SEEN
    there = after if target_zone == zone.id else other.sets
    if not any(key[:2] == (name, found.type) for key in there):
        return f"{lead}, but that target was not found"  # SEEN
    return None


def _same(known: RRSet, asked: RRSet) -> bool:
    return sorted(known.values) == sorted(asked.values) and (
        known.ttl,
        known.alias,
        known.routing,
    ) == (asked.ttl, asked.alias, asked.routing)


def _limits(steps: Sequence[Step]) -> Iterable[str]:
    twice = [step.rrset.values * (2 if step.action == "UPSERT" else 1) for step in steps]
    if sum(len(values) for values in twice) > MOST_RECORDS:
        yield f"Number of records limit of {MOST_RECORDS} exceeded."  # the limit DOC, the words OWN
    if sum(len(value) for values in twice for value in values) > MOST_CHARACTERS:
        yield f"RDATA character limit of {MOST_CHARACTERS} exceeded."  # DOC, SEEN


def _values(found: RRSet) -> list[str]:
    if found.alias is not None:
        return []
    wrong = [
        # SEEN
        f"Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''"
        for value in found.values
        for problem in [_problem(found.type, value)]
        if problem
    ]
    repeated = {value for value in found.values if found.values.count(value) > 1}
    wrong += [f"Duplicate Resource Record: '{value}'" for value in sorted(repeated)]  # SEEN
    if found.type == "CNAME" and len(found.values) > 1:
        wrong.append("Invalid Resource Record: 'FATAL problem: CNAMERRDATANotSingle'")  # OWN
    return wrong


def _problem(type_: str, value: str) -> str | None:
    match type_:
        case "A":
            good = _address(ipaddress.IPv4Address, value)
            # SEEN
            return None if good else "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"
        case "AAAA":
            good = _address(ipaddress.IPv6Address, value)
            # OWN, after the one for A
            return (
                None if good else "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"
            )
        case "TXT" | "SPF":
            return _text(value)
        case "CNAME":
            return None if _name(value) else "DomainNameIllegal (Value is not a valid domain name)"
        case "SRV":
            parts = value.split()
            good = len(parts) == 4 and all(part.isdigit() for part in parts[:3]) and _name(parts[3])
            return None if good else "SRVRRDATANotFourFields"  # OWN
        case _:
            return None


def _text(value: str) -> str | None:
    if not value.isascii():
        return "UnsupportedCharacter (Value contains unsupported characters)"  # SEEN
    rest = _STRING.sub("", value).strip()
    if rest or not value:
        return "InvalidCharacterString (Value should be enclosed in quotation marks)"  # SEEN
    if any(len(_ESCAPE.sub("x", string)) > 255 for string in _STRING.findall(value)):
        return "CharacterStringTooLong (Value is too long)"  # SEEN
    return None if len(value) <= LONGEST_VALUE else "CharacterStringTooLong (Value is too long)"


def _name(value: str) -> bool:
    labels = value.removesuffix(".").split(".")
    return len(value) <= 255 and all(0 < len(each) <= 63 and " " not in each for each in labels)


def _address(kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address], value: str) -> bool:
    try:
        kind(value)
    except ValueError:
        return False
    return True
