"""Find what was meant and tell its story."""

from __future__ import annotations

from toolkit.errors import (
    DeniedError,
    ExitCode,
    ServerError,
    TlsError,
    UnreachableError,
)
from toolkit.spec.explain import ExplainReport, Explanation, Subject
from toolkit.workflows.explain import allocation, deployment, evaluation, job, node
from toolkit.workflows.explain.find import by_file, find
from toolkit.workflows.session import Session


def explain(session: Session, what: str) -> ExplainReport:
    """How the job, evaluation, deployment, allocation or node that `what` names is, and why.

    RefusedError when it names several things, NotFoundError when it names none. ApiError with the
    code of `unknown` when what must be seen cannot be.
    """
    session = session.glancing()
    try:
        answer = _tell(session, find(session, what), filed=by_file(what))
    except (DeniedError, ServerError, TlsError, UnreachableError) as exc:
        exc.code = ExitCode.UNKNOWN
        raise
    target = session.target
    return ExplainReport(
        environment=target.environment,
        address=target.nomad.address,
        namespace=target.namespace,
        asked=what,
        now=session.world.now(),
        answer=answer,
        calls=session.nomad.counter.calls,
    )


def _tell(session: Session, subject: Subject, *, filed: bool) -> Explanation:
    """`filed`: it was named by the path of its job file."""
    match subject.kind:
        case "job":
            return job.tell(session, subject, filed=filed)
        case "evaluation":
            return evaluation.tell(session, subject)
        case "deployment":
            return deployment.tell(session, subject)
        case "allocation":
            return allocation.tell(session, subject)
        case "node":
            return node.tell(session, subject)
