"""`toolkit dns audit`: what was changed and by whom; the chain is verified here, not believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from toolkit.clients.kick import Kick
from toolkit.dns.chain import Head, follow, read_entry
from toolkit.errors import AuditError, ExitCode
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
    session: Session, wanted: Wanted, *, verify: bool = False, head: str | None = None
) -> DnsAuditReport:
    """The wanted entries; with `verify` all of the audit is read, and its chain computed again.

    `head`: the hash that an earlier audit ended with: it has to be in the chain. AuditError (exit
    6) when it does not hold, with the entry at which it breaks.
    """
    with connect(session) as kick:
        shown = _chosen(session, kick, wanted)
        last, told = kick.audit_head()
        verified: bool | None = None
        if verify or head is not None:
            told = _verify(kick, last, told, head)
            verified = True
        return DnsAuditReport(
            environment=session.target.environment,
            address=kick.endpoint.address,
            entries=tuple(shown),
            verified=verified,
            head=told,
            count=last,
        )


def _verify(kick: Kick, last: int, told: str, wanted: str | None) -> str:
    """The hash that the chain ends with, from its first entry on."""
    seen = wanted is None

    def entries() -> Iterator[Entry]:
        nonlocal seen
        for number, raw in enumerate(kick.audit(), start=1):
            try:
                entry = read_entry(raw)
            except AuditError as exc:
                raise AuditError(f"at entry {number}: {exc.message}") from exc
            # The chain alone would take entries that were left out for ones that are not shown.
            if number != entry.seq:
                raise AuditError(f"entry {number} should follow, and {entry.seq} does")
            seen = seen or entry.hash.startswith(str(wanted).lower())
            yield entry

    try:
        end = follow(entries(), Head()) or Head()
    except AuditError as exc:
        raise _unsound(exc.message) from exc
    if end.seq < last or (end.seq == last > 0 and end.hash != told):
        raise _unsound(f"it ends at entry {end.seq}, and the server says that it has {last}")
    if not seen:
        raise _unsound(f"no entry has the hash {wanted}: it was cut off or written anew")
    return end.hash


def _unsound(why: str) -> AuditError:
    return AuditError(
        f"the audit does not hold: {why}",
        hint="keep the files of the kick server's data folder as they are, and find out who may"
        " write there",
        code=ExitCode.UNVERIFIED,
    )


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
