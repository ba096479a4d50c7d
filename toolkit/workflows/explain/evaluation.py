"""The story of an evaluation: what made it, what it decided, what follows."""

from __future__ import annotations

from typing import Any, cast

from toolkit.errors import ApiError
from toolkit.rollout import read
from toolkit.spec.explain import Condition, Explanation, Fact, Subject
from toolkit.spec.observed import AllocationView, EvaluationView
from toolkit.views.text import counted
from toolkit.views.when import stamp
from toolkit.workflows.explain import look, why
from toolkit.workflows.session import Session

MADE_BY = {
    "job-register": "the job was registered",
    "job-deregister": "the job was stopped",
    "periodic-job": "its schedule launched the job",
    "node-drain": "a node is being drained",
    "node-update": "a node changed",
    "alloc-stop": "somebody stopped an allocation",
    "scheduled": "a look was scheduled",
    "rolling-update": "a rolling update goes on",
    "deployment-watcher": "its deployment moved on",
    "failed-follow-up": "an evaluation before it failed",
    "max-disconnect-timeout": "a node stayed disconnected for too long",
    "reconnect": "a node came back",
    "max-plan-attempts": "the scheduler's plans were refused too often",
    "alloc-failure": "an allocation failed",
    "queued-allocs": "instances wait for a node",
    "preemption": "something was preempted",
    "job-scaling": "the job was scaled",
}


def tell(session: Session, subject: Subject) -> Explanation:
    """One evaluation."""
    raw = cast(dict[str, Any], session.nomad.evaluation(subject.id).value)
    view = read.evaluation(raw)
    job_id = str(raw.get("JobID") or "")
    unseen: list[str] = []
    made: tuple[AllocationView, ...] = ()
    job: dict[str, Any] = {"ID": job_id}
    try:
        job = session.nomad.job(job_id) or job
        made = read.allocations(session.nomad.evaluation_allocations(view.id))
    except ApiError as exc:
        unseen.append(f"what it made: {look.why(exc)}")
    causes = why.ordered(
        why.of_placement(session, view, job), why.of_allocations(session, job, why.failed(made))
    )
    word, said = decided(view, made)
    because = MADE_BY.get(view.triggered_by, view.triggered_by)
    return Explanation(
        subject=subject,
        job=job_id,
        word=word,
        sentence=f"evaluation {view.short} of job {job_id}, made because {because}: {said}",
        since=view.created_at or None,
        causes=causes,
        facts=tuple(_facts(view, made)),
        unseen=tuple(unseen),
        next=_next(view, job_id, made),
    )


def decided(view: EvaluationView, made: tuple[AllocationView, ...]) -> tuple[Condition, str]:
    """The word, and what the scheduler decided, in half a sentence."""
    queued = sum(view.queued.values())
    match view.status:
        case "complete" if view.failed:
            left = counted(queued or len(view.failed), "instance")
            waits = f", and evaluation {view.blocked[:8]} waits for them" if view.blocked else ""
            return "waiting", f"{left} could not be placed{waits}"
        case "complete" if made:
            return "done", f"it placed or changed {counted(len(made), 'allocation')}"
        case "complete":
            return "done", "there was nothing to place"
        case "blocked":
            return "waiting", "it waits until a node can take what is missing"
        case "pending" if view.wait_until:
            return "waiting", f"it is not run before {stamp(view.wait_until)}"
        case "pending":
            return "running", "the scheduler has not run it yet"
        case "failed":
            return "unwell", f"the scheduler gave up: {view.description or 'it does not say why'}"
        case "canceled":
            return "stopped", f"it was canceled: {view.description or 'a newer one replaced it'}"
        case other:
            return "unknown", f"its status is {other}"


def _facts(view: EvaluationView, made: tuple[AllocationView, ...]) -> list[Fact]:
    found = [Fact("status", " ".join([view.status, view.description]).strip())]
    links = (
        ("rollout", view.deployment),
        ("before", view.previous),
        ("after", view.next),
        ("blocked", view.blocked),
    )
    titles = {"rollout": "deployment"}
    found += [
        Fact(name, f"{titles.get(name, 'evaluation')} {other[:8]}")
        for name, other in links
        if other
    ]
    if made:
        said = ", ".join(f"{each.short} {each.client_status}" for each in made[:6])
        more = f" and {len(made) - 6} more" if len(made) > 6 else ""
        found.append(Fact("made", said + more))
    return found


def _next(view: EvaluationView, job: str, made: tuple[AllocationView, ...]) -> str:
    if view.failed:
        return f"toolkit why-not {job}"
    bad = why.failed(made)
    return f"toolkit explain {bad[0].short if bad else job}"
