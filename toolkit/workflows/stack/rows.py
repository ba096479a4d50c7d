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
        stuck = [each for each in rows if each.back not in {None, "reverted"}]
        # One that was only left for another's sake is not why.
        why = [each for each in stuck if each.back != "held" or not each.left] or stuck
        if why:
            return why[0].code
        if any("reverted" in {each.verdict, each.back} for each in rows):
            return ExitCode.REVERTED
    return bad[0].code


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
