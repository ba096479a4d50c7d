"""Records as callers read them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from toolkit.serving.actions import Schema
from toolkit.serving.schemas import invalid
from toolkit.spec.dns import ChangeState, Owner, Record, Written, Zone

RECORD_SCHEMA: Schema = {
    "type": "object",
    "required": ["hostname", "type", "zone", "zone_name", "values", "ttl", "owner", "status"],
    "properties": {
        "hostname": {"type": "string"},
        "type": {"type": "string"},
        "zone": {"type": "string", "enum": ["public", "private"]},
        "zone_name": {"type": "string"},
        "values": {"type": "array", "items": {"type": "string"}},
        "ttl": {"type": ["integer", "null"]},
        "alias": {
            "type": "object",
            "properties": {
                "target": {"type": "string"},
                "zone": {"type": "string"},
                "healthy": {"type": "boolean"},
            },
        },
        "owner": {"type": "string"},
        "status": {"type": "string", "enum": ["PENDING", "INSYNC"]},
        "changed": {"type": "boolean"},
        "seq": {
            "type": "integer",
            "description": "Number of the change in the audit; 0 when there was none",
        },
        "replayed": {"type": "boolean"},
    },
}
LIST_SCHEMA: Schema = {
    "type": "object",
    "required": ["records", "next"],
    "properties": {
        "records": {"type": "array", "items": RECORD_SCHEMA},
        "next": {"type": ["string", "null"]},
    },
}

Place = tuple[str, str, str, str]
"""Where a record is in the order of a list."""


def record(zone: Zone, record: Record, owner: Owner, state: ChangeState) -> dict[str, Any]:
    """One record."""
    said: dict[str, Any] = {
        "hostname": record.name,
        "type": record.type,
        "zone": zone.visibility,
        "zone_name": zone.name,
        "values": list(record.values),
        "ttl": record.ttl,
        "owner": str(owner),
        "status": state,
    }
    if record.alias is not None:
        alias = record.alias
        said["alias"] = {"target": alias.target, "zone": alias.zone, "healthy": alias.healthy}
    return said


def written(what: Written) -> dict[str, Any]:
    """What became of a change; of a removal without values."""
    there = what.record or Record(what.name, what.type, None)
    return record(what.zone, there, what.owner, what.state) | {
        "changed": what.changed,
        "seq": what.seq,
        "replayed": what.replayed,
    }


def headers(what: Written) -> dict[str, str]:
    """The entity tag of the name as it is now."""
    return {"ETag": f'"{what.etag}"'} if what.etag else {}


def place(zone: Zone, record: Record) -> Place:
    """Zones by name, names by their labels from the right, so that neighbours are together."""
    labels = ".".join(reversed(record.name.split(".")))
    return zone.name, zone.visibility, labels, record.type


def cursor(at: Place) -> str:
    """A place as callers hand it back: opaque."""
    return base64.urlsafe_b64encode(json.dumps(at).encode()).decode().rstrip("=")


def read_cursor(text: str) -> Place:
    """The place of a cursor; an `invalid` problem when it is none of ours."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if not (isinstance(found, list) and len(found) == 4 and all(isinstance(p, str) for p in found)):
        raise invalid([("cursor", "is none that this server gave")])
    return found[0], found[1], found[2], found[3]
