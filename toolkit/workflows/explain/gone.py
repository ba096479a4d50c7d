"""A job that is not registered: never deployed, or purged with its evaluations still known."""

from __future__ import annotations

from toolkit.spec.explain import Explanation, Fact, Subject
from toolkit.views.when import stamp
from toolkit.workflows.explain import why
from toolkit.workflows.explain.find import of_project
from toolkit.workflows.explain.look import JobSeen
from toolkit.workflows.session import Session


def tell(session: Session, subject: Subject, seen: JobSeen, *, filed: bool) -> Explanation:
    """What is left of it; `filed`: it was named by the path of its job file."""
    namespace = session.target.namespace
    filed = filed or of_project(session, seen.id) == seen.id
    follows = f"toolkit deploy {seen.id}" if filed else "toolkit status"
    if not seen.evaluations and not seen.allocations:
        return Explanation(
            subject=subject,
            job=seen.id,
            word="absent",
            sentence=f"{seen.id} is not deployed in namespace {namespace}, and nothing is known of"
            " an earlier life",
            facts=() if filed else (elsewhere(seen.id),),
            unseen=seen.unseen,
            next=follows,
        )
    facts = []
    if seen.evaluations:
        last = seen.evaluations[-1]
        facts.append(
            Fact("last", f"evaluation {last.short}, {last.triggered_by}, {stamp(last.created_at)}")
        )
    if seen.allocations:
        words = sorted({each.client_status for each in seen.allocations})
        facts.append(Fact("left", f"{len(seen.allocations)} allocations: {', '.join(words)}"))
    if not filed:
        facts.append(elsewhere(seen.id))
    return Explanation(
        subject=subject,
        job=seen.id,
        word="absent",
        sentence=f"{seen.id} was purged from namespace {namespace}; its versions are gone with it",
        since=seen.evaluations[-1].created_at or None if seen.evaluations else None,
        causes=why.of_allocations(session, {"ID": seen.id}, why.failed(seen.allocations)),
        facts=tuple(facts),
        unseen=(*seen.unseen, "its versions: a purged job has none"),
        next=follows,
    )


def elsewhere(job: str) -> Fact:
    """How a job comes back whose job file is not here."""
    return Fact(
        "file",
        f"there is no job file of {job} here: `toolkit deploy` it in its project, or by its path",
    )
