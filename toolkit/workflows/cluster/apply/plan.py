"""`toolkit cluster plan`: what `up` would do now; nothing is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from toolkit.clients.aws.machines import Machines
from toolkit.cluster.stack.changes import additions, explain
from toolkit.cluster.stack.digests import earlier_then
from toolkit.cluster.stack.statuses import Standing
from toolkit.cluster.units import bill
from toolkit.config.prices import read_prices
from toolkit.errors import ApiError
from toolkit.spec.aws import InstanceView
from toolkit.spec.cloudformation import StackView
from toolkit.spec.cluster_apply import ChangeRow, ClusterPlanReport, EarlierRow, PlanWord
from toolkit.spec.cluster_template import Template
from toolkit.spec.units import Prices
from toolkit.views.text import counted
from toolkit.workflows.cluster.apply.changes import draft, forgotten
from toolkit.workflows.cluster.apply.work import (
    Tools,
    Work,
    find_stack,
    make_template,
    opened,
    refuse_standing,
)

CALLS = 12
"""That a plan makes at most, while CloudFormation takes no more than two looks to compare."""
LISTED = 1
"""Of them for the volumes that a new stack would go on with."""
COMPARED = 6
"""And where there is a stack: for volumes and machines, and for the change set, which is made,
looked at twice and deleted."""
EARLIER = "machines of an earlier configuration"


def plan(
    folder: Path, name: str, tools: Tools | None = None, *, prices: Path | None = None
) -> ClusterPlanReport:
    """What `up` would make, change and replace, and what the cluster is billed by; reads only.

    `prices`: a price file. ConfigError for mistakes of the files, RefusedError where `up` would
    refuse, ApiError.
    """
    known = None if prices is None else read_prices(prices)
    with opened(folder, name, tools or Tools()) as work:
        stack, found = find_stack(work)
        refuse_standing(work, found)
        return _plan(work, stack, found, known)


def _plan(
    work: Work, stack: StackView | None, found: Standing, prices: Prices | None
) -> ClusterPlanReport:
    account = work.cloud.identity().account
    base = None if found.anew else stack
    calls = CALLS - work.cloud.asked - (LISTED if base is None else COMPARED)
    seen = work.tools.preflight(work.file, work.cloud, base, now=work.tools.now(), calls=calls)
    rows: tuple[ChangeRow, ...] = ()
    older: tuple[EarlierRow, ...] = ()
    machines: tuple[InstanceView, ...] = ()
    left_out = work.equipment.left_out
    notes = [f"{each.job} is left out of the equipment: {each.why}" for each in left_out]
    if found.way in {"change", "retry"}:
        template = make_template(work, base)
        if work.cloud.asked + COMPARED - LISTED > CALLS:
            seen = replace(seen, unasked=(*seen.unasked, EARLIER))
        else:
            machines = _machines(work, notes)
        rows = _compared(work, template, base)
        if older := earlier_then(template, rows, machines):
            notes.append(_left_as_they_are(older))
    elif found.anew:
        rows = additions(make_template(work, None))
    if seen.unasked:
        notes.append(f"asked by up, and not by a plan: {', '.join(seen.unasked)}")
    word: PlanWord = "changes" if rows or found.way not in {"change"} else "nothing"
    sentence = _sentence(work, found, rows)
    if seen.stops:
        word = "refused"
        sentence = f"{counted(len(seen.stops), 'finding')} would make it fail: up refuses"
    return ClusterPlanReport(
        name=work.name,
        region=work.cluster.region,
        account=account,
        stack=None if stack is None else stack.status,
        word=word,
        sentence=sentence,
        changes=rows,
        preflight=seen,
        bill=bill(work.cluster, prices),
        earlier=older,
        notes=tuple(notes),
        next=(f"toolkit cluster up {work.name}",) if word == "changes" else (),
    )


def _machines(work: Work, notes: list[str]) -> tuple[InstanceView, ...]:
    """The cluster's machines; none, and a note of why, where nobody says so."""
    try:
        return Machines(work.cloud).instances(work.name)
    except ApiError as error:
        notes.append(f"which {EARLIER} there are is not known: {error.message}")
        return ()


def _left_as_they_are(rows: Sequence[EarlierRow]) -> str:
    names = ", ".join(dict.fromkeys(each.name for each in rows))
    machines = counted(len(rows), "machine")
    return f"{machines} ({names}) would keep an earlier configuration: up replaces none by itself"


def _compared(work: Work, template: Template, stack: StackView | None) -> tuple[ChangeRow, ...]:
    """What CloudFormation says of the change; its change set is gone again afterwards."""
    with forgotten(work, draft(work, "plan", template, stack)) as until:
        drafted = until.drafted
        return explain(drafted.set.changes, work.cluster) if drafted else ()


def _sentence(work: Work, found: Standing, rows: tuple[ChangeRow, ...]) -> str:
    match found.way:
        case "make":
            return f"there is no stack {work.name}: {counted(len(rows), 'resource')} to make"
        case "follow":
            return f"the stack is {found.word}: up attaches, and does the rest"
        case "resume":
            return f"the stack is {found.word}: {found.sentence}; up goes on with that, if told to"
        case "remake":
            made = counted(len(rows), "resource")
            return f"the stack is {found.word}: it is deleted, and {made} made anew"
    if not rows:
        if found.way == "retry":
            return f"the stack is {found.word}, and CloudFormation sees nothing to change"
        return "the stack is as the file says"
    warned = sum(bool(row.warning) for row in rows)
    heavy = f", {warned} of them with a warning" if warned else ""
    return f"{counted(len(rows), 'resource')} to change{heavy}"
