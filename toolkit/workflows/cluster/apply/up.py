"""`toolkit cluster up`: a stack as the cluster file says, and a cluster that answers on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.agents import interrupts
from toolkit.cluster.stack.changes import additions, explain
from toolkit.cluster.stack.statuses import Standing
from toolkit.errors import ExitCode
from toolkit.spec.cloudformation import StackView
from toolkit.spec.cluster_apply import ChangeRow, ClusterUpReport
from toolkit.spec.cluster_template import Template
from toolkit.views.text import counted
from toolkit.workflows.cluster.apply import finishing
from toolkit.workflows.cluster.apply.changes import (
    Drafted,
    draft,
    forgotten,
    tidy,
    unchanged_since,
)
from toolkit.workflows.cluster.apply.executing import attach, execute, resume
from toolkit.workflows.cluster.apply.husk import clear_husk
from toolkit.workflows.cluster.apply.secrets import Kept, keep_secrets
from toolkit.workflows.cluster.apply.work import (
    Tools,
    Work,
    find_stack,
    make_template,
    not_begun,
    opened,
    refuse_standing,
    under_way,
)

if TYPE_CHECKING:
    from toolkit.spec.preflight import Finding


@dataclass(frozen=True, slots=True)
class Aim:
    """What is to be done to the stack, and what is known of it before it is done."""

    stack: StackView | None
    found: Standing
    template: Template
    rows: tuple[ChangeRow, ...]
    drafted: Drafted | None
    """None: it is made when there is nothing in its way, or there is nothing to change."""
    findings: tuple[Finding, ...]

    @property
    def fresh(self) -> bool:
        """Everything is made from nothing."""
        return self.found.anew


def up(folder: Path, name: str, tools: Tools | None = None) -> ClusterUpReport:
    """Bring the cluster of that name up, or to what its file says now; again: nothing changes.

    ConfigError for mistakes of its files, RefusedError and ApiError while nothing of the stack is
    changed; afterwards ApiError and InterruptedRolloutError say that it goes on without us.
    """
    with opened(folder, name, tools or Tools()) as work, interrupts.noticed() as check:
        return _up(work.checked_by(check))


def _up(work: Work) -> ClusterUpReport:
    work.tools.filling.check_way(work)
    while True:
        with not_begun(work):
            stack, found = find_stack(work)
            refuse_standing(work, found)
        if stack is None or found.way not in {"follow", "resume"}:
            return _bring(work, stack, found)
        if found.way == "follow":
            followed = attach(work, stack)
            verdict = not followed.over or followed.standing.code is not ExitCode.OK
        else:
            resumed = resume(work, stack)
            if resumed is None:
                return finishing.kept(work, stack, ())
            # That it is as before is what was asked for, and no verdict on what comes next.
            followed, verdict = resumed, not (resumed.over and resumed.standing.well)
        if verdict:
            report = finishing.begun(work, stack, "unknown")
            return finishing.ended(work, followed, report)


def _bring(work: Work, stack: StackView | None, found: Standing) -> ClusterUpReport:
    with not_begun(work):
        ready = _get_ready(work, stack, found)
    return ready if isinstance(ready, ClusterUpReport) else _do(*ready)


def _get_ready(
    work: Work, stack: StackView | None, found: Standing
) -> tuple[Work, Aim, Kept] | ClusterUpReport:
    """All that comes before the stack is touched; a report where it never will be."""
    base = None if found.anew else stack
    seen = work.tools.preflight(work.file, work.cloud, base, now=work.tools.now())
    for each in seen.findings:
        work.say("note", str(each))
    if seen.stops:
        return finishing.refused(work, stack, seen)
    aim = _aim(work, stack, found, seen.findings)
    with forgotten(work, aim.drafted) as until:
        if not _agreed(work, aim):
            return finishing.kept(work, stack, aim.rows)
        # What somebody took to answer is not the work's time.
        work = work.from_now()
        kept = keep_secrets(work)
        if aim.fresh:
            if stack is not None:
                clear_husk(work, stack)
            aim = replace(aim, drafted=draft(work, "up", aim.template, None))
        elif aim.drafted is not None:
            unchanged_since(work, aim.drafted)
        until.keep()
    return work, aim, kept


def _aim(
    work: Work, stack: StackView | None, found: Standing, findings: tuple[Finding, ...]
) -> Aim:
    if found.anew or stack is None:
        template = make_template(work, None)
        rows = additions(template)
        work.say("plan", f"{counted(len(rows), 'resource')} to make")
        return Aim(stack, found, template, rows, None, findings)
    template = make_template(work, stack)
    tidy(work)
    drafted = draft(work, "up", template, stack)
    rows = explain(drafted.set.changes, work.cluster) if drafted else ()
    for row in rows:
        work.say("plan", said(row))
    return Aim(stack, found, template, rows, drafted, findings)


def _agreed(work: Work, aim: Aim) -> bool:
    """Ask, where the cluster is protected or something would be lost."""
    warned = [row for row in aim.rows if row.warning]
    if not aim.rows or not (work.cluster.protected or warned):
        return True
    deed = "make" if aim.fresh else "change"
    heavy = f", {len(warned)} of them with a warning" if warned else ""
    return work.tools.confirm(
        f"{deed} {counted(len(aim.rows), 'resource')}{heavy}, of the stack {work.name} in"
        f" {work.cluster.region}, account {work.cloud.identity().account}?"
    )


def _do(work: Work, aim: Aim, kept: Kept) -> ClusterUpReport:
    """What was agreed to; nothing of it is asked again."""
    drafted, stack = aim.drafted, aim.stack
    report = replace(
        finishing.begun(work, stack, "unchanged" if drafted is None else "up"),
        changes=aim.rows,
        findings=aim.findings,
        made=(*kept.made, *kept.renewed),
        notes=kept.notes,
    )
    if drafted is not None:
        retry = aim.found.way == "retry"
        followed = execute(work, drafted, kept, len(aim.rows), retry=retry)
        report = replace(report, stack=followed.stack.status)
        if not followed.over or followed.standing.code is not ExitCode.OK:
            return finishing.ended(work, followed, report)
        stack = followed.stack
        work.say("stack", f"{stack.status}, in {work.seconds:.0f} s")
    if stack is None or (drafted is None and aim.found.way == "retry"):
        return finishing.stuck(work, aim.found, report)
    if drafted is None:
        work.say("plan", "the stack is as the file says")
    with under_way(
        work, f"the stack {work.name} is there, what runs on it was not seen to its end"
    ):
        return finishing.completed(work, stack, kept, report)


def said(row: ChangeRow) -> str:
    """One change as a line, with its first reason and what it does to the cluster."""
    why = f": {row.reasons[0]}" if row.reasons else ""
    warning = f" (!) {row.warning}" if row.warning else ""
    return f"{row.word} {row.logical} ({row.kind}){why}{warning}"
