"""`toolkit scale`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Job, takes
from toolkit.errors import ExitCode

Count = Annotated[
    int,
    typer.Argument(
        metavar="COUNT", min=0, max=100_000, show_default=False, help="Instances to run."
    ),
]


@takes(TARGET, ASKS, TALK)
def scale(call: Call, job: Job, count: Count) -> ExitCode:
    """Later deploys keep the live count, until the job file's count changes or --reset-count."""
    from toolkit.views import operate as view
    from toolkit.workflows.operate import scale as change

    report = change(call.session(job), job, count, on_event=call.on_event, confirm=call.confirm)
    return call.show(view, report)
