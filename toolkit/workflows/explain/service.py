"""One word and sentence for a service or system job; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.rollout.reasons import failed_at
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Verification
from toolkit.spec.explain import Condition, Fact
from toolkit.spec.observed import AllocationView, DeploymentView, EvaluationView
from toolkit.views.when import stamp
from toolkit.workflows.explain.history import Past
from toolkit.workflows.explain.look import JobSeen

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Findings:
    """All that the word hangs on."""

    seen: JobSeen
    verification: Verification | None
    """None: stopped, or it could not be looked at."""
    blocked: EvaluationView | None = None
    """The evaluation that waits for capacity."""
    trouble: tuple[AllocationView, ...] = ()
    """Allocations of the registered version that failed or are not well."""
    past: Past | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The word, the sentence, and since when."""

    word: Condition
    sentence: str
    since: float | None = None


def title(seen: JobSeen) -> str:
    """`backend 1.1.0 (version 8)`."""
    live = seen.live
    return (
        f"{seen.id} {live.release} (version {live.version})"
        if live.release
        else (f"{seen.id} version {live.version}")
    )


def judge(found: Findings) -> Told:
    """How the job is."""
    seen, live = found.seen, found.seen.live
    name = title(seen)
    if live.stopped:
        return Told(
            "stopped", f"{seen.id} is stopped; version {live.version} was its last", submitted(seen)
        )
    rollout = seen.rollout(live.version)
    if rollout is not None and not rollout.terminal:
        return _rolling(found, rollout, name)
    counts = _counts(found)
    if rollout is None and any(
        e.status == "pending" and not e.wait_until for e in seen.evaluations
    ):
        return Told(
            "rolling", f"the scheduler has not looked at {name} yet: {counts}", submitted(seen)
        )
    if found.blocked is not None:
        return Told(
            "waiting", f"{name} waits for a node that can take it: {counts}",
            found.blocked.created_at or None,
        )  # fmt: skip
    if rollout is not None and rollout.status == "failed":
        return Told(
            "unwell", f"{name} did not take and stays registered: {counts}{_others(seen)}",
            _since_trouble(found) or submitted(seen),
        )  # fmt: skip
    if found.verification is None:
        return Told("unknown", f"how {name} serves could not be seen")
    if (broken := found.verification.first_broken) is not None:
        what = counts if broken.name == "nomad" else f"{counts}, but {broken.name}: {broken.detail}"
        return Told("unwell", f"{name} is not well: {what}", _since_trouble(found))
    if (link := found.verification.first_unseen) is not None:
        return Told("unknown", f"{name}: {counts}, and {link.name}: {link.detail}")
    if not found.verification.expected:
        counts = "no instance is wanted"
    return Told("well", f"{name} is well: {counts}{_story(found)}", _since_well(found))


def _rolling(found: Findings, rollout: DeploymentView, name: str) -> Told:
    healthy = sum(group.healthy for group in rollout.groups)
    desired = sum(group.desired_total for group in rollout.groups)
    since = submitted(found.seen)
    if rollout.status == "paused":
        return Told(
            "waiting", f"the rollout of {name} is paused, {healthy} of {desired} healthy", since
        )
    if found.blocked is not None:
        return Told(
            "waiting", f"the rollout of {name} waits for a node: {healthy} of {desired} healthy",
            found.blocked.created_at or since,
        )  # fmt: skip
    canaries = [g for g in rollout.groups if g.desired_canaries and not g.promoted]
    if canaries and all(group.healthy >= group.desired_canaries for group in canaries):
        number = sum(group.desired_canaries for group in canaries)
        some = "1 healthy canary" if number == 1 else f"{number} healthy canaries"
        waits = "waits" if number == 1 else "wait"
        return Told("waiting", f"{some} of {name} {waits} for promotion", since)
    bad = f", {len(found.trouble)} in trouble" if found.trouble else ""
    return Told("rolling", f"{name} is rolling out: {healthy} of {desired} healthy{bad}", since)


def _counts(found: Findings) -> str:
    """`2 of 2 running, 2 of 2 passing, 2 of 2 up`, as far as the links hold."""
    if found.verification is None:
        running = sum(
            a.client_status == "running" for a in found.seen.of_version(found.seen.live.version)
        )
        return f"{running} of {sum(found.seen.live.counts.values())} running"
    parts = []
    for link in found.verification.links:
        if link.state == "absent" or link.name in {"release", "edge"}:
            continue
        if link.name == "nomad" or link.state == "holds":
            parts.append(link.detail.partition(";")[0])
    return ", ".join(parts)


def _others(seen: JobSeen) -> str:
    """What of older versions still runs where the registered one does not."""
    older = [a for a in seen.allocations if a.should_run and a.job_version != seen.live.version]
    if not older:
        return ""
    number = max(a.job_version for a in older)
    return f"; {len(older)} of version {number} still run"


def _story(found: Findings) -> str:
    past = found.past
    if past is None:
        return ""
    release = f" ({past.release})" if past.release else ""
    return (
        f"; version {past.version}{release} failed, and Nomad went back to version"
        f" {past.went_back_to} as version {found.seen.live.version}"
    )


def _since_trouble(found: Findings) -> float | None:
    return min((failed_at(each) for each in found.trouble), default=None)


def _since_well(found: Findings) -> float | None:
    """When the last of its tasks started, as far as Nomad remembers."""
    live = found.seen.live.version
    starts = [
        max((event.at for event in task.events if event.kind == "Started"), default=0.0)
        for allocation in found.seen.of_version(live)
        if allocation.should_run
        for task in allocation.tasks
    ]
    return max(starts, default=0.0) or submitted(found.seen)


def submitted(seen: JobSeen) -> float | None:
    """When the registered version was submitted."""
    return (seen.live.raw.get("SubmitTime") or 0) / NANO or None


def facts(found: Findings) -> tuple[Fact, ...]:
    """Version, rollout, what failed before."""
    seen, live = found.seen, found.seen.live
    at = submitted(seen)
    when = f", submitted {stamp(at)}" if at else ""
    stable = ", stable" if live.stable else ""
    result = [
        Fact("version", f"{live.version}, release {live.release or 'not named'}{when}{stable}")
    ]
    if (rollout := seen.rollout(live.version)) is not None:
        result.append(Fact("rollout", f"{rollout.short} {rollout.status}: {rollout.description}"))
    if found.past is not None:
        rollout = found.past.rollout
        text = f"version {found.past.version}, deployment {rollout.short}: {rollout.description}"
        result.append(Fact("before", text))
    if found.blocked is not None:
        text = f"evaluation {found.blocked.short} waits since {stamp(found.blocked.created_at)}"
        result.append(Fact("blocked", text))
    retry = [e for e in seen.evaluations if e.status == "pending" and e.wait_until]
    if retry:
        result.append(Fact("retry", f"Nomad tries again at {stamp(retry[-1].wait_until)}"))
    restarts = sum(
        task.restarts
        for each in seen.of_version(live.version)
        if each.should_run
        for task in each.tasks
    )
    if restarts:
        result.append(Fact("restarts", f"{restarts} of the tasks that run now"))
    return tuple(result)


EDGE = frozenset({"edge", "routers"})
"""Kinds of causes that lie outside the job."""


def next_command(word: Condition, found: Findings, causes: Sequence[Cause]) -> str | None:
    """What to type now."""
    job = found.seen.id
    rollout = found.seen.rollout(found.seen.live.version)
    match word:
        case "stopped":
            return f"toolkit history {job}"
        case "waiting" if found.blocked is not None:
            return f"toolkit why-not {job}"
        case "waiting":
            paused = rollout is not None and rollout.status == "paused"
            return f"toolkit {'resume' if paused else 'promote'} {job}"
        case "rolling":
            return f"toolkit attach {job}"
        case "unknown":
            return "toolkit doctor"
        case "unwell" if causes and causes[0].kind == "unplaced":
            return f"toolkit why-not {job}"
        case "unwell" | "well":
            first = next((cause for cause in causes if cause.allocation), None)
            if first is not None and first.allocation is not None:
                return f"toolkit explain {first.allocation[:8]}"
            if any(cause.kind == "aborted" for cause in causes):
                return f"toolkit history {job}"
            if word == "well":
                return None
            if not causes:
                return f"toolkit verify {job}"
            # Of a cause that is named, `toolkit verify` would only send back to here.
            return "toolkit doctor" if causes[0].kind in EDGE else f"toolkit status {job}"
        case _:
            return None
