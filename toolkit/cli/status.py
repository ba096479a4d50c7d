"""`toolkit status`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import TALK, TARGET, takes
from toolkit.errors import ExitCode

MaybeJob = Annotated[
    str | None,
    typer.Argument(metavar="[JOB]", show_default=False, help="One job closely; default: all."),
]


Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, metavar="N", help="Of all jobs, list so many at most."),
]


@takes(TARGET, TALK)
def status(call: Call, job: MaybeJob = None, limit: Limit = None) -> ExitCode:
    """Looks and judges nothing: the exit code is 0 whatever is seen; `toolkit verify` judges."""
    from toolkit.views import status as view
    from toolkit.workflows.status import status as look

    return call.show(view, look(call.session(job), job, limit=limit))
