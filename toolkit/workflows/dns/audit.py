"""`toolkit dns audit`: what was changed and by whom; the chain is verified here, not believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from toolkit.clients.kick import Kick
from toolkit.errors import AuditError, ConfigError, ExitCode, Mistake
from toolkit.serving.chain import Head, follow, read_entry, read_head
from toolkit.spec.audit import Entry
from toolkit.spec.dns_reports import DnsAuditReport
from toolkit.workflows.dns.find import connect
from toolkit.workflows.session import Session

LAST = 50
"""Entries that are shown when nothing says how many."""
_WINDOW = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; None where anything goes."""

    last: int | None = None
    """Of the newest so many."""
    since: float | None = None
    """Not older than so many seconds."""
    subject: str | None = None
    """About this name."""
    actor: str | None = None
    """By this caller: `namespace/job`, or a person's name."""


def audit(
    session: Session,
    wanted: Wanted,
    *,
    verify: bool = False,
    head: str | None = None,
    anchor: str | None = None,
) -> DnsAuditReport:
    """The wanted entries; with `verify` all of the audit is read, and its chain computed again.

    `head`: the hash that an earlier audit ended with: it has to be in the chain. `anchor`: a whole
    head, `SEQ:HASH`: only what follows it is read, for what is before it may have been moved away.
    AuditError (exit 6) when it does not hold, with the entry at which it breaks.
    """
    start = _start(anchor)
    with connect(session) as kick:
        shown = _chosen(session, kick, wanted)
        last, told = kick.audit_head()
        end = Head(last, told)
        verified: bool | None = None
        if verify or head is not None or anchor is not None:
            end = _verify(kick, end, head, start)
            verified = True
        return DnsAuditReport(
            environment=session.target.environment,
            address=kick.endpoint.address,
            entries=tuple(shown),
            verified=verified,
            head=end.hash,
            count=end.seq,
            anchor=None if anchor is None else str(start),
        )


def _start(anchor: str | None) -> Head:
    """What the first entry that is read has to follow."""
    try:
        return Head() if anchor is None else read_head(anchor)
    except ValueError as exc:
        raise ConfigError([Mistake("--anchor", None, None, str(exc))]) from exc


def _verify(kick: Kick, told: Head, wanted: str | None, start: Head) -> Head:
    """Where the chain ends, from `start` on; `told`: where the server says that it does."""
    # Of a head as it is printed the hash is asked for: it says all.
    sought = None if wanted is None else wanted.rpartition(":")[2].lower()
    seen = sought is None or (start.seq > 0 and start.hash.startswith(sought))
    if start.seq > told.seq:
        raise _unsound(f"it ends at entry {told.seq}, before the anchor at {start.seq}")

    def entries() -> Iterator[Entry]:
        nonlocal seen
        rest = kick.audit(after=start.seq) if start.seq else kick.audit()
        for number, raw in enumerate(rest, start=start.seq + 1):
            try:
                entry = read_entry(raw)
            except AuditError as exc:
                raise AuditError(f"at entry {number}: {exc.message}") from exc
            # The chain alone would take entries that were left out for ones that are not shown.
            if number != entry.seq:
                raise _GapError(number, entry.seq)
            seen = seen or entry.hash.startswith(str(sought))
            yield entry

    try:
        end = follow(entries(), start) or start
    except _GapError as exc:
        moved = exc.number == start.seq + 1
        raise _unsound(exc.message, _MOVED if moved else _TOUCHED) from exc
    except AuditError as exc:
        raise _unsound(exc.message) from exc
    if end.seq < told.seq or (end.seq == told.seq > 0 and end.hash != told.hash):
        raise _unsound(f"it ends at entry {end.seq}, and the server says that it has {told.seq}")
    if not seen:
        raise _unsound(f"no entry has the hash {wanted}: it was cut off or written anew")
    return end


class _GapError(AuditError):
    """Entries are missing before one that is there."""

    def __init__(self, number: int, found: int):
        super().__init__(f"entry {number} should follow, and {found} does")
        self.number = number


_TOUCHED = (
    "keep the files of the kick server's data folder as they are, and find out who may write there"
)
_MOVED = (
    "when you moved old files of the audit away yourself, verify from a head that was noted before:"
    f" --anchor SEQ:HASH; otherwise {_TOUCHED}"
)


def _unsound(why: str, hint: str = _TOUCHED) -> AuditError:
    return AuditError(f"the audit does not hold: {why}", hint=hint, code=ExitCode.UNVERIFIED)


def _chosen(session: Session, kick: Kick, wanted: Wanted) -> Sequence[Mapping[str, Any]]:
    filters = {"subject": wanted.subject, "actor": wanted.actor}
    if wanted.since is None:
        return list(kick.audit(last=wanted.last or LAST, **filters))
    begin = datetime.fromtimestamp(session.world.now() - wanted.since, UTC)
    last, _ = kick.audit_head()
    window = _WINDOW
    while True:
        # The audit is in the order of what happened; from the end it is found without all of it.
        found = [each for each in kick.audit(last=window, **filters) if _at(each) >= begin]
        oldest = next(iter(kick.audit(last=window)), None)
        if window >= last or oldest is None or _at(oldest) < begin:
            return found[-(wanted.last or len(found) or 1) :]
        window *= 8


def _at(entry: Mapping[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(str(entry.get("time")).replace("Z", "+00:00"))
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
