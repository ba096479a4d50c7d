"""`toolkit render`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.call import Call, write_file
from toolkit.cli.options import RELEASE, TALK, TARGET, VALUES, Job, takes
from toolkit.cli.typed import names_file
from toolkit.errors import ExitCode

Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="Write to this file instead of stdout."),
]


@takes(RELEASE, VALUES, TARGET, TALK)
def render(call: Call, job: Job, out: Out = None) -> ExitCode:
    """Talks to nobody: what it prints depends on the project's files and the flags alone."""
    from toolkit.workflows.render import render_job

    rendered = render_job(call.settings(need_project=not names_file(job)), job)
    if out is not None:
        write_file(out, rendered.hcl)
        call.output.talk(f"written   {out}")
    if call.output.as_json:
        from toolkit.views import render as view

        call.output.document(view.document(rendered))
    elif out is None:
        call.output.raw(rendered.hcl)
    return ExitCode.OK
