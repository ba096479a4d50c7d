"""Records as callers ask for them, in JSON: the fields of old and those of today."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from toolkit.config.near import suggest
from toolkit.dns.names import show
from toolkit.dns.values import (
    LONGEST_TEXT,
    MOST_VALUES,
    TTL,
    BadRecordError,
    Wrong,
    make_record,
    read_name,
    read_values,
)
from toolkit.spec.dns import WRITABLE, Alias, Record
from toolkit.spec.kick import TTL_LEAST, TTL_MOST
from toolkit.spec.target import Visibility

__all__ = [
    "REQUEST_SCHEMA",
    "TTL",
    "Asked",
    "BadRecordError",
    "Wrong",
    "from_request",
    "make_record",
]

LONGEST_NAME = 1100
"""Characters of a name with every character escaped; no name of 253 takes more."""
LONGEST_VALUE = LONGEST_TEXT

_NAME = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
_VALUE = {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE}

REQUEST_SCHEMA: Mapping[str, Any] = MappingProxyType(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["hostname"],
        "properties": {
            "hostname": {**_NAME, "description": "Name of the record; `*.` in front: a wildcard."},
            "type": {
                "enum": list(WRITABLE),
                "description": "Left out: SRV where there is a port, else A.",
            },
            "ip_address": {
                **_VALUE,
                "description": "The one value; of an SRV record the name it leads to.",
            },
            "port": {
                "type": "integer",
                "minimum": 1,
                "maximum": 65535,
                "description": "Of an SRV record, beside `ip_address`.",
            },
            "values": {
                "type": "array",
                "items": _VALUE,
                "minItems": 1,
                "maxItems": MOST_VALUES,
                "description": "All values of the record; of SRV `priority weight port target`.",
            },
            "ttl": {
                "type": "integer",
                "minimum": TTL_LEAST,
                "maximum": TTL_MOST,
                "description": "Seconds.",
            },
            "zone": {
                "enum": ["public", "private"],
                "description": "Left out: the one that holds the name.",
            },
            "alias": {
                "type": "object",
                "additionalProperties": False,
                "required": ["target", "zone"],
                "properties": {
                    "target": {**_NAME, "description": "Name of the load balancer."},
                    "zone": {
                        "type": "string",
                        "pattern": "^[A-Z0-9]{1,32}$",
                        "description": "Hosted zone of that name.",
                    },
                    "healthy": {
                        "type": "boolean",
                        "description": "Answer only while it is healthy.",
                    },
                },
                "description": "A load balancer in the place of values.",
            },
        },
    }
)
"""The document as a JSON Schema (2020-12); `from_request` is stricter still."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for."""

    record: Record
    zone: Visibility | None
    """None: whichever zone the name is in."""


def from_request(body: object, *, default_ttl: int = TTL) -> Asked:
    """What the document of `POST /records` asks for; BadRecordError with every mistake.

    Takes {hostname, ip_address, port, type}, as ever, and {values, ttl, zone, alias}.
    """
    if not isinstance(body, dict):
        raise BadRecordError([Wrong("", "the document must be a JSON object")])
    wrongs = _check(body, REQUEST_SCHEMA, "")
    if wrongs:
        raise BadRecordError([*wrongs, *_others(body, wrongs)])
    values, fields = _values(body)
    wrongs = _combinations(body)
    if wrongs:
        raise BadRecordError([*wrongs, *read_name(body["hostname"], _type(body))[1]])
    alias = body.get("alias")
    record = make_record(
        body["hostname"],
        _type(body),
        values,
        ttl=body.get("ttl"),
        alias=Alias(alias["target"], alias["zone"], alias.get("healthy", False)) if alias else None,
        default_ttl=default_ttl,
        value_fields=fields,
    )
    return Asked(record, cast("Visibility | None", body.get("zone")))


def _others(body: Mapping[str, Any], wrongs: list[Wrong]) -> list[Wrong]:
    """Mistakes in the fields that are of the right kind, beside those of the wrong kind."""
    bad = {re.split(r"[.[]", wrong.field)[0] for wrong in wrongs}
    fine = {name: value for name, value in body.items() if name not in bad}
    found = []
    if "hostname" in fine:
        found += read_name(fine["hostname"], "" if "type" in bad else _type(body))[1]
    if "values" in fine and "type" not in bad:
        found += read_values(_type(body), fine["values"])[1]
    return found


def _type(body: Mapping[str, Any]) -> str:
    return cast(str, body.get("type", "SRV" if "port" in body else "A"))


def _combinations(body: Mapping[str, Any]) -> list[Wrong]:
    ways = [key for key in ("values", "ip_address", "alias") if key in body]
    wrongs = [Wrong(key, f"must not be given beside {ways[0]}") for key in ways[1:]]
    if not ways:
        wrongs.append(Wrong("values", "must be given", 'values = ["203.0.113.7"], or ip_address'))
    if "port" in body and _type(body) != "SRV":
        wrongs.append(Wrong("port", f"must not be given: type {_type(body)} has none"))
    elif "port" in body and "ip_address" not in body:
        wrongs.append(Wrong("port", "needs ip_address beside it: the name that is led to"))
    elif "ip_address" in body and _type(body) == "SRV" and "port" not in body:
        wrongs.append(Wrong("port", "must be given for type SRV with ip_address"))
    return wrongs


def _values(body: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The values, and what mistakes call them."""
    if "ip_address" not in body:
        return list(body.get("values", ())), []
    only = body["ip_address"]
    return [f"1 1 {body['port']} {only}" if "port" in body else only], ["ip_address"]


def _check(value: Any, schema: Mapping[str, Any], field: str) -> list[Wrong]:
    """The mistakes of a value against the few words of JSON Schema that are used above."""
    if "enum" in schema:
        if isinstance(value, str) and value in schema["enum"]:
            return []
        hint = (
            suggest(value, schema["enum"]) if isinstance(value, str) and len(value) < 99 else None
        )
        return [Wrong(field, f"must be one of {', '.join(schema['enum'])}", hint)]
    return _KINDS[schema["type"]](value, schema, field)


def _object(value: Any, schema: Mapping[str, Any], field: str) -> list[Wrong]:
    if not isinstance(value, dict):
        return [Wrong(field, "must be an object")]
    known, before = schema["properties"], f"{field}." if field else ""
    wrongs = [
        Wrong(before + name, "must be given") for name in schema["required"] if name not in value
    ]
    for name, inner in value.items():
        if name in known:
            wrongs += _check(inner, known[name], before + name)
        else:
            hint = suggest(name, known) if len(name) < 99 else None
            wrongs.append(Wrong(field, f"has a field {show(name)} that is unknown", hint))
    return wrongs


def _string(value: Any, schema: Mapping[str, Any], field: str) -> list[Wrong]:
    if not isinstance(value, str):
        return [Wrong(field, "must be a string")]
    if not value:
        return [Wrong(field, "must not be empty")]
    most = schema.get("maxLength", LONGEST_VALUE)
    if len(value) > most:
        return [Wrong(field, f"must not be longer than {most} characters")]
    return []


def _integer(value: Any, schema: Mapping[str, Any], field: str) -> list[Wrong]:
    if isinstance(value, bool) or not isinstance(value, int):
        return [Wrong(field, "must be an integer")]
    if not schema["minimum"] <= value <= schema["maximum"]:
        return [Wrong(field, f"must be from {schema['minimum']} to {schema['maximum']}")]
    return []


def _boolean(value: Any, _schema: Mapping[str, Any], field: str) -> list[Wrong]:
    return [] if isinstance(value, bool) else [Wrong(field, "must be true or false")]


def _array(value: Any, schema: Mapping[str, Any], field: str) -> list[Wrong]:
    if not isinstance(value, list):
        return [Wrong(field, "must be an array")]
    if not schema["minItems"] <= len(value) <= schema["maxItems"]:
        return [Wrong(field, f"must hold {schema['minItems']} to {schema['maxItems']} values")]
    return [
        wrong
        for at, item in enumerate(value)
        for wrong in _check(item, schema["items"], f"{field}[{at}]")
    ]


_KINDS: dict[str, Callable[[Any, Mapping[str, Any], str], list[Wrong]]] = {
    "object": _object,
    "string": _string,
    "integer": _integer,
    "boolean": _boolean,
    "array": _array,
}
