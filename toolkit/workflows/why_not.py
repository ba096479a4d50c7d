"""`toolkit why-not`: whether a job has a place, and what every node lacks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from toolkit.errors import ApiError, DeniedError, InvalidRequestError, NotFoundError
from toolkit.rollout import fit
from toolkit.rollout.plan import make_plan, parse
from toolkit.spec.fit import DryRun, FitReport
from toolkit.workflows.names import Found, find
from toolkit.workflows.session import Session


def why_not(session: Session, job: str, *, live: bool = False) -> FitReport:
    """The job held against the cluster as it is now.

    A job of the project is taken as its job file makes it, unless `live`; any other as it is
    registered. NotFoundError for a job that is neither, InvalidRequestError when Nomad refuses it.
    """
    raw, source = _job(session, job, live=live)
    report = _look(session, raw)
    if report.dry_run is not None and _differ(report):
        # Something may have moved between our questions; what stays is a difference.
        report = _look(session, raw)
    return replace(
        report,
        source=source,
        environment=session.target.environment,
        address=session.target.nomad.address,
        calls=session.nomad.counter.calls,
    )


def _job(session: Session, name: str, *, live: bool) -> tuple[Mapping[str, Any], str]:
    found = _found(session, name, live=live)
    if found.spec is not None and not live:
        return _rendered(session, name), f"job file {found.spec.source}"
    raw = session.nomad.job(found.id)
    if raw is None:
        raise NotFoundError(
            f"no job {found.id} is registered in namespace {session.target.namespace}",
            system="Nomad",
            address=session.target.nomad.address,
            hint="leave --live out to look at its job file" if found.spec else "toolkit status",
        )
    # A stopped job is asked for as if it were started.
    return {**raw, "Stop": False}, f"registered, version {raw.get('Version')}"


def _rendered(session: Session, name: str) -> Mapping[str, Any]:
    """The job as a deploy would submit it, counts that were scaled by hand included."""
    rendered = session.render(name)
    chosen = session.settings.flags.release is not None
    try:
        return make_plan(session.world, rendered, release_chosen=chosen).job
    except DeniedError:
        # Who may not plan may still look.
        return parse(session.world, rendered)


def _found(session: Session, name: str, *, live: bool) -> Found:
    return Found(name, None) if live and session.nomad.job(name) else find(session, name)


def _look(session: Session, raw: Mapping[str, Any]) -> FitReport:
    job = fit.job_facts(raw)
    answer, problem = _dry_run(session, raw)
    steps = None if answer is None else fit.steps(answer, job)
    run = DryRun(error=problem) if answer is None else fit.dry_run(answer)
    facts = fit.gather(session.world, job)
    report = fit.evaluate(job, facts.nodes, facts.allocations, facts.scheduler, steps)
    more = (f"Nomad's dry run gave no answer: {problem}",) if problem else ()
    return replace(fit.beside(report, run), notes=(*facts.notes, *more))


def _dry_run(session: Session, raw: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """Nomad's own answer, or why there is none: a token may look and not plan."""
    try:
        return session.nomad.plan(dict(raw), diff=False), ""
    except InvalidRequestError:
        raise
    except ApiError as exc:
        return None, exc.message


def _differ(report: FitReport) -> bool:
    return any(group.mark == "unknown" for group in report.groups)
