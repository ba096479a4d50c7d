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


Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Go on, and show every change until Ctrl-C.")
]


@takes(TARGET, TALK)
def status(call: Call, job: MaybeJob = None, limit: Limit = None, watch: Watch = False) -> ExitCode:
    """Looks and judges nothing: the exit code is 0 whatever is seen; `toolkit verify` judges.

    With --watch a terminal shows a table that changes in place, anything else gets a line for
    each change, or with --json a document for each.
    """
    if watch:
        from toolkit.cli.watching import show
        from toolkit.workflows import watching

        session = call.session(job)
        return show(
            call,
            watching.watch_jobs(session, limit=limit)
            if job is None
            else watching.watch_job(session, job),
        )
    from toolkit.views import status as view
    from toolkit.workflows.status import status as look

    return call.show(view, look(call.session(job), job, limit=limit))
