"""`toolkit validate`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import RELEASE, TALK, TARGET, VALUES, takes
from toolkit.cli.typed import names_file
from toolkit.errors import ExitCode

Jobs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[JOB]...", show_default=False, help="Jobs to look at; default: all."),
]


@takes(RELEASE, VALUES, TARGET, TALK)
def validate(call: Call, jobs: Jobs = None) -> ExitCode:
    """Every mistake is named at once.

    Configuration and templates are checked offline; where a Nomad answers, its own parser and
    validator judge too, and the report says which of the two it was.
    """
    from toolkit.views import validate as view
    from toolkit.workflows.validate import validate as check

    named = tuple(jobs or ())
    only_files = bool(named) and all(names_file(job) for job in named)
    return call.show(view, check(call.settings(need_project=not only_files), named))
