"""The chain of an audit: each line holds the hash of the line before; pure.

A changed, removed or inserted line is found, and named, unless all that follows it was written
anew; what was cut off at the end is missed by whoever knows a later hash.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from toolkit.errors import AuditError
from toolkit.spec.audit import Actor, Draft, Entry

FIRST = "0" * 64
"""What the first line has in the place of a hash before it."""

_DRAFT = frozenset(field.name for field in fields(Draft))
_ACTOR = frozenset(field.name for field in fields(Actor))
# The keys of a line are sorted: these four stand together.
_PLACE = re.compile(
    rb'"hash":"([0-9a-f]{64})",(?:"intent":([0-9]+),)?("key":"(?:[^"\\]|\\.)*",)?'
    rb'"kind":"(intent|outcome)","prev":"([0-9a-f]{64})"'
)
_SEQ = re.compile(rb'"seq":([0-9]+)')
_HEAD = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})", re.ASCII)
_OWN = frozenset({"seq", "time", "prev", "hash"})


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends."""

    seq: int = 0
    hash: str = FIRST

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


def read_head(text: str) -> Head:
    """A head of its text, `SEQ:HASH`; raises ValueError when it is none."""
    if not (found := _HEAD.fullmatch(text.strip().lower())):
        raise ValueError("must be SEQ:HASH, as `toolkit dns audit --verify` prints its head")
    return Head(int(found[1]), found[2])


def seal(draft: Draft, head: Head, time: str) -> Entry:
    """The entry that follows the head."""
    entry = Entry(head.seq + 1, time, head.hash, draft, "")
    return Entry(entry.seq, entry.time, entry.prev, draft, _digest(document(entry)))


def document(entry: Entry) -> dict[str, Any]:
    """An entry as the JSON of its line; what is empty is left out."""
    said: dict[str, Any] = {"seq": entry.seq, "time": entry.time, "prev": entry.prev}
    for name in _DRAFT - {"actor"}:
        value = getattr(entry.what, name)
        if value not in ("", None, 0):
            said[name] = value
    actor = entry.what.actor
    said["actor"] = {name: value for name in _ACTOR if (value := getattr(actor, name))}
    if entry.hash:
        said["hash"] = entry.hash
    return said


def line(entry: Entry) -> bytes:
    """The line of an entry, with its end."""
    return _canonical(document(entry)) + b"\n"


def read_entry(said: Mapping[str, Any]) -> Entry:
    """An entry of its JSON; raises AuditError when it is not one, or not as it was written."""
    unsealed = {key: value for key, value in said.items() if key != "hash"}
    if _digest(unsealed) != said.get("hash"):
        raise AuditError("the line was changed after it was written")
    try:
        unknown = set(said) - _DRAFT - _OWN
        actor = said["actor"]
        if unknown or set(actor) - _ACTOR:
            raise AuditError("it has keys that no entry has")
        draft = Draft(
            actor=Actor(**actor),
            **{key: value for key, value in said.items() if key in _DRAFT and key != "actor"},
        )
        return Entry(int(said["seq"]), str(said["time"]), str(said["prev"]), draft, said["hash"])
    except (KeyError, TypeError, ValueError) as error:
        raise AuditError(f"it is no entry of an audit: {error}") from error


def read_line(text: bytes) -> Entry:
    """An entry of its line; raises AuditError when the line is not one."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AuditError("it is not JSON") from error
    if not isinstance(said, dict):
        raise AuditError("it is no entry of an audit")
    return read_entry(said)


def fault_of(entry: Entry, before: Head) -> str | None:
    """Why an entry that was read does not follow what is before it."""
    if entry.seq != before.seq + 1:
        return f"entry {before.seq + 1} should be here, and {entry.seq} is"
    if entry.prev != before.hash:
        return f"it does not follow the entry {before.seq} that is before it"
    return None


@dataclass(frozen=True, slots=True)
class Glance:
    """What a line says of its place in the chain, seen without reading all of it."""

    seq: int
    prev: str
    hash: str
    intent: int
    """0 of an intent."""
    has_key: bool


def glance(text: bytes) -> Glance | None:
    """A look at a line that is as it was written; None when only `read_line` can tell.

    Ten times as fast as reading it: the hash is over the bytes without itself, in their order.
    """
    place = _PLACE.search(text)
    seq = None if place is None else _SEQ.search(text, place.end())
    if place is None or seq is None:
        return None
    sealed = text[: place.start()] + text[place.end(1) + 2 :].rstrip(b"\n")
    if hashlib.sha256(sealed).hexdigest().encode() != place[1]:
        return None
    return Glance(
        int(seq[1]),
        place[5].decode(),
        place[1].decode(),
        int(place[2] or 0),
        has_key=place[3] is not None,
    )


def follow(entries: Iterable[Entry], head: Head | None = None) -> Head | None:
    """The end of a chain; raises AuditError that names the first entry that is wrong.

    Entries may be a choice of a chain: what follows another directly must fit to it, and their
    order must be that of their numbers. That each is as it was written `read_entry` has seen.
    """
    for entry in entries:
        gap = head is None or entry.seq > head.seq + 1
        fault = None if gap or head is None else fault_of(entry, head)
        if fault is not None:
            raise AuditError(f"the audit does not hold at entry {entry.seq}: {fault}")
        head = Head(entry.seq, entry.hash)
    return head


def _canonical(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _digest(said: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(said)).hexdigest()
