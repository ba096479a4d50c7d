"""`toolkit scale`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Job, Timeout, takes
from toolkit.errors import ExitCode

Count = Annotated[
    int,
    typer.Argument(
        metavar="COUNT", min=0, max=100_000, show_default=False, help="Instances to run."
    ),
]

Group = Annotated[
    str | None,
    typer.Option("--group", metavar="GROUP", help="The task group, where a job has several."),
]


@takes(TARGET, ASKS, TALK)
def scale(
    call: Call, job: Job, count: Count, group: Group = None, timeout: Timeout = None
) -> ExitCode:
    """Later deploys keep the live count, until the job file's count changes or --reset-count."""
    from toolkit.views import operate as view
    from toolkit.workflows.operate import scale as change

    report = change(
        call.session(job),
        job,
        count,
        group,
        on_event=call.on_event,
        confirm=call.confirm,
        timeout=timeout,
    )
    return call.show(view, report)
