"""What became of work that ends, from Nomad's answers alone; pure.

Work is one version of a batch or sysbatch job, or the child of a periodic or parameterized one. It
is done when every wanted instance completed by itself with exit code 0, after whatever restarts
and reschedules Nomad's policies give it; it has failed when nothing of it can run any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from toolkit.rollout.read import groups
from toolkit.spec.observed import AllocationView, EvaluationView

Word = Literal["runs", "waits", "settles", "completed", "failed", "held", "superseded", "gone"]
"""`waits`: for room. `settles`: it looks like a failure that Nomad may still try again."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is followed."""

    job: Mapping[str, Any]
    """As registered."""
    version: int
    modify_index: int
    """JobModifyIndex."""
    parent: str | None = None
    """The periodic or parameterized job that made it."""

    @property
    def job_id(self) -> str:
        """Nomad's id; of a child its own."""
        return str(self.job["ID"])

    @property
    def periodic(self) -> bool:
        """True for a launch of a periodic job, which another launch in the same second joins."""
        return self.parent is not None and "/periodic-" in self.job_id

    @property
    def everywhere(self) -> bool:
        """True for sysbatch: an instance on every node that can run it."""
        return self.job.get("Type") == "sysbatch"


@dataclass(frozen=True, slots=True)
class Seen:
    """The last answers; None: not answered yet."""

    job: Mapping[str, Any] | None = None
    gone: bool = False
    """Nomad does not know the job any more."""
    allocations: tuple[AllocationView, ...] | None = None
    evaluations: tuple[EvaluationView, ...] | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where the work stands, and half a sentence on why."""

    word: Word
    detail: str = ""


def mine(work: Work, allocations: Sequence[AllocationView]) -> tuple[AllocationView, ...]:
    """The instances of this work, replaced ones included."""
    if work.periodic:
        return tuple(a for a in allocations if a.job_version >= work.version)
    return tuple(a for a in allocations if a.job_version == work.version)


def current(allocations: Sequence[AllocationView]) -> tuple[AllocationView, ...]:
    """Those that no other allocation replaced."""
    known = {a.id for a in allocations}
    return tuple(a for a in allocations if a.next_allocation not in known)


def wanted(job: Mapping[str, Any]) -> dict[str, int]:
    """Instances that a batch job asks for, by group."""
    return {g["Name"]: 1 if g.get("Count") is None else int(g["Count"]) for g in groups(job)}


def evaluated(work: Work, evaluations: Sequence[EvaluationView]) -> tuple[EvaluationView, ...]:
    """The evaluations since this work was registered: those before are of an older run."""
    return tuple(e for e in evaluations if e.create_index >= work.modify_index)


def judge(work: Work, seen: Seen) -> Judgement:
    """The word for what was seen; nothing but all of the wanted instances is `completed`."""
    if seen.allocations is None or seen.evaluations is None:
        return _left(work, seen) or Judgement("runs")
    if (other := _another(work, seen)) is not None:
        # Its instances may have our version's number, and are not ours.
        return other
    evaluations = evaluated(work, seen.evaluations)
    ours = mine(work, seen.allocations)
    now = current(ours)
    over = seen.job is not None and seen.job.get("Status") == "dead"
    if _all_done(work, now, over=over):
        return Judgement("completed")
    if (left := _left(work, seen)) is not None:
        ending = left.word == "held" and any(a.client_status in {"pending", "running"} for a in now)
        # A stopped instance still has its kill timeout, and last words.
        return Judgement("runs", left.detail) if ending else left
    if any(a.should_run for a in now) or any(a.client_status == "unknown" for a in now):
        return Judgement("runs")
    if any(e.status == "blocked" for e in evaluations):
        return Judgement("waits")
    if not over:
        return Judgement("runs")
    failed = [a for a in now if _has_failed(a)]
    if any(_may_be_tried_again(work, a, ours, evaluations) for a in failed):
        return Judgement("settles")
    if not failed and any(a.desired_status != "run" for a in now):
        return Judgement("held", "somebody stopped an instance")
    if not failed:
        return Judgement("failed", _never_placed(work, evaluations))
    return Judgement("failed", "the work failed")


def is_done(allocation: AllocationView) -> bool:
    """True when it ended by itself and well; a stopped one is `complete` in Nomad's words too."""
    well = allocation.client_status == "complete" and allocation.desired_status == "run"
    return well and not any(task.failed for task in allocation.tasks)


def _all_done(work: Work, now: Sequence[AllocationView], *, over: bool) -> bool:
    if work.everywhere:
        return over and bool(now) and all(is_done(a) for a in now)
    done = Counter(a.group for a in now if is_done(a))
    return all(done[group] >= number for group, number in wanted(work.job).items())


def _left(work: Work, seen: Seen) -> Judgement | None:
    """The job is not ours any more: purged, stopped, or registered anew."""
    if seen.gone:
        return Judgement("gone", "somebody purged it")
    if seen.job is None:
        return None
    if (other := _another(work, seen)) is not None:
        return other
    if seen.job.get("Stop"):
        return Judgement("held", "somebody stopped it")
    version = int(seen.job.get("Version") or 0)
    if version > work.version and not work.periodic:
        return Judgement("superseded", f"somebody registered version {version} in its place")
    return None


def _another(work: Work, seen: Seen) -> Judgement | None:
    """Another job of the same name: ours was purged."""
    if int((seen.job or {}).get("CreateIndex") or 0) <= work.modify_index:
        return None
    return Judgement("superseded", "somebody purged it and registered it anew")


def _has_failed(allocation: AllocationView) -> bool:
    if allocation.client_status in {"failed", "lost"}:
        return True
    return allocation.client_status == "complete" and any(t.failed for t in allocation.tasks)


def _may_be_tried_again(
    work: Work,
    allocation: AllocationView,
    ours: Sequence[AllocationView],
    evaluations: Sequence[EvaluationView],
) -> bool:
    """True between a failure and the evaluation that Nomad makes of it a moment later.

    The failure and its evaluation are two writes of the server, and a look may fall in between.
    """
    policy = _reschedule(work.job, allocation.group)
    tries = _ancestors(allocation, ours)
    if not policy.get("Unlimited") and tries >= int(policy.get("Attempts") or 0):
        return False
    return not any(
        e.triggered_by != "job-register" and e.create_index > allocation.create_index
        for e in evaluations
    )


def _ancestors(allocation: AllocationView, ours: Sequence[AllocationView]) -> int:
    before = {a.next_allocation: a for a in ours if a.next_allocation}
    number, at = 0, allocation.id
    while at in before and number < len(ours):
        number, at = number + 1, before[at].id
    return number


def _reschedule(job: Mapping[str, Any], group: str) -> Mapping[str, Any]:
    # Nomad never reschedules sysbatch: its instances belong to their nodes.
    if job.get("Type") != "batch":
        return {}
    found = next((g for g in groups(job) if g["Name"] == group), {})
    return found.get("ReschedulePolicy") or {}


def _never_placed(work: Work, evaluations: Sequence[EvaluationView]) -> str:
    gave_up = [e for e in evaluations if e.status in {"failed", "canceled"} and e.description]
    if gave_up:
        return f"Nomad's scheduler gave up: {gave_up[-1].description}"
    if work.everywhere:
        return "no node can run it"
    return "Nomad placed fewer instances than the job asks for"
