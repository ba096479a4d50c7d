"""How Route 53 writes names and values, and how we do; both ways, pure.

It writes names with a trailing dot and odd characters as three octal digits, and texts in quotes,
in strings of at most 255 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from toolkit.spec.dns import WRITABLE, Alias, Change, Record

LONGEST_STRING = 255
"""Bytes of one string of a TXT record."""

ROUTINGS = {
    "Weight": "weighted",
    "Region": "latency",
    "GeoLocation": "geolocation",
    "GeoProximityLocation": "geoproximity",
    "Failover": "failover",
    "MultiValueAnswer": "multivalue",
    "CidrRoutingConfig": "IP-based",
    "TrafficPolicyInstanceId": "traffic policy",
    "HealthCheckId": "health check",
}
"""What makes a record more than its values, and how it is called."""

_POINTING = frozenset({"CNAME", "SRV"})
"""Types whose values end in a name."""
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_TOKEN = re.compile(rb'\s*(?:"((?:[^"\\]|\\.)*)"|(\S+))', re.DOTALL)


def from_name(text: str) -> str:
    """A name without its trailing dot, a wildcard's star as such."""
    name = text.removesuffix(".").lower()
    return "*" + name.removeprefix("\\052") if name.startswith("\\052") else name


def to_name(name: str) -> str:
    """A name as Route 53 takes it."""
    return f"{name}."


def from_text(value: str) -> str:
    """The text of a TXT value: its strings joined, its escapes undone."""
    joined = b"".join(
        _ESCAPE.sub(_unescape, quoted) if quoted or not bare else bare
        for quoted, bare in _TOKEN.findall(value.encode())
    )
    # Bytes that are no text are somebody else's, and must come through every JSON document.
    return joined.decode("utf-8", "backslashreplace")


def to_text(text: str) -> str:
    """A text as the strings of a TXT value; `from_text` undoes it."""
    raw = text.encode()
    pieces = [raw[i : i + LONGEST_STRING] for i in range(0, len(raw), LONGEST_STRING)] or [b""]
    return " ".join(f'"{"".join(map(_escape, piece))}"' for piece in pieces)


def from_rrset(found: Mapping[str, Any]) -> Record:
    """A resource record set as a record; one that is routed says so in its type."""
    name, type_ = from_name(found["Name"]), str(found["Type"])
    routing = next((word for key, word in ROUTINGS.items() if found.get(key) is not None), None)
    said = str(found.get("SetIdentifier") or "")
    if routing is not None or said:
        word = routing or "routed"
        type_label = f"{type_} ({word}: {said})" if said else f"{type_} ({word})"
    else:
        type_label = type_
    target = found.get("AliasTarget")
    if target is not None:
        alias = Alias(
            from_name(target["DNSName"]),
            str(target["HostedZoneId"]),
            healthy=bool(target.get("EvaluateTargetHealth")),
        )
        return Record(name, type_label, None, alias=alias)
    values = (_from_value(type_, each["Value"]) for each in found.get("ResourceRecords", ()))
    ttl = found.get("TTL")
    return Record(name, type_label, None if ttl is None else int(ttl), tuple(sorted(values)))


def to_rrset(record: Record) -> dict[str, Any]:
    """A record as a resource record set."""
    found: dict[str, Any] = {"Name": to_name(record.name), "Type": record.type}
    if record.alias is not None:
        found["AliasTarget"] = {
            "HostedZoneId": record.alias.zone,
            "DNSName": to_name(record.alias.target),
            "EvaluateTargetHealth": record.alias.healthy,
        }
        return found
    found["TTL"] = record.ttl
    found["ResourceRecords"] = [{"Value": _to_value(record.type, value)} for value in record.values]
    return found


def to_batch(changes: Iterable[Change], comment: str) -> dict[str, Any]:
    """A change batch."""
    steps = [
        {"Action": each.action, "ResourceRecordSet": to_rrset(each.record)} for each in changes
    ]
    # Route 53 takes 256 characters.
    return {"Changes": steps} | ({"Comment": comment[:256]} if comment else {})


def is_ours_to_write(record: Record) -> bool:
    """False for types that are not written here, and for every record that is routed."""
    return record.type in WRITABLE


def _from_value(type_: str, value: str) -> str:
    if type_ == "TXT":
        return from_text(value)
    return value.removesuffix(".") if type_ in _POINTING else value


def _to_value(type_: str, value: str) -> str:
    if type_ == "TXT":
        return to_text(value)
    return f"{value}." if type_ in _POINTING else value


def _escape(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"


def _unescape(match: re.Match[bytes]) -> bytes:
    said = match[1]
    # Three octal digits may say more than a byte holds.
    return bytes([int(said, 8) & 0xFF]) if len(said) == 3 else said
