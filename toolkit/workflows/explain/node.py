"""The story of a node: is it ready, what drains or ails it, what runs and what failed there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout import read, reasons
from toolkit.rollout.causes.merge import merge
from toolkit.spec.cause import Cause
from toolkit.spec.explain import Condition, Explanation, Fact, Moment, Subject
from toolkit.spec.observed import AllocationView
from toolkit.workflows.explain import look, why
from toolkit.workflows.session import Session

MOST = 200
"""Allocations that are read of a node."""
EXPLAINED = 4
"""Failed allocations of which the cause is read."""
RUNNING = 'NodeID == "{}" and (ClientStatus == "running" or ClientStatus == "pending")'
FAILED = (
    'NodeID == "{}" and (ClientStatus == "failed" or ClientStatus == "lost"'
    ' or ClientStatus == "unknown")'
)


def tell(session: Session, subject: Subject) -> Explanation:
    """One node."""
    raw = session.nomad.node(subject.id)
    name = str(raw.get("Name") or subject.id[:8])
    unseen: list[str] = []
    running = _allocations(session, RUNNING.format(subject.id), unseen)
    failed = [
        (job, view)
        for job, view in _allocations(session, FAILED.format(subject.id), unseen)
        if why.failed([view])
    ]
    failed.sort(key=lambda pair: reasons.failed_at(pair[1]), reverse=True)
    word, state = condition(raw, bool(running))
    own = ailments(raw, name)
    return Explanation(
        subject=subject,
        job=None,
        word=word,
        sentence=f"node {name} {state}",
        since=float(raw.get("StatusUpdatedAt") or 0) or None,
        causes=(*own, *_causes(session, failed)),
        facts=tuple(_facts(raw, running, failed)),
        timeline=_timeline(raw),
        unseen=tuple(dict.fromkeys(unseen)),
        # Whatever ails the node itself, what failed on it does not answer.
        next="toolkit doctor"
        if own
        else f"toolkit explain {failed[0][1].short}"
        if failed
        else None,
    )


def condition(raw: Mapping[str, Any], busy: bool) -> tuple[Condition, str]:
    """The word, and how the node is."""
    status = raw.get("Status")
    if status == "down":
        return "unwell", "is down: its heartbeats stayed away"
    if status == "disconnected":
        return "unwell", "is disconnected: its tasks may go on, nobody knows"
    if status == "initializing":
        return "waiting", "is starting"
    if raw.get("DrainStrategy") or raw.get("Drain"):
        rest = "what runs there is being moved away" if busy else "nothing runs there any more"
        return "waiting", f"is being drained: {rest}"
    if raw.get("SchedulingEligibility") == "ineligible":
        return "stopped", "takes no new work: somebody made it ineligible"
    return ("well", "is ready and takes work") if status == "ready" else ("unknown", f"is {status}")


def ailments(raw: Mapping[str, Any], name: str) -> tuple[Cause, ...]:
    """What is wrong with the node itself, or keeps work away from it."""
    found = [*_closed(raw, name)]
    if raw.get("Status") in {"down", "disconnected"}:
        found.append(
            Cause(
                "lost",
                f"node {name} is {raw['Status']}",
                node=name,
                evidence=tuple(f"node: {m.text}" for m in _timeline(raw)[-2:]),
                advice="look at the machine and at its Nomad agent's log",
                at=float(raw.get("StatusUpdatedAt") or 0) or None,
            )
        )
    for driver, info in sorted((raw.get("Drivers") or {}).items()):
        if info.get("Detected") and not info.get("Healthy"):
            found.append(
                Cause(
                    "driver",
                    f"driver {driver} of node {name} is not healthy",
                    node=name,
                    evidence=(f"driver: {info.get('HealthDescription') or 'it does not say why'}",),
                    advice=f"look at the service behind driver {driver} on the node",
                    at=_time(info.get("UpdateTime")) or None,
                )
            )
    return tuple(found)


def _closed(raw: Mapping[str, Any], name: str) -> list[Cause]:
    """That somebody keeps work away from the node, and how to end that."""
    if raw.get("Status") != "ready" or raw.get("SchedulingEligibility") != "ineligible":
        return []
    draining = bool(raw.get("DrainStrategy") or raw.get("Drain"))
    events = [
        moment
        for moment in _timeline(raw)
        if "drain" in moment.text.lower() or "ineligible" in moment.text.lower()
    ]
    command = "drain -disable" if draining else "eligibility -enable"
    return [
        Cause(
            "drained",
            f"somebody {'drains' if draining else 'made'} node {name}"
            f"{'' if draining else ' ineligible'}, so nothing new is placed there",
            node=name,
            evidence=tuple(f"node: {moment.text}" for moment in events[-1:]),
            advice=f"once it may work again: `nomad node {command} {str(raw.get('ID'))[:8]}`",
            at=(events[-1].at if events else 0.0) or None,
        )
    ]


def _allocations(
    session: Session, condition: str, unseen: list[str]
) -> list[tuple[str, AllocationView]]:
    try:
        stubs = session.nomad.allocations_where(condition, most=MOST, everywhere=True)
    except ApiError as exc:
        unseen.append(f"what runs there: {look.why(exc)}")
        return []
    if len(stubs) >= MOST:
        unseen.append(f"more than {MOST} allocations of it")
    return [(str(stub.get("JobID") or ""), read.allocation(stub)) for stub in stubs]


def _causes(session: Session, failed: list[tuple[str, AllocationView]]) -> tuple[Cause, ...]:
    """The newest failures: what happened lately is what somebody asks a node about."""
    return merge(
        (
            replace(cause, summary=f"job {job}: {cause.summary}")
            for job, view in failed[:EXPLAINED]
            for cause in why.of_allocations(session, {"ID": job}, [view])
        ),
        newest_first=True,
    )


def _facts(
    raw: Mapping[str, Any],
    running: list[tuple[str, AllocationView]],
    failed: list[tuple[str, AllocationView]],
) -> list[Fact]:
    where = f"datacenter {raw.get('Datacenter')}, pool {raw.get('NodePool')}"
    if raw.get("NodeClass"):
        where += f", class {raw['NodeClass']}"
    version = (raw.get("Attributes") or {}).get("nomad.version") or "?"
    found = [
        Fact("node", f"{raw.get('ID', '')[:8]}, {where}, Nomad {version}"),
        Fact("work", f"{raw.get('SchedulingEligibility')} for new work"),
    ]
    drivers = sorted(n for n, i in (raw.get("Drivers") or {}).items() if i.get("Healthy"))
    found.append(Fact("drivers", f"{', '.join(drivers) or 'none'} healthy"))
    for driver, info in sorted((raw.get("Drivers") or {}).items()):
        if not info.get("Healthy") and info.get("HealthDescription"):
            found.append(Fact("driver", f"{driver} is not there: {info['HealthDescription']}"))
    drain = raw.get("DrainStrategy")
    if drain:
        left = len(running)
        found.append(Fact("drain", f"{left} allocations still there{_force(drain)}"))
    for word, pairs in (("runs", running), ("failed", failed)):
        jobs = Counter(job for job, _ in pairs)
        said = ", ".join(f"{job} ×{n}" if n > 1 else job for job, n in jobs.most_common(8))
        more = f" and {len(jobs) - 8} more jobs" if len(jobs) > 8 else ""
        if said:
            found.append(Fact(word, f"{len(pairs)} allocations: {said}{more}"))
    return found


def _force(drain: Mapping[str, Any]) -> str:
    by = str(drain.get("ForceDeadline") or "")
    return "" if by.startswith("0001") or not by else f", forced at {by}"


def _timeline(raw: Mapping[str, Any]) -> tuple[Moment, ...]:
    found = [
        Moment(_time(event.get("Timestamp")), str(event.get("Subsystem") or ""), _text(event))
        for event in raw.get("Events") or []
    ]
    return tuple(sorted(found, key=lambda moment: moment.at))


def _text(event: Mapping[str, Any]) -> str:
    return " ".join(str(event.get("Message") or "").split())


def _time(text: object) -> float:
    try:
        return max(datetime.fromisoformat(str(text)).timestamp(), 0.0)
    except (ValueError, OverflowError):
        return 0.0
