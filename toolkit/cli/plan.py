"""`toolkit plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call, usage_error
from toolkit.cli.options import RELEASE, TALK, TARGET, VALUES, ResetCount, takes
from toolkit.cli.stack import AllJobs, OptionalJob, chosen
from toolkit.errors import ExitCode

FORMATS = ("text", "json", "markdown")

Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="|".join(FORMATS),
        show_default=False,
        help="What to print; markdown is for a comment on a pull request.",
    ),
]


@takes(RELEASE, VALUES, TARGET, TALK)
def plan(
    call: Call,
    job: OptionalJob = None,
    all_jobs: AllJobs = False,
    reset_count: ResetCount = False,
    format: Format = None,  # noqa: A002 - the option's name
) -> ExitCode:
    """Nomad's own parser, validator and scheduler dry run; nothing is changed.

    Exit codes: 0 nothing to do, 10 changes, 1 refused, 4 changes that do not fit.
    """
    from toolkit.views import markdown_plan
    from toolkit.views import plan as view
    from toolkit.workflows.plan import plan_job

    form = chosen_format(format, as_json=call.output.as_json)
    named = chosen(call, job, all_jobs=all_jobs)
    if named is None:
        return _stack(call, form, reset_count=reset_count)
    made = plan_job(call.session(named), named, reset_count=reset_count)
    if form == "json":
        call.output.document(view.document(made))
    else:
        call.output.show((markdown_plan if form == "markdown" else view).lines(made))
    return view.code(made)


def _stack(call: Call, form: str, *, reset_count: bool) -> ExitCode:
    from toolkit.views import markdown_plan
    from toolkit.views import stack as view
    from toolkit.workflows.stack.look import plan_all

    report = plan_all(call.session(), reset_count=reset_count)
    if form == "json":
        call.output.document(view.document(report))
    elif form == "markdown":
        plans = [row.plan for row in report.rows if row.plan is not None]
        call.output.show(line for plan in plans for line in [*markdown_plan.lines(plan), ""])
    else:
        call.output.show(view.lines(report))
    return report.code


def chosen_format(given: str | None, *, as_json: bool) -> str:
    """The format, which `--json` is a short word for; a usage error when they disagree."""
    if given is not None and given not in FORMATS:
        raise typer.BadParameter(
            f"{given!r} is none of {', '.join(FORMATS)}", param_hint="'--format'"
        )
    if as_json and given not in {None, "json"}:
        raise usage_error(f"--json and --format {given} are two formats", "say one of them")
    return "json" if as_json else given or "text"
