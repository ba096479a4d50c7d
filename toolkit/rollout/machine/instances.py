"""A job without a deployment, judged by its instances; pure.

Batch jobs, system jobs of old servers, `max_parallel = 0`, count 0, and jobs whose deployment
Nomad has forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.rollout.direct import BATCH, Word, judge, min_healthy
from toolkit.rollout.hopeless import hopeless
from toolkit.rollout.machine import capacity, evaluations
from toolkit.rollout.machine.answers import Answers, Watched
from toolkit.rollout.machine.decisions import Decision, End, Explain, Wait
from toolkit.rollout.machine.registration import became, confirmed
from toolkit.rollout.read import groups
from toolkit.spec.observed import AllocationView
from toolkit.spec.plan import LiveJob


def decide(watched: Watched, answers: Answers) -> Decision:
    """What to do about a version that has no deployment to follow."""
    allocations = answers.allocations or ()
    newer = any(d.job_modify_index > watched.modify_index for d in answers.deployments or ())
    if newer or any(a.job_version > watched.version for a in allocations):
        return became(watched, answers, "a newer version that is not registered")
    batch = watched.job.get("Type") in BATCH
    rolled = watched.job.get("Type") == "system" or expects_deployment(watched.job)
    if rolled and answers.now < (ask_at := answers.begun + capacity.UNDECIDED):
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


def lacks_all(watched: Watched, answers: Answers) -> bool:
    """True for a system job of which no node runs anything."""
    mine = (a for a in answers.allocations or () if a.job_version == watched.version)
    return watched.job.get("Type") == "system" and not any(a.should_run for a in mine)


def missing(watched: Watched, answers: Answers) -> Decision:
    """What to do about instances that are not there."""
    if (unread := evaluations.needed(watched, answers)) is not None:
        return unread
    mine = tuple(a for a in answers.allocations or () if a.job_version == watched.version)
    return _short(watched, answers, mine)


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


def word(watched: Watched, answers: Answers) -> Word:
    """The word for the instances of our version."""
    everything = answers.allocations or ()
    mine = [a for a in everything if a.job_version == watched.version]
    return judge(watched.job, mine, everything, steady=answers.steady, now=answers.now)


def expects_deployment(job: Mapping[str, Any]) -> bool:
    """True for a service job that Nomad rolls by a deployment."""
    if job.get("Type") != "service":
        return False
    return any(
        int(update.get("MaxParallel") or 0) > 0 and (group.get("Count") is None or group["Count"])
        for group in groups(job)
        if (update := group.get("Update") or job.get("Update"))
    )


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
