"""A plan as a comment on a pull request: a headline, tables and blocks, bounded, nothing secret."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.errors import ExitCode
from toolkit.spec.cause import Cause
from toolkit.spec.plan import DiffLine, GroupPlan, LintFinding, Plan
from toolkit.views import drift as drift_view
from toolkit.views import plan as plan_view
from toolkit.views.markdown import block, code, plain, prose, within
from toolkit.views.text import counted
from toolkit.views.when import stamp

MEANINGS = {
    ExitCode.OK: "a deploy would change nothing",
    ExitCode.CHANGES: "a deploy would change the job",
    ExitCode.REFUSED: "a deploy would be refused by a rule",
    ExitCode.UNPLACED: "a deploy would be refused, because there is no room",
}

COLUMNS = ("placed", "canaries", "replaced", "in place", "migrated", "stopped", "left")

# Characters for each part; together below what a comment may hold.
GROUPS, DIFF, DRIFT, LINT, UNPLACED, NOTES = 6_000, 24_000, 10_000, 6_000, 8_000, 5_000


def lines(plan: Plan) -> list[str]:
    """The comment."""
    result = [f"### {headline(plan)}", "", _where(plan)]
    parts = (
        _unplaced(plan.unplaced),
        _groups(plan.groups),
        _diff(plan),
        _drift(plan),
        _lint(plan.lint),
        _notes(plan),
    )
    for part in parts:
        if part:
            result += ["", *part]
    return result


def headline(plan: Plan) -> str:
    """What would come of it, in one sentence."""
    job, releases = code(plan.job_id, 100), prose(plan_view.releases(plan), 200)
    match plan_view.code(plan):
        case ExitCode.OK:
            return f"{job} is as it should be" + (f": {releases}" if releases else "")
        case ExitCode.REFUSED:
            return f"{job} would be refused: {releases}".rstrip(": ")
        case ExitCode.UNPLACED:
            return f"{job} does not fit: {releases}".rstrip(": ")
        case _:
            return f"{job} would change: {releases}".rstrip(": ")


def _where(plan: Plan) -> str:
    exit_code = plan_view.code(plan)
    said = [f"Exit code {int(exit_code)}: {MEANINGS[exit_code]}."]
    if plan.environment:
        said.append(
            f"Environment {code(plan.environment, 100)}, namespace {code(plan.namespace, 100)}, "
            f"{'no such job yet' if plan.live is None else f'live version {plan.live.version}'}, "
            f"seen {stamp(plan.made_at)}."
        )
    return " ".join(said)


def _groups(groups: Sequence[GroupPlan]) -> list[str]:
    if not groups:
        return []
    rows, left = within(([_row(group)] for group in groups), GROUPS)
    head = [
        f"| group | what happens | {' | '.join(COLUMNS)} |",
        f"|---|---|{'---:|' * len(COLUMNS)}",
    ]
    return [*head, *rows, *_left(left, "group")]


def _row(group: GroupPlan) -> str:
    # Those that canaries stand beside are stopped once the canaries are promoted.
    replaced, left = (group.ignore, 0) if group.canary else (0, group.ignore)
    numbers = (
        group.place, group.canary, group.replace, group.in_place, group.migrate,
        group.stop + replaced, left,
    )  # fmt: skip
    cells = [prose(group.group, 60), prose(plan_view.actions(group)), *map(str, numbers)]
    return f"| {' | '.join(cells)} |"


def _diff(plan: Plan) -> list[str]:
    if not plan.diff:
        return []
    if plan.live is None:
        # Of a new job every field is new, Nomad's defaults included: pages that say nothing.
        return [f"{counted(len(plan.diff), 'field')} of a new job."]
    return _changes("What changes", plan.diff, DIFF)


def _changes(title: str, changes: Sequence[DiffLine], budget: int) -> list[str]:
    shown, left = within((_signed(change) for change in changes), budget)
    head = f"#### {title}: {counted(len(changes), 'field')}"
    return [head, "", *block(shown, "diff"), *_left(left, "changed field")]


def _signed(change: DiffLine) -> list[str]:
    path = plain(change.path)
    old = [] if change.kind == "Added" else [f"- {path} = {plain(change.old)}".rstrip()]
    new = [] if change.kind == "Deleted" else [f"+ {path} = {plain(change.new)}".rstrip()]
    return old + new


def _drift(plan: Plan) -> list[str]:
    said = drift_view.sentence(plan)
    result: list[str] = []
    if said is not None and plan.drift is not None:
        if plan.drift.changes:
            result = _changes("What others changed", plan.drift.changes, DRIFT)
        result += [*([""] if result else []), f"Drift: {prose(said)}."]
    groups = [group for group in plan.scaled if group.at is not None]
    said_of = (drift_view.scaled(group, plan.made_at) for group in groups)
    rows, left = within(([f"- {prose(text)}"] for text in said_of), NOTES)
    if rows:
        result += [*([""] if result else []), "#### Scaled", "", *rows, *_left(left, "group")]
    return result


def _lint(findings: Sequence[LintFinding]) -> list[str]:
    shown = [finding for finding in findings if not finding.allowed]
    if not shown:
        return []
    rows, left = within(([_finding(finding)] for finding in shown), LINT)
    return ["#### Findings", "", *rows, *_left(left, "finding")]


def _finding(finding: LintFinding) -> str:
    why = f": {prose(finding.reason)}" if finding.reason else ""
    return f"- **{finding.level}** {code(finding.rule, 60)}: {prose(finding.message)}{why}"


def _unplaced(causes: Sequence[Cause]) -> list[str]:
    if not causes:
        return []
    rows, left = within((_cause(cause) for cause in causes), UNPLACED)
    return ["#### Why it does not fit", "", *rows, *_left(left, "cause")]


def _cause(cause: Cause) -> list[str]:
    place = f" ({prose(cause.place())})" if cause.place() else ""
    inner = [*cause.evidence, *([cause.advice] if cause.advice else [])]
    return [f"- {prose(cause.summary)}{place}", *(f"  - {prose(line)}" for line in inner)]


def _notes(plan: Plan) -> list[str]:
    said = [
        *(f"- {prose(note)}" for note in plan.notes),
        *([f"- Asks: {prose(plan.question)}"] if plan.question else []),
        *(f"- Nomad warns: {prose(warning)}" for warning in plan.warnings),
    ]
    if not said:
        return []
    rows, left = within(([line] for line in said), NOTES)
    return ["#### Notes", "", *rows, *_left(left, "note")]


def _left(number: int, noun: str) -> list[str]:
    """What a comment has no room for; `toolkit plan` in a terminal has."""
    if not number:
        return []
    return ["", f"Left out for length: {counted(number, noun)}; `toolkit plan` shows all."]
