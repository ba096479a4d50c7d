"""The story of an allocation: its life, why it ended or ails, its last words, what replaced it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from toolkit.clients.task_texts import without_query
from toolkit.errors import ApiError
from toolkit.rollout import read, secrets
from toolkit.rollout.causes.crash import spoken
from toolkit.rollout.causes.gather import output
from toolkit.rollout.causes.words import one_line
from toolkit.rollout.declared import services
from toolkit.rollout.events import failures
from toolkit.rollout.secrets import scrub
from toolkit.spec.explain import Condition, Explanation, Fact, Moment, Subject
from toolkit.spec.observed import AllocationView, ConsulInstance
from toolkit.views.when import stamp
from toolkit.workflows.explain import look, why
from toolkit.workflows.session import Session

NOISE = {"Received", "Task Setup"}
"""Events that everybody has, and that say nothing."""
BATCH = {"batch", "sysbatch"}


def tell(session: Session, subject: Subject) -> Explanation:
    """One allocation."""
    raw = session.nomad.allocation(subject.id)
    view = read.allocation(raw)
    job: Mapping[str, Any] = raw.get("Job") or {"ID": raw.get("JobID")}
    declared = tuple(each for each in services(job) if each.group == view.group)
    instances, blind = look.consul(session, declared if view.client_status == "running" else ())
    mine = [each for each in instances if each.allocation == view.id]
    word, state = condition(view, str(job.get("Type") or ""), mine, checked=bool(declared))
    ailing = bool(failures(view)) or word in {"unwell", "unknown"} or why.was_moved(view)
    hidden = secrets.stored(session.world, str(job.get("ID") or ""))
    causes = why.of_allocations(session, job, [view], mine, hidden) if ailing else ()
    said = () if any(cause.evidence for cause in causes) else _output(session, view, hidden)
    return Explanation(
        subject=subject,
        job=str(raw.get("JobID") or ""),
        word=word,
        sentence=f"allocation {view.short} ({view.name}) of version {view.job_version} {state}",
        since=_since(view, word),
        causes=causes,
        facts=tuple(_facts(session, raw, view, mine, hidden)),
        timeline=timeline(raw, view, hidden),
        output=said,
        unseen=blind,
        next=_next(view, word, ailing),
    )


def condition(
    view: AllocationView, kind: str, instances: list[ConsulInstance], *, checked: bool
) -> tuple[Condition, str]:
    """The word, and how it is in half a sentence."""
    match view.client_status:
        case "failed":
            return "unwell", "failed"
        case "lost":
            return "unwell", "was lost with its node"
        case "unknown":
            return "unknown", "is on a node that is disconnected"
        case "complete" if view.desired_status == "evict":
            return "stopped", "was preempted"
        case "complete" if view.desired_status == "stop":
            healthy = ", it was not healthy" if view.healthy is False else ""
            return "stopped", f"was stopped: {view.desired_description or 'as asked'}{healthy}"
        case "complete":
            return "done", "did its work" if kind in BATCH else "ended by itself"
        case "pending":
            return "waiting", "has not started yet"
    if view.desired_status != "run":
        return "stopped", f"is being stopped: {view.desired_description or 'as asked'}"
    if view.healthy is False:
        return "unwell", "runs, and was not healthy in time"
    down = [task.name for task in view.tasks if task.state != "running" and task.failed]
    bad = [check for each in instances for check in each.checks if check.status != "passing"]
    if down:
        return "unwell", f"runs without task {', '.join(down)}"
    if bad:
        return "unwell", f"runs, and check {bad[0].name} is {bad[0].status}"
    restarts = sum(task.restarts for task in view.tasks)
    again = f", restarted {restarts} times" if restarts > 1 else ", restarted once" * restarts
    passing = ", passing in Consul" if instances and checked else ""
    return "running" if kind in BATCH else "well", f"runs{passing}{again}"


def _since(view: AllocationView, word: Condition) -> float | None:
    found = failures(view)
    if word == "unwell" and found:
        return found[0].at
    starts = [e.at for task in view.tasks for e in task.events if e.kind == "Started"]
    if word in {"well", "running"} and starts:
        return max(starts)
    return view.modified_at or None


def timeline(
    raw: Mapping[str, Any], view: AllocationView, hidden: Collection[str] = ()
) -> tuple[Moment, ...]:
    """Its whole life in order of time, as far as Nomad remembers it; without `hidden` values."""
    found = []
    if created := (raw.get("CreateTime") or 0) / read.NANO:
        found.append(Moment(created, "scheduler", f"placed on {view.node}"))
    for task in view.tasks:
        for event in task.events:
            if event.kind not in NOISE:
                text = scrub(one_line(without_query(event.message)), hidden)
                said = f"{event.kind}: {text}" if text else event.kind
                found.append(Moment(event.at, task.name, said))
    health = raw.get("DeploymentStatus") or {}
    if (judged := _time(health.get("Timestamp"))) and health.get("Healthy") is not None:
        found.append(Moment(judged, "nomad", "healthy" if health["Healthy"] else "unhealthy"))
    if view.desired_status != "run" and view.modified_at:
        # The time is that of the last change, which may be a later one.
        text = f"{view.desired_status}: {view.desired_description}"
        found.append(Moment(view.modified_at, "scheduler", text))
    return tuple(sorted(found, key=lambda moment: moment.at))


def _time(text: object) -> float:
    try:
        return max(datetime.fromisoformat(str(text)).timestamp(), 0.0)
    except (ValueError, OverflowError):
        return 0.0


def _output(session: Session, view: AllocationView, hidden: Collection[str]) -> tuple[str, ...]:
    """The last words of its first task, where nothing failed that would show them."""
    return spoken(output(session.world, view, view.tasks[0].name, hidden)) if view.tasks else ()


def _facts(
    session: Session,
    raw: Mapping[str, Any],
    view: AllocationView,
    mine: list[ConsulInstance],
    hidden: Collection[str],
) -> list[Fact]:
    found = [
        Fact("where", f"group {view.group} on {view.node} ({view.node_id[:8]})"),
    ]
    ports = ((raw.get("AllocatedResources") or {}).get("Shared") or {}).get("Ports") or []
    if ports:
        said = ", ".join(f"{p.get('Label')} {p.get('HostIP')}:{p.get('Value')}" for p in ports)
        found.append(Fact("ports", said))
    for instance in mine:
        found += [
            Fact(
                "check", scrub(f"{check.name} is {check.status}: {one_line(check.output)}", hidden)
            )
            for check in instance.checks
            if check.service_id
        ]
    if raw.get("DeploymentID"):
        healthy = {True: "healthy", False: "unhealthy", None: "not judged yet"}[view.healthy]
        canary = ", a canary" if view.canary else ""
        found.append(Fact("rollout", f"deployment {raw['DeploymentID'][:8]}: {healthy}{canary}"))
    if raw.get("PreviousAllocation"):
        found.append(Fact("before", f"it replaced allocation {raw['PreviousAllocation'][:8]}"))
    if view.next_allocation:
        found.append(Fact("after", f"allocation {view.next_allocation[:8]} replaced it"))
    if (follow := raw.get("FollowupEvalID")) and (when := _retry(session, str(follow))):
        found.append(Fact("retry", when))
    return found


def _retry(session: Session, evaluation: str) -> str | None:
    """When Nomad tries again, by the evaluation that waits for it."""
    try:
        view = read.evaluation(session.nomad.evaluation(evaluation).value)
    except ApiError:
        return None
    if view.status == "pending" and view.wait_until:
        return f"Nomad places it again at {stamp(view.wait_until)}"
    return f"evaluation {view.short}, made to place it again, is {view.status}"


def _next(view: AllocationView, word: Condition, ailing: bool) -> str | None:
    if view.next_allocation:
        return f"toolkit explain {view.next_allocation[:8]}"
    if word in {"unwell", "well", "running", "done"} or ailing:
        return f"toolkit logs {view.short}" + (" --stderr" if ailing else "")
    return None
