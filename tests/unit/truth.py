"""What must hold for each word of a rollout, by the last answers alone.

It reads them as they came, and knows nothing of the machine that is held against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.unit.machinery import INDEX, OURS
from toolkit.rollout.feed import Update
from toolkit.rollout.machine import Answers, Decision, End, Promote, Proof, Registered, Watched
from toolkit.spec.observed import AllocationView, DeploymentView, EvaluationView
from toolkit.spec.plan import LiveJob

SUCCESS = ("deployed", "unchanged", "completed", "reverted")
MIN_HEALTHY = 2.0


@dataclass
class Last:
    """The last answers, as they came."""

    raw: dict[str, Any]
    made: str | None
    now: float = 0.0
    allocations: Sequence[AllocationView] | None = None
    deployments: Sequence[DeploymentView] | None = None
    evaluations: Sequence[EvaluationView] | None = None
    registered: Registered | None = None
    proof: Proof | None = None
    spent: bool = False
    """The budget of a probe is."""
    denied: bool = False
    since: dict[str, float] = field(default_factory=dict)
    """Since when each allocation runs without a restart, in every list from then on."""
    failed: bool = False
    """Our deployment was seen failed."""


def may_say(word: str, last: Last) -> bool:
    """True when the last answers do not forbid the word."""
    if word == "reverted":
        return may_be_reverted(last)
    if last.denied or not is_ours(last.registered) or (last.spent and word != "completed"):
        return False
    if word == "completed":
        return may_be_completed(last)
    return proven(last, OURS) and may_be_deployed(last)


def is_ours(found: Registered | None) -> bool:
    return (
        isinstance(found, LiveJob)
        and (found.version, found.modify_index) == (OURS, INDEX)
        and not found.stopped
    )


def proven(last: Last, version: int) -> bool:
    if last.proof is None or last.proof.version != version:
        return False
    return {link.state for link in last.proof.verification.links} <= {"holds", "absent"}


def may_be_reverted(last: Last) -> bool:
    if last.denied or last.proof is None or last.proof.version == OURS:
        return False
    if not proven(last, last.proof.version):
        return False
    ours = [d for d in last.deployments or () if d.job_modify_index == INDEX]
    return all(d.status == "failed" for d in ours) and (last.failed or not ours)


def may_be_deployed(last: Last) -> bool:
    raw = last.raw
    if raw.get("Periodic") or (raw.get("ParameterizedJob") and not raw.get("Dispatched")):
        return True
    if raw["Type"] in {"batch", "sysbatch"} or last.allocations is None:
        return False
    ours = [d for d in last.deployments or () if d.job_modify_index == INDEX]
    if ours:
        mine = [a for a in last.allocations if a.job_version == OURS and a.should_run]
        return ours[0].status == "successful" and (raw["Type"] != "system" or bool(mine))
    if any(d.job_modify_index > INDEX for d in last.deployments or ()):
        return False
    return settled(last) and runs(last)


def settled(last: Last) -> bool:
    """The scheduler is done with all that it made since we registered."""
    if last.evaluations is None:
        return False
    if last.made is not None and last.made not in {e.id for e in last.evaluations}:
        return False
    mine = [e for e in last.evaluations if INDEX in {e.job_modify_index} or e.create_index >= INDEX]
    return not any(e.status == "pending" for e in mine)


def waits(last: Last) -> bool:
    mine = [
        e for e in last.evaluations or () if e.job_modify_index == INDEX or e.create_index >= INDEX
    ]
    return any(e.status == "blocked" for e in mine)


def runs(last: Last) -> bool:
    raw, found = last.raw, last.allocations or ()
    alive = [a for a in found if a.desired_status == "run" and a.client_status in LIVING]
    if any(a.job_version > OURS for a in found):
        return False
    if raw["Type"] == "service" and all(g["Count"] == 0 for g in raw["TaskGroups"]):
        return not alive
    mine = [a for a in alive if a.job_version == OURS and not a.next_allocation]
    if waits(last) or len(mine) < len(alive) or not mine:
        return False
    if any(a.client_status != "running" or a.healthy is False for a in mine):
        return False
    if raw["Type"] == "service" and any(
        len({a.name for a in mine if a.group == g["Name"]}) < g["Count"] for g in raw["TaskGroups"]
    ):
        return False
    vouched = all(a.healthy for a in mine) and not any(a.canary for a in mine)
    stable = isinstance(last.registered, LiveJob) and last.registered.stable
    rolled = raw["Type"] == "service" and raw["TaskGroups"][0]["Update"]["MaxParallel"] > 0
    named = any(e.deployment for e in last.evaluations or () if e.create_index >= INDEX)
    if (rolled or named) and not (vouched or stable):
        return False
    return all(a.healthy or last.now - last.since[a.id] >= MIN_HEALTHY for a in mine)


def may_be_completed(last: Last) -> bool:
    raw = last.raw
    if raw["Type"] not in {"batch", "sysbatch"} or last.allocations is None:
        return False
    if not settled(last) or waits(last):
        return False
    mine = [a for a in last.allocations if a.job_version == OURS and not a.next_allocation]
    if not mine or any((a.client_status, a.desired_status) != ("complete", "run") for a in mine):
        return False
    groups = [g for g in raw["TaskGroups"] if raw["Type"] == "batch"]
    return all(len({a.name for a in mine if a.group == g["Name"]}) >= g["Count"] for g in groups)


LIVING = {"pending", "running"}


def may_decide(found: Decision, follows: Watched, answers: Answers) -> bool:
    """True when the last answers do not forbid to promote, or to go on to the next step."""
    ready = isinstance(found, End) and found.end == "ready"
    if not ready and not isinstance(found, Promote):
        return True
    if answers.gate is None or not answers.gate.open:
        return False
    if isinstance(found, Promote) and found.revert:
        return True
    good = answers.analysis is not None and answers.analysis.word == "good"
    spent = answers.probe is not None and answers.probe.word == "bad"
    compared = not follows.analyse or (good and answers.did.analysing)
    may = ready == follows.more_steps and (ready or follows.promote)
    return compared and may and (not spent or answers.did.fail_refused)


def remember(last: Last, update: Update) -> None:
    match update.kind:
        case "allocations":
            old = {a.id: a for a in last.allocations or ()}
            last.since = {
                a.id: last.since[a.id] if same_run(old.get(a.id), a) else last.now
                for a in update.value
            }
            last.allocations, last.registered = update.value, None
        case "deployments":
            last.deployments, last.registered = update.value, None
            ours = [d.status for d in update.value if d.job_modify_index == INDEX]
            last.failed = ours[0] == "failed" if ours else last.failed
        case "evaluations":
            last.evaluations = update.value
        case "denied":
            last.denied = last.denied or update.source == "Nomad"


def same_run(old: AllocationView | None, new: AllocationView) -> bool:
    if old is None or not all(
        (a.client_status, a.desired_status) == ("running", "run") for a in (old, new)
    ):
        return False
    return old.tasks[0].restarts == new.tasks[0].restarts
