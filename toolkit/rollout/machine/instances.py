"""A job without a deployment, judged by its instances; pure.

Batch jobs, system jobs of old servers, `max_parallel = 0`, count 0, and jobs whose deployment
Nomad has forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from toolkit.rollout.direct import BATCH
from toolkit.rollout.hopeless import hopeless
from toolkit.rollout.machine import capacity, evaluations
from toolkit.rollout.machine.answers import Answers, Watched
from toolkit.rollout.machine.decisions import Decision, End, Explain, Wait
from toolkit.rollout.machine.registration import became, confirmed
from toolkit.rollout.read import NANO, groups
from toolkit.spec.observed import AllocationView
from toolkit.spec.plan import LiveJob

Word = Literal["waits", "short", "stopped", "failed", "completed", "runs", "none wanted"]
"""What the instances of our version say; `short`: fewer are there than are wanted."""

MIN_HEALTHY = 10.0
"""Nomad's own default of `min_healthy_time`, in seconds."""


def decide(watched: Watched, answers: Answers) -> Decision:
    """What to do about a version that has no deployment to follow."""
    allocations = answers.allocations or ()
    newer = any(d.job_modify_index > watched.modify_index for d in answers.deployments or ())
    if newer or any(a.job_version > watched.version for a in allocations):
        return became(watched, answers, "a newer version that is not registered")
    batch = watched.job.get("Type") in BATCH
    if not batch and answers.now < (ask_at := answers.begun + capacity.UNDECIDED):
        return Wait(ask_at, "its deployment")
    mine = tuple(a for a in allocations if a.job_version == watched.version)
    found = word(watched, answers)
    # A batch job's instance may fail and be tried again: only Nomad's last word on it counts.
    if not batch and watched.fail_fast and (bad := hopeless(mine, watched.version)):
        return _failed(watched, answers, tuple(bad))
    if found == "waits":
        again = steady_at(watched, answers)
        return Wait(watched.deadline if again is None else again, "its instances")
    if (unread := evaluations.needed(watched, answers)) is not None:
        return unread
    if found == "short":
        return _short(watched, answers, mine)
    if found == "stopped":
        return became(watched, answers, "its stopped instances to be replaced")
    if (due := evaluations.pending(evaluations.chain(watched, answers))) is not None:
        return Wait(watched.deadline, f"evaluation {due.short}")
    if found == "failed":
        bad = [a for a in mine if a.client_status in {"failed", "lost"}]
        return _failed(watched, answers, tuple(bad))
    return _good(watched, answers, found)


def _good(watched: Watched, answers: Answers, found: Word) -> Decision:
    chain = evaluations.chain(watched, answers)
    if found == "completed":
        end = End("completed", "the work is done", watched.version)
    elif found == "none wanted":
        end = End("successful", "no instance is wanted", watched.version)
    else:
        end = End("successful", "every instance runs", watched.version)
    if found != "none wanted" and evaluations.blocked(chain) is not None:
        return capacity.without_deployment(watched, answers)
    decided = confirmed(watched, answers, end)
    if not isinstance(decided, End) or decided is not end or found != "runs":
        return decided
    # A deployment that should be there and is not seen: only what Nomad said of each instance,
    # or of the whole version, can stand for its word.
    hidden = expects_deployment(watched.job) or evaluations.names_deployment(chain)
    if hidden and not _vouched(watched, answers):
        return Wait(watched.deadline, "the deployment, which Nomad does not show")
    return decided


def _vouched(watched: Watched, answers: Answers) -> bool:
    live = answers.registered
    if isinstance(live, LiveJob) and live.stable:
        return True
    mine = [a for a in answers.allocations or () if a.job_version == watched.version]
    running = [a for a in mine if a.should_run]
    return bool(running) and all(a.healthy is True and not a.canary for a in running)


def _short(watched: Watched, answers: Answers, mine: tuple[AllocationView, ...]) -> Decision:
    chain = evaluations.chain(watched, answers)
    if (due := evaluations.pending(chain)) is not None:
        return Wait(watched.deadline, f"evaluation {due.short}")
    lacking = capacity.causes(watched, answers)
    if lacking and lacking[0].kind == "scheduler":
        if not answers.did.explained:
            return Explain(causes=lacking)
        return confirmed(watched, answers, End("failed", lacking[0].summary, watched.version))
    gone = [a for a in mine if a.client_status in {"failed", "lost"} and not a.next_allocation]
    if not lacking and gone and evaluations.blocked(chain) is None:
        return _failed(watched, answers, tuple(gone))
    # What is not there may have been stopped, or replaced, rather than never placed.
    checked = became(watched, answers, "the scheduler to place its instances")
    if not isinstance(checked, Wait) or answers.registered is None:
        return checked
    if not lacking and evaluations.blocked(chain) is None and _no_node(watched, answers, chain):
        why = "no node takes it: none is eligible, or none meets its constraints"
        return End("unplaced", why, watched.version)
    return capacity.without_deployment(watched, answers)


def _no_node(watched: Watched, answers: Answers, chain: evaluations.Chain) -> bool:
    """True when a job for every node was looked at, and there is no node for it."""
    on_nodes = watched.job.get("Type") in {"system", "sysbatch"}
    patient = answers.now >= answers.begun + capacity.patience(watched)
    return on_nodes and patient and any(e.status == "complete" for e in chain)


def _failed(watched: Watched, answers: Answers, bad: tuple[AllocationView, ...]) -> Decision:
    if not answers.did.explained:
        return Explain(bad)
    detail = answers.causes[0].summary if answers.causes else "the work failed"
    return confirmed(watched, answers, End("failed", detail, watched.version))


# What the instances say.


def word(watched: Watched, answers: Answers) -> Word:
    """The word for the instances of our version, of all that Nomad lists."""
    job, everything = watched.job, answers.allocations or ()
    mine = [a for a in everything if a.job_version == watched.version]
    kind, wanted = job.get("Type"), counts(job)
    if kind == "service" and not sum(wanted.values()):
        gone = not any(a.should_run for a in everything)
        return "none wanted" if gone else "waits"
    if mine and not any(a.desired_status == "run" for a in mine):
        return "stopped"
    final = [a for a in mine if a.next_allocation is None]
    if kind in BATCH:
        return _work(final, wanted if kind == "batch" else {})
    alive = [a for a in final if a.should_run]
    if kind == "system":
        if not final:
            return "short"
        alive = [a for a in final if a.desired_status == "run"]
    elif any(_number(alive, group) < number for group, number in wanted.items()):
        return "short"
    others = any(a.should_run for a in everything if a.job_version != watched.version)
    well = all(_runs(a, watched, answers) for a in alive)
    return "runs" if well and not others else "waits"


def _work(final: list[AllocationView], wanted: Mapping[str, int]) -> Word:
    """A stopped instance is `complete` in Nomad's words too; only what ended by itself is done."""
    if not final or any(_number(final, group) < number for group, number in wanted.items()):
        return "short"
    if any(a.should_run or a.client_status == "unknown" for a in final):
        return "waits"
    if any(a.client_status in {"failed", "lost"} for a in final):
        return "failed"
    return "completed" if all(a.desired_status == "run" for a in final) else "stopped"


def _number(found: list[AllocationView], group: str) -> int:
    """Instances of a group; one that was placed anew counts once."""
    return len({a.name for a in found if a.group == group})


def counts(job: Mapping[str, Any]) -> dict[str, int]:
    """Wanted instances of each group, as Nomad reads the job."""
    return {
        str(group.get("Name")): 1 if group.get("Count") is None else int(group["Count"])
        for group in groups(job)
    }


def expects_deployment(job: Mapping[str, Any]) -> bool:
    """True for a service job that Nomad rolls by a deployment."""
    if job.get("Type") != "service":
        return False
    return any(
        int(update.get("MaxParallel") or 0) > 0 and (group.get("Count") is None or group["Count"])
        for group in groups(job)
        if (update := group.get("Update") or job.get("Update"))
    )


def _runs(allocation: AllocationView, watched: Watched, answers: Answers) -> bool:
    """Nomad's own word, or running without a restart for as long as Nomad would want it."""
    if allocation.client_status != "running" or allocation.healthy is False:
        return False
    if not all(_task_is_up(allocation, watched.job, task.name) for task in allocation.tasks):
        return False
    if allocation.healthy:
        return True
    since = answers.steady.get(allocation.id)
    return since is not None and answers.now >= since + min_healthy(watched.job, allocation.group)


def _task_is_up(allocation: AllocationView, job: Mapping[str, Any], name: str) -> bool:
    """A main task or a sidecar runs; one that comes before or after them did not fail."""
    task = next(t for t in allocation.tasks if t.name == name)
    spec = next((t for t in _tasks(job, allocation.group) if t.get("Name") == name), {})
    cycle = spec.get("Lifecycle") or {}
    if not cycle or cycle.get("Sidecar"):
        return task.state == "running"
    return cycle.get("Hook") == "poststop" or not task.failed


def steady_at(watched: Watched, answers: Answers) -> float | None:
    """When the next instance will have run for long enough, if one is on its way; world's clock."""
    due = [
        since + min_healthy(watched.job, a.group)
        for a in answers.allocations or ()
        if a.job_version == watched.version
        and a.should_run
        and a.healthy is None
        and (since := answers.steady.get(a.id)) is not None
    ]
    later = [at for at in due if at > answers.now]
    return min(later) if later else None


def min_healthy(job: Mapping[str, Any], group: str) -> float:
    """The group's `min_healthy_time` in seconds; of a job without a deployment too."""
    spec = next((g for g in groups(job) if g.get("Name") == group), {})
    update = spec.get("Update") or job.get("Update") or {}
    return float(update["MinHealthyTime"]) / NANO if update.get("MinHealthyTime") else MIN_HEALTHY


def _tasks(job: Mapping[str, Any], group: str) -> list[Mapping[str, Any]]:
    spec = next((g for g in groups(job) if g.get("Name") == group), {})
    return list(spec.get("Tasks") or [])
