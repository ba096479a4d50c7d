"""What became of each job of a stack, and of all of it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from toolkit.errors import ExitCode, ToolkitError
from toolkit.spec.report import VERDICT_CODES, DeployReport, Verdict
from toolkit.spec.stack import StackError, StackJob, StackRow
from toolkit.spec.work import WorkReport
from toolkit.workflows.stack.board import Board

Report = DeployReport | WorkReport
"""How one job's turn ended."""

WORDS: dict[ExitCode, Verdict] = {
    code: word for word, code in VERDICT_CODES.items() if code is not ExitCode.OK
}


def row(job: StackJob, result: Report | ToolkitError | None, board: Board | None) -> StackRow:
    """One job's row; without a result its turn never came."""
    bare = StackRow(job.name, job.needs)
    if result is None:
        return replace(bare, sentence=why_not(job, board))
    if isinstance(result, ToolkitError):
        error = StackError(result.message, result.hint, result.code)
        word = WORDS.get(result.code, "unknown")
        return replace(bare, verdict=word, sentence=result.message, error=error)
    return replace(bare, verdict=result.verdict, sentence=result.sentence, report=result)


def why_not(job: StackJob, board: Board | None) -> str:
    """Why the turn of a job never came."""
    behind = board.behind(job.name) if board is not None else ()
    return f"never began: it waits for {', '.join(behind)}" if behind else "never began"


def first_bad(rows: Sequence[StackRow]) -> StackRow | None:
    """The first job, in the order of the stack, that did not go well by itself."""
    return next((each for each in rows if each.own_code is not ExitCode.OK), None)


def code(rows: Sequence[StackRow], *, atomic: bool) -> ExitCode:
    """The code of the first job that is not 0.

    Taken back as a whole it is `reverted`; where something could not be taken back, that job's.
    """
    bad = [each for each in rows if each.code is not ExitCode.OK]
    if not bad:
        return ExitCode.OK
    if atomic:
        if why := stuck(rows):
            return why[0].code
        if any("reverted" in {each.verdict, each.back} for each in rows):
            return ExitCode.REVERTED
    return bad[0].code


def stuck(rows: Sequence[StackRow]) -> list[StackRow]:
    """Jobs that could not be taken back; not those that were left for the sake of one."""
    left = [each for each in rows if each.back not in {None, "reverted"}]
    return [each for each in left if each.back != "held" or not each.left] or left


def next_command(rows: Sequence[StackRow]) -> str | None:
    """What to do next: about the job that could not be taken back, else the first that failed."""
    if why := stuck(rows):
        report = why[0].back_report
        found = report.next if isinstance(report, DeployReport) else None
        return found or f"toolkit explain {why[0].job}"
    bad = first_bad(rows)
    if bad is None:
        return None
    if bad.report is not None and bad.report.next:
        return bad.report.next
    return None if bad.error is None else bad.error.hint


def verdict(rows: Sequence[StackRow], *, atomic: bool) -> Verdict:
    """The word of the whole stack."""
    found = code(rows, atomic=atomic)
    if found is not ExitCode.OK:
        return WORDS.get(found, "unknown")
    return "unchanged" if all(each.verdict == "unchanged" for each in rows) else "deployed"


def summary(rows: Sequence[StackRow]) -> str:
    """What became of the jobs, by word."""
    words: dict[str, list[str]] = {}
    for each in rows:
        word: str = each.verdict or "never began"
        if each.back is not None:
            word = "taken back" if each.back == "reverted" else "not taken back"
        words.setdefault(word, []).append(each.job)
    return ", ".join(f"{len(names)} {word}" for word, names in words.items())
