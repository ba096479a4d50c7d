"""`toolkit history`: the versions of a job that Nomad keeps, what changed, and by whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from toolkit.errors import DeniedError, NotFoundError
from toolkit.rollout import diff, last_verified, read
from toolkit.rollout.provenance import shown
from toolkit.spec.listing import HistoryReport, VersionRow
from toolkit.spec.plan import DiffLine
from toolkit.spec.provenance import LastVerified
from toolkit.workflows.names import find
from toolkit.workflows.rollback_target import described, kept
from toolkit.workflows.secret import path_of
from toolkit.workflows.session import Session

RELEASE = "Meta[release]"
"""Nomad's name for the release in a job's diff."""


def history(session: Session, job: str) -> HistoryReport:
    """Newest first; five calls. NotFoundError for a job that Nomad does not know."""
    found = find(session, job)
    versions = session.nomad.versions(found.id, diffs=True)
    if not versions:
        raise NotFoundError(
            f"job {found.id} is not deployed in namespace {session.target.namespace}",
            system="Nomad",
            address=session.target.nomad.address,
            hint=f"toolkit deploy {found.id}",
        )
    rollouts = {
        rollout.job_version: rollout.status
        for rollout in read.deployments(session.nomad.deployments(found.id).value or [])
    }
    newest = max(int(raw.get("Version") or 0) for raw in versions)
    hidden = secret_values(session, found.id)
    last, unseen = last_verified.look(session.world, found.id)
    proven = kept([read.live_job(raw) for raw in versions], last)
    rows = (row(raw, newest, rollouts, hidden) for raw in versions)
    return HistoryReport(
        environment=session.target.environment,
        address=session.target.nomad.address,
        namespace=session.target.namespace,
        job=found.id,
        versions=tuple(
            replace(each, last_verified=proven is not None and each.version == proven.version)
            for each in rows
        ),
        last_verified=last,
        notes=_notes(last, unseen, is_kept=proven is not None),
    )


def _notes(last: LastVerified | None, unseen: str | None, *, is_kept: bool) -> tuple[str, ...]:
    if unseen:
        return (unseen,)
    if last is not None and not is_kept:
        return (f"{described(last)}, verified last, is no longer kept by Nomad",)
    return ()


def secret_values(session: Session, job_id: str) -> tuple[str, ...]:
    """What no diff may show; nothing where the token may not read it."""
    try:
        items = (session.nomad.variable(path_of(job_id)) or {}).get("Items") or {}
    except DeniedError:
        return ()
    return tuple(str(value) for value in items.values())


def row(
    raw: Mapping[str, Any], newest: int, rollouts: Mapping[int, str], hidden: Collection[str]
) -> VersionRow:
    """One version, `hidden` being values that must not be shown."""
    live = read.live_job(raw)
    body = raw.get("Diff")
    changes = diff.lines(body, hidden) if body else ()
    tag = (raw.get("VersionTag") or {}).get("Name")
    return VersionRow(
        version=live.version,
        release=live.release,
        submitted_at=(raw.get("SubmitTime") or 0) / read.NANO,
        stable=live.stable,
        live=live.version == newest and not live.stopped,
        tags=(tag,) if tag else (),
        deployment=rollouts.get(live.version),
        counts=live.counts,
        stopped=live.stopped,
        changes=changes,
        summary=summary(changes) if body else _first(live.version),
        provenance=shown(raw),
    )


def _first(version: int) -> str:
    return "first version" if version == 0 else "oldest version kept"


def summary(changes: Collection[DiffLine]) -> str:
    """The changes in a few words: release, stop and counts by name, the rest as a number."""
    said: list[str] = []
    rest = 0
    for line in changes:
        field = line.path.rsplit(".", 1)[-1]
        if line.path == RELEASE:
            said.insert(0, f"release {line.old or 'none'} → {line.new or 'none'}")
        elif line.path == "Stop":
            said.append("stopped" if line.new == "true" else "started again")
        elif field == "Count" and line.path.count(".") == 1:
            said.append(f"count {line.old or 0} → {line.new or 0}")
        else:
            rest += 1
    if rest:
        noun = "change" if rest == 1 else "changes"
        said.append(f"{rest} more {noun}" if said else f"{rest} {noun}")
    return ", ".join(said) or "no change"
