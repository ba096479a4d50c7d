"""`toolkit plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call, usage_error
from toolkit.cli.options import RELEASE, TALK, TARGET, VALUES, Job, ResetCount, takes
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
    job: Job,
    reset_count: ResetCount = False,
    format: Format = None,  # noqa: A002 - the option's name
) -> ExitCode:
    """Nomad's own parser, validator and scheduler dry run; nothing is changed.

    Exit codes: 0 nothing to do, 10 changes, 1 refused, 4 changes that do not fit.
    """
    from toolkit.views import markdown_plan
    from toolkit.views import plan as view
    from toolkit.workflows.plan import plan_job

    chosen = chosen_format(format, as_json=call.output.as_json)
    made = plan_job(call.session(job), job, reset_count=reset_count)
    if chosen == "json":
        call.output.document(view.document(made))
    else:
        call.output.show((markdown_plan if chosen == "markdown" else view).lines(made))
    return view.code(made)


def chosen_format(given: str | None, *, as_json: bool) -> str:
    """The format, which `--json` is a short word for; a usage error when they disagree."""
    if given is not None and given not in FORMATS:
        raise typer.BadParameter(
            f"{given!r} is none of {', '.join(FORMATS)}", param_hint="'--format'"
        )
    if as_json and given not in {None, "json"}:
        raise usage_error(f"--json and --format {given} are two formats", "say one of them")
    return "json" if as_json else given or "text"
