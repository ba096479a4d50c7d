"""A job that is not registered: never deployed, or purged with its evaluations still known."""

from __future__ import annotations

from toolkit.spec.explain import Explanation, Fact, Subject
from toolkit.views.when import stamp
from toolkit.workflows.explain import why
from toolkit.workflows.explain.look import JobSeen
from toolkit.workflows.session import Session


def tell(session: Session, subject: Subject, seen: JobSeen) -> Explanation:
    """What is left of it."""
    namespace = session.target.namespace
    if not seen.evaluations and not seen.allocations:
        return Explanation(
            subject=subject,
            job=seen.id,
            word="absent",
            sentence=f"{seen.id} is not deployed in namespace {namespace}, and nothing is known of"
            " an earlier life",
            unseen=seen.unseen,
            next=f"toolkit deploy {seen.id}",
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
    return Explanation(
        subject=subject,
        job=seen.id,
        word="absent",
        sentence=f"{seen.id} was purged from namespace {namespace}; its versions are gone with it",
        since=seen.evaluations[-1].created_at or None if seen.evaluations else None,
        causes=why.of_allocations(session, {"ID": seen.id}, why.failed(seen.allocations)),
        facts=tuple(facts),
        unseen=(*seen.unseen, "its versions: a purged job has none"),
        next=f"toolkit deploy {seen.id}",
    )
