"""`toolkit logs`: what the tasks of all running instances wrote, and write."""

from __future__ import annotations

import re
from collections.abc import Iterator

from toolkit.clients.nomad_logs import LogKind
from toolkit.errors import NotFoundError, RefusedError
from toolkit.rollout import read
from toolkit.spec.listing import LogLine
from toolkit.spec.observed import AllocationView
from toolkit.workflows.log_streams import follow_job, text_lines
from toolkit.workflows.names import find
from toolkit.workflows.session import Session

_ALLOCATION = re.compile(r"[0-9a-f]{4,8}(-[0-9a-f-]*)?")

FIRST_BYTES = 1 << 16
MOST_BYTES = 1 << 22
"""However many lines are asked for, no more than this is fetched of one task."""


def logs(
    session: Session,
    job: str,
    *,
    follow: bool = False,
    task: str | None = None,
    stderr: bool = False,
    lines: int = 100,
) -> Iterator[LogLine]:
    """The last `lines` lines of each task of each running instance, then, to follow, all new ones.

    Following picks up instances that start later and ends when the job is stopped. Without a
    running instance the newest one that ended is shown. `job` may also be the id of an allocation,
    or its beginning, running or not. NotFoundError for a job that Nomad does not know,
    RefusedError for a task that it does not have; both before the first line.
    """
    kind: LogKind = "stderr" if stderr else "stdout"
    if (view := allocation(session, job)) is not None:
        return of_allocation(session, view, task=task, kind=kind, lines=lines)
    found = find(session, job)
    raw = session.nomad.job(found.id)
    if raw is None:
        raise NotFoundError(
            f"job {found.id} is not deployed in namespace {session.target.namespace}",
            system="Nomad",
            address=session.target.nomad.address,
            hint=f"toolkit deploy {found.id}",
        )
    tasks = {item["Name"] for group in read.groups(raw) for item in group.get("Tasks") or []}
    if task is not None and task not in tasks:
        raise RefusedError(
            f"job {found.id} has no task {task}", hint=f"it has {', '.join(sorted(tasks))}"
        )
    if follow:
        return follow_job(session, found.id, task=task, kind=kind, lines=lines)
    return ends(session, found.id, task=task, kind=kind, lines=lines)


def allocation(session: Session, text: str) -> AllocationView | None:
    """The only allocation whose id begins with `text`, if it looks like one."""
    if not _ALLOCATION.fullmatch(text):
        return None
    found = session.nomad.allocations_by_prefix(text)
    if len(found) > 1:
        raise RefusedError(
            f"{len(found)} allocations begin with {text}", hint="give more of the id"
        )
    return read.allocation(found[0]) if found else None


def of_allocation(
    session: Session, view: AllocationView, *, task: str | None, kind: LogKind, lines: int
) -> Iterator[LogLine]:
    """The end of what one instance's tasks wrote."""
    for name in names(view, task):
        yield from tail(session, view, name, kind, lines)


def ends(
    session: Session, job_id: str, *, task: str | None, kind: LogKind, lines: int
) -> Iterator[LogLine]:
    """The end of what each instance's tasks wrote."""
    everything = read.allocations(session.nomad.allocations(job_id).value or [])
    shown = [view for view in everything if view.client_status == "running"]
    if not shown and everything:
        shown = [everything[-1]]
        yield LogLine(
            shown[0].id, "", "note", f"no instance runs; this one is {shown[0].client_status}"
        )
    if not shown:
        yield LogLine("", "", "note", f"job {job_id} has no instance")
    for view in shown:
        for name in names(view, task):
            yield from tail(session, view, name, kind, lines)


def names(view: AllocationView, task: str | None) -> list[str]:
    """The tasks to show of an allocation."""
    return [item.name for item in view.tasks if task in {None, item.name}]


def tail(
    session: Session, view: AllocationView, task: str, kind: LogKind, lines: int
) -> Iterator[LogLine]:
    """The last lines of one task; a remark where Nomad no longer has them."""
    size = FIRST_BYTES
    try:
        data = session.nomad.logs(view.id, task, kind, last_bytes=size)
        while len(data) >= size and data.count(b"\n") <= lines and size < MOST_BYTES:
            size *= 4
            data = session.nomad.logs(view.id, task, kind, last_bytes=size)
    except NotFoundError as exc:
        yield LogLine(view.id, task, "note", exc.message)
        return
    if not data:
        other = "" if kind == "stderr" else "; --stderr shows the other stream"
        yield LogLine(view.id, task, "note", f"has written nothing to {kind}{other}")
    for line in text_lines(data)[-lines:] if lines > 0 else ():
        yield LogLine(view.id, task, kind, line)
