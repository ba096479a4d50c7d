"""Our deadline came before a verdict: what was last known; pure."""

from __future__ import annotations

from toolkit.rollout.machine import evaluations
from toolkit.rollout.machine.answers import Answers, Watched
from toolkit.rollout.machine.decisions import Ask, Decision, End, Look, Wait
from toolkit.rollout.revert import target_version


def end(watched: Watched, answers: Answers, undecided: Decision) -> End:
    """`undecided`, or that the API was lost, with the best reason there is."""
    ours = answers.ours(watched) or answers.last
    if why := answers.lost.get("Nomad"):
        return End("lost", f"Nomad does not answer: {why}", watched.version, ours)
    if ours is not None and ours.status == "failed":
        going = target_version(ours.description) is not None
        what = "the revert" if going else "what became of the failed deployment"
        detail = f"{what} was not over at the deadline"
        return End("undecided", detail, watched.version, ours)
    mine = [a for a in answers.allocations or () if a.job_version == watched.version]
    well = sum(a.healthy is True for a in mine)
    # Whose health nobody vouches for, where a deployment would.
    if ours is not None:
        ill = tuple(a for a in mine if a.healthy is not True)
    else:
        ill = tuple(a for a in mine if a.client_status in {"failed", "lost"})
    gated = isinstance(undecided, Look) or (
        isinstance(undecided, Wait) and undecided.until == answers.did.gate_again
    )
    comparing = answers.analysis is not None and answers.analysis.word == "undecided"
    if answers.did.analysing and comparing:
        detail, ill = "its canaries were still compared at the deadline", ()
    elif answers.gate_said and gated:
        detail, ill = f"the gate stayed closed: {answers.gate_said}", ()
    elif why := answers.lost.get("Consul"):
        detail, ill = f"Consul does not answer: {why}", ()
    elif ours is not None and well < len(mine):
        detail = f"{well} of {len(mine)} instances were healthy at the deadline"
    elif ours is not None:
        detail = ours.description
    elif (stuck := _stuck(watched, answers)) is not None:
        detail = stuck
    elif isinstance(undecided, Wait) and mine:
        detail = f"still waiting for {undecided.what} at the deadline"
    elif isinstance(undecided, Ask) and answers.did.asked_error:
        detail = f"Nomad could not be asked: {answers.did.asked_error}"
    else:
        detail = "no allocation was decided"
    return End("undecided", detail, watched.version, ours, suspects=ill)


def _stuck(watched: Watched, answers: Answers) -> str | None:
    """What the newest evaluation says, where the scheduler did not do its work."""
    found = evaluations.chain(watched, answers)
    if not found or found[-1].status in {"complete", "blocked"}:
        return None
    last = found[-1]
    why = f": {last.description}" if last.description else ""
    return f"evaluation {last.short} is {last.status}{why}"
