"""How a zone is written in its file: a JSON document a line, so that people can read it. Pure.

The first line says which zone this is, then comes a line for each record, then one for each batch
that was done since. A batch is whole or not there: it is one line, and a line that a crash cut
short is told from one that a person broke.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.clients.dns.rules import conflict_of, fault_of, judge
from toolkit.clients.dns.snapshot import Draft, Snapshot
from toolkit.spec.dns import Alias, Change, Record, Zone

_BATCH = b'{"batch":'


class DamagedError(ValueError):
    """A line that we did not write so."""

    def __init__(self, line: int, message: str) -> None:
        """`line` counts from 1."""
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file says."""

    snapshot: Snapshot
    good: int
    """Bytes up to which it is whole; what follows was cut short by a crash."""
    whole: bool
    """False when the last line lacks nothing but its end."""
    changes: int
    """In batches, which a rewrite would fold into records."""


def whole_text(snapshot: Snapshot) -> bytes:
    """The file of a zone with nothing but records."""
    head = {"zone": snapshot.zone.name, "visibility": snapshot.zone.visibility, "format": 1}
    lines = [_line({**head, "serial": snapshot.serial})]
    lines += [
        _line(_of_record(record)) for record in snapshot.records() if record.type not in _APEX
    ]
    return b"".join(lines)


def batch_line(serial: int, changes: Sequence[Change], comment: str = "") -> bytes:
    """The line of one batch."""
    parts: dict[str, Any] = {"batch": serial}
    if comment:
        parts["comment"] = comment
    for key, action in (("delete", "DELETE"), ("create", "CREATE")):
        done = [_of_record(change.record) for change in changes if change.action == action]
        if done:
            parts[key] = done
    return _line(parts)


def parse(zone: Zone, text: bytes) -> Loaded:
    """The zone in a file; DamagedError names the first line that is wrong."""
    body, tail = _split(text)
    lines = body.split(b"\n")[:-1] if body else []
    if tail:
        lines.append(tail)
    if not lines:
        raise DamagedError(1, "the file is empty")
    serial = _head(zone, lines[0])
    draft = Draft(zone)
    changes = batches = 0
    for number, line in enumerate(lines[1:], start=2):
        try:
            document = _object(line)
            if "batch" in document:
                serial = _next_serial(document, serial)
                batch = _batch(document)
                for fault in judge(zone, draft.names, batch):
                    raise ValueError(fault.reason)
                for change in batch:
                    draft.do(change)
                batches += 1
                changes += len(batch)
            elif batches:
                raise ValueError("a record stands below a batch")
            else:
                _add(draft, _record(document))
        except ValueError as exc:
            raise DamagedError(number, str(exc)) from exc
    return Loaded(draft.snapshot(serial), len(body) + len(tail), not tail, changes)


_APEX = frozenset({"NS", "SOA"})
"""Every zone has these of itself."""


def _split(text: bytes) -> tuple[bytes, bytes]:
    """The lines that are complete, and a last one that lacks only its end.

    What a crash cut short is neither: the beginning of a batch nobody was told of, perhaps with the
    zeros that a file system leaves after a power failure.
    """
    end = text.rfind(b"\n") + 1
    body, tail = text[:end], text[end:].rstrip(b"\0")
    if not tail:
        return body, b""
    try:
        _object(tail)
    except ValueError:
        cut = tail.startswith(_BATCH) or _BATCH.startswith(tail)
        return body, b"" if cut and body else tail
    return body, tail


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"


def _of_record(record: Record) -> dict[str, Any]:
    parts: dict[str, Any] = {"name": record.name, "type": record.type}
    if record.alias is None:
        return parts | {"ttl": record.ttl, "values": list(record.values)}
    alias = record.alias
    return parts | {"alias": alias.target, "zone": alias.zone, "healthy": alias.healthy}


def _object(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line, object_pairs_hook=_once)
    except (UnicodeDecodeError, RecursionError) as exc:
        raise ValueError("the line is not text") from exc
    except json.JSONDecodeError as exc:
        raise ValueError(f"the line is not JSON (column {exc.colno}: {exc.msg})") from exc
    if not isinstance(document, dict):
        raise ValueError("the line is not a JSON object")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key stands twice in the line")
    return document


def _head(zone: Zone, line: bytes) -> int:
    try:
        document = _object(line)
    except ValueError as exc:
        raise DamagedError(1, str(exc)) from exc
    if document.get("format") != 1:
        raise DamagedError(1, 'the line does not say `"format": 1`, and so is none of ours')
    said = f"{document.get('zone')} ({document.get('visibility')})"
    if said != str(zone):
        raise DamagedError(1, f"the file says it is the zone {said}, and {zone} was looked for")
    serial = document.get("serial")
    if not _is_number(serial):
        raise DamagedError(1, "`serial` is not a number")
    return int(str(serial))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _next_serial(document: dict[str, Any], before: int) -> int:
    serial = document["batch"]
    if not _is_number(serial) or serial <= before:
        raise ValueError(f"`batch` is not a number above {before}, which the lines above came to")
    return int(serial)


def _batch(document: dict[str, Any]) -> list[Change]:
    unknown = document.keys() - {"batch", "comment", "delete", "create"}
    if unknown:
        raise ValueError(f"`{min(unknown)}` is no key of a batch")
    deleted, created = document.get("delete", []), document.get("create", [])
    if not isinstance(deleted, list) or not isinstance(created, list):
        raise ValueError("`delete` and `create` are lists of records")
    return [Change("DELETE", _record(each)) for each in deleted] + [
        Change("CREATE", _record(each)) for each in created
    ]


def _add(draft: Draft, record: Record) -> None:
    at = dict(draft.names.get(record.name, {}))
    if record.type in at:
        raise ValueError(f"{record.name} {record.type} stands there a second time")
    reason = fault_of(draft.zone, record) or conflict_of(draft.zone, at, record)
    if reason is not None:
        raise ValueError(reason)
    draft.add(record)


_PARTS: dict[str, Callable[[Any], bool]] = {
    "name": lambda value: isinstance(value, str),
    "type": lambda value: isinstance(value, str),
    "ttl": _is_number,
    "values": lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value),
    "alias": lambda value: isinstance(value, str),
    "zone": lambda value: isinstance(value, str),
    "healthy": lambda value: isinstance(value, bool),
}


def _record(document: object) -> Record:
    if not isinstance(document, dict):
        raise ValueError("a record is a JSON object")
    rest = ("alias", "zone", "healthy") if "alias" in document else ("ttl", "values")
    wanted = ("name", "type", *rest)
    for key in wanted:
        if key not in document:
            raise ValueError(f"the record has no `{key}`")
        if not _PARTS[key](document[key]):
            raise ValueError(f"`{key}` is not what it should be: {document[key]!r}"[:200])
    unknown = document.keys() - set(wanted)
    if unknown:
        raise ValueError(f"`{min(map(str, unknown))}` is no key of such a record"[:200])
    name, type_ = document["name"], document["type"]
    if "alias" in document:
        alias = Alias(document["alias"], document["zone"], document["healthy"])
        return Record(name, type_, None, alias=alias)
    return Record(name, type_, document["ttl"], tuple(sorted(document["values"])))
