"""Back to the versions before the start, where a stack was to be whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from toolkit.errors import ExitCode, NotFoundError, RefusedError, ToolkitError
from toolkit.rollout import direct, memory, read
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.listing import OperateReport
from toolkit.spec.plan import LiveJob, Plan
from toolkit.spec.report import VERDICT_CODES, DeployReport, Verdict
from toolkit.spec.stack import Serves, StackRow
from toolkit.workflows import roll
from toolkit.workflows.back import plan_back
from toolkit.workflows.clock import Clock
from toolkit.workflows.deploy import DeployOptions, allowed, deploy_plan
from toolkit.workflows.protection import Confirm
from toolkit.workflows.session import Session
from toolkit.workflows.stack.prepare import Prepared
from toolkit.workflows.stop import stop

Way = Literal["nothing", "back", "stop", "work", "others"]
"""What has to be done for a job: nothing, its old version again, a stop; or what cannot be done:
work is not undone, and what others registered is theirs."""

WORDS: dict[ExitCode, Verdict] = {code: word for word, code in VERDICT_CODES.items()} | {
    ExitCode.OK: "deployed"
}


@dataclass(frozen=True, slots=True)
class Back:
    """What became of taking one job back."""

    verdict: Verdict
    sentence: str
    report: DeployReport | OperateReport | None = None


def before(prepared: Prepared, row: StackRow) -> LiveJob | None:
    """What was registered before this stack changed the job, after any wait for others."""
    made = row.report.plan if isinstance(row.report, DeployReport) else None
    return prepared.before if made is None else made.live


def way(prepared: Prepared, row: StackRow) -> Way:
    """What is to be done for a job so that it is as it was before the start."""
    if row.verdict is None or row.own_code is ExitCode.REFUSED:
        # It never began, or was refused before anything of it was changed.
        return "nothing"
    if direct.is_work(prepared.plan.job):
        return "work" if prepared.todo == "run" and row.report is not None else "nothing"
    if row.verdict == "reverted" or not prepared.changes:
        return "nothing"
    raw = prepared.session.nomad.job(prepared.plan.job_id)
    live, was = read.live_job(raw) if raw else None, before(prepared, row)
    if live is None:
        return "nothing" if was is None else "others"
    if was is not None and live.version == was.version:
        return "nothing"
    if not _is_ours(prepared, row, live):
        return "others"
    return "stop" if was is None or was.stopped else "back"


def _is_ours(prepared: Prepared, row: StackRow, live: LiveJob) -> bool:
    """True when the live version is the one that this turn registered."""
    registered = row.report.version if row.report is not None else None
    if registered is not None:
        return live.version == registered
    # The turn ended in an error: what it registered says so of itself.
    kept = prepared.session.nomad.submission(prepared.plan.job_id, live.version)
    said = memory.written(kept)
    next_one = 0 if prepared.before is None else prepared.before.version + 1
    return said is not None and said.version == live.version == next_one


def take_back(
    prepared: Prepared,
    row: StackRow,
    todo: Way,
    options: DeployOptions,
    *,
    on_event: OnEvent,
    confirm: Confirm,
) -> Back:
    """Do it, watched and verified like any deploy."""
    if todo == "stop":
        return _stopped(prepared, on_event, confirm)
    was = before(prepared, row)
    assert was is not None  # noqa: S101 - a job without a past is stopped
    session, job_id = prepared.session, prepared.plan.job_id
    clock = Clock(session.world, on_event)
    versions = [read.live_job(raw) for raw in session.nomad.versions(job_id)]
    target = next((live for live in versions if live.version == was.version), None)
    if target is None:
        raise RefusedError(
            f"Nomad keeps version {was.version} of {job_id} no longer",
            hint=f"toolkit history {job_id} shows what there is",
        )
    clock.say("revert", f"back to version {target.version}, release {target.release or '-'}")
    options = replace(options, probe=False, command="deploy --all --atomic")

    def plan() -> Plan:
        raw = session.nomad.job(job_id)
        live = versions[0] if raw is None else read.live_job(raw)
        spec = prepared.rendered.spec
        return plan_back(session, spec, live, target, allowed(options), keep_counts=False)

    made = plan()
    clock.mark("plan")
    report = deploy_plan(session, made, options, clock=clock, confirm=confirm, again=plan)
    word = "reverted" if report.code is ExitCode.OK else _failed(report.verdict)
    return Back(word, report.sentence, report)


def _stopped(prepared: Prepared, on_event: OnEvent, confirm: Confirm) -> Back:
    # The rollout that it belongs to may be under way; Nomad ends that with the job.
    report = stop(prepared.session, prepared.plan.job_id, on_event=on_event, confirm=confirm)
    word = "reverted" if report.code is ExitCode.OK else WORDS[report.code]
    return Back(word, report.sentence, report)


def _failed(verdict: Verdict) -> Verdict:
    """The way back that itself reverted went nowhere: the release that was to go still serves."""
    return "failed" if verdict == "reverted" else verdict


def with_back(row: StackRow, result: Back | ToolkitError) -> StackRow:
    """The row with what became of taking it back."""
    if isinstance(result, ToolkitError):
        said = result.message if result.hint is None else f"{result.message} ({result.hint})"
        code = result.code
        # Whatever went wrong: it is not as it was, which no code of success may say.
        word = WORDS.get(code, "failed") if code is not ExitCode.REFUSED else "failed"
        return replace(row, back=word, back_sentence=said)
    return replace(
        row, back=result.verdict, back_sentence=result.sentence, back_report=result.report
    )


def look(session: Session, name: str, job_id: str) -> Serves:
    """What is there of a job now."""
    try:
        report = roll.verified(session.glancing(), name, on_event=ignore)
    except NotFoundError:
        return Serves(None, None, "absent", f"{job_id} is not registered")
    except ToolkitError as exc:
        return Serves(None, None, "unknown", exc.message)
    if report.verdict == "held":
        return Serves(report.release, report.version, "stopped", f"{job_id} is stopped")
    if report.verdict == "completed":
        return Serves(report.release, report.version, "done", report.sentence)
    word = "verified" if report.verdict == "unchanged" else report.verdict
    return Serves(report.release, report.version, word, report.sentence)


def cannot_be_taken_back(prepared: Mapping[str, Prepared]) -> tuple[str, ...]:
    """Jobs whose turn does work that nothing undoes, by name."""
    return tuple(name for name, each in prepared.items() if each.todo in {"run", "attach"})
