"""What the audit remembers for the writer: answers by key, and intents without an outcome.

An intent without an outcome is what was under way when the server was killed, or when a provider
gave no reply: what is there now tells what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from kick.idempotency import Keys, asked_by
from toolkit.dns.standing import Standing, agree, changes_between, read_standing
from toolkit.spec.audit import Entry, Result
from toolkit.spec.dns import ChangeState, Owner, Written, Zone

DNS = frozenset({"dns.set", "dns.remove"})


@dataclass(frozen=True, slots=True)
class Open:
    """An intent whose outcome is not known."""

    zone: Zone | None
    """None for what is not DNS, or of a zone that the server has no more."""
    intent: Entry


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a walk through the newest entries found."""

    open: tuple[Open, ...]
    pending: Mapping[tuple[Zone, str], str]
    """Ids of changes that were not everywhere yet, by name."""


def recall(entries: Iterable[Entry], zones: Sequence[Zone], keys: Keys) -> Recalled:
    """Walk through entries, oldest first; fills the keys."""
    by_name = {str(zone): zone for zone in zones}
    open_: dict[int, Entry] = {}
    pending: dict[tuple[Zone, str], str] = {}
    for entry in entries:
        what = entry.what
        if what.kind == "intent":
            open_[entry.seq] = entry
            continue
        intent = open_.pop(what.intent, None)
        zone = by_name.get(what.zone)
        if intent is None or zone is None or what.action not in DNS or what.result != "done":
            continue
        said = cast("Mapping[str, Any]", what.after or {})
        if said.get("change") and said.get("state") == "PENDING":
            pending[zone, what.subject] = str(said["change"])
        if what.key:
            remember(keys, zone, intent, str(said.get("change", "")), said.get("state", "INSYNC"))
    left = tuple(Open(by_name.get(each.what.zone), each) for each in open_.values())
    return Recalled(left, pending)


def remember(
    keys: Keys, zone: Zone, intent: Entry, change: str, state: ChangeState = "INSYNC"
) -> None:
    """Let the key of an intent that was done answer as it did, or would have."""
    what = intent.what
    keys.answered(
        asked_by(what.actor, what.key),
        what.fingerprint,
        _written(zone, intent, change, state),
        datetime.fromisoformat(intent.time).timestamp(),
    )


def judge(opened: Open, now: Standing) -> tuple[Result, str]:
    """What became of an intent, by what is at its name now."""
    before, after = _standings(opened.intent)
    changes = changes_between(before, after)
    if agree(now, after, changes):
        return "done", "it was found done"
    if agree(now, before, changes):
        return "not done", "it was found not done"
    return "unknown", "the name has been changed since"


def find_out(
    opened: Sequence[Open],
    look: Callable[[Zone, Iterable[str]], Mapping[str, Standing]],
    conclude: Callable[[Open, Result, str], None],
) -> None:
    """Read the names of open intents and tell what became of each.

    Raises ApiError of the first zone that cannot be read; what was told before stays told.
    """
    for each in opened:
        if each.zone is None:
            conclude(each, "unknown", "the server was stopped while it was done")
    for zone in dict.fromkeys(each.zone for each in opened if each.zone is not None):
        of_zone = [each for each in opened if each.zone == zone]
        now = look(zone, [each.intent.what.subject for each in of_zone])
        for each in of_zone:
            conclude(each, *judge(each, now[each.intent.what.subject]))


def _standings(intent: Entry) -> tuple[Standing, Standing]:
    what = intent.what
    before = read_standing(what.subject, cast("Mapping[str, Any]", what.before))
    after = read_standing(what.subject, cast("Mapping[str, Any]", what.after))
    return before, after


def _written(zone: Zone, intent: Entry, change: str, state: ChangeState) -> Written:
    what = intent.what
    before, after = _standings(intent)
    said = cast("Mapping[str, Any]", what.after)
    type_ = str(said["type"])
    is_set = what.action == "dns.set"
    record = next((r for r in after.records if r.type == type_), None) if is_set else None
    owner = (after.owner or before.owner) if is_set else before.owner
    return Written(
        zone,
        what.subject,
        type_,
        record,
        owner or Owner("", "people"),
        changed=True,
        created=bool(said["created"]),
        change=change,
        state=state,
        etag=after.etag,
        seq=intent.seq,
    )
