"""`toolkit validate`: every mistake of every job at once, by us and, where it answers, by Nomad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from toolkit.config.plain import scan_job
from toolkit.config.settings import Settings
from toolkit.errors import (
    ApiError,
    ConfigError,
    DeniedError,
    InvalidRequestError,
    Mistake,
    RefusedError,
    RenderError,
)
from toolkit.rollout.made import contradictions
from toolkit.rollout.plan import parse
from toolkit.spec.listing import ValidateReport
from toolkit.spec.rendered import RenderedJob
from toolkit.workflows.names import own_names
from toolkit.workflows.render import render_job
from toolkit.workflows.session import Session, open_session
from toolkit.workflows.stack import order


@dataclass
class Findings:
    """What was found so far; lives for one call of `validate`."""

    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def validate(settings: Settings, jobs: tuple[str, ...] = ()) -> ValidateReport:
    """Look at the named jobs, or at all of the project; never fails because no Nomad answers."""
    project = settings.project
    if not jobs and project is not None:
        jobs = own_names(project)
    findings = Findings()
    good = [job for name in jobs if (job := readable(settings, name, findings)) is not None]
    if project is not None:
        named = {
            job.spec.source.split("/")[-2]: job
            for job in good
            if job.spec.source.startswith("jobs/")
        }
        findings.mistakes += order.mistakes(project.file.stack, named)
    judge_detail, asked = ask_nomad(open_session(settings), good, findings)
    return ValidateReport(
        environment=settings.target.environment,
        jobs=jobs,
        judge="Nomad" if asked else "offline",
        judge_detail=judge_detail,
        # A mistake in what jobs share, such as toolkit.toml, is found once for each of them.
        mistakes=tuple(dict.fromkeys(findings.mistakes)),
        warnings=tuple(dict.fromkeys(findings.warnings)),
    )


def readable(settings: Settings, name: str, findings: Findings) -> RenderedJob | None:
    """The job rendered, if that much is right."""
    try:
        rendered = render_job(settings, name)
    except ConfigError as exc:
        findings.mistakes += exc.mistakes
        return None
    except RenderError as exc:
        findings.mistakes.append(told(exc))
        return None
    return rendered


def ask_nomad(
    session: Session, jobs: Sequence[RenderedJob], findings: Findings
) -> tuple[str, bool]:
    """Nomad's parser and validator on each; without them our own light look, and why."""
    address = session.target.nomad.address
    for number, rendered in enumerate(jobs):
        try:
            judged(session, rendered, findings)
        except ApiError as exc:
            for other in jobs[number:]:
                findings.mistakes += glance(other)
            return exc.message, False
    if not jobs:
        return "no job could be rendered", False
    return f"{version(session)} at {address}", True


def judged(session: Session, rendered: RenderedJob, findings: Findings) -> None:
    """What Nomad says of one job; ApiError when Nomad cannot be asked."""
    source = rendered.spec.source
    try:
        job = parse(session.world, rendered)
        answer = session.nomad.validate(job)
    except RenderError as exc:
        findings.mistakes.append(told(exc))
        return
    except ConfigError as exc:
        findings.mistakes += exc.mistakes
        return
    except (RefusedError, InvalidRequestError) as exc:
        findings.mistakes.append(Mistake(source, None, None, exc.message, exc.hint))
        return
    errors = answer.get("ValidationErrors") or [answer.get("Error")]
    for error in errors:
        if error:
            findings.mistakes.append(Mistake(source, None, None, str(error).strip()))
    if warning := str(answer.get("Warnings") or "").strip():
        findings.warnings.append(f"{source}: {warning}")


def version(session: Session) -> str:
    """`Nomad 1.11.3`, or `Nomad` where the token may not ask."""
    try:
        config = session.nomad.agent_self().get("config") or {}
    except DeniedError:
        return "Nomad"
    return f"Nomad {(config.get('Version') or {}).get('Version') or ''}".strip()


def glance(rendered: RenderedJob) -> list[Mistake]:
    """What can be told of HCL without a parser: one job block, of the kind that its file says."""
    path = rendered.spec.template
    scanned = scan_job(rendered.hcl)
    blocks = len(scanned.names)
    if blocks != 1:
        return [Mistake(path, None, None, f"makes {blocks or 'no'} job blocks instead of one")]
    return [] if scanned.kind is None else list(contradictions(rendered, scanned.kind))


def told(error: RenderError) -> Mistake:
    """A render error as a mistake in its template."""
    place = error.template if error.line is None else f"{error.template}:{error.line}"
    message = error.message.removeprefix(f"{place}: ")
    return Mistake(error.template, None, error.line, message, error.hint)
