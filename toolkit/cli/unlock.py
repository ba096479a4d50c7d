"""`toolkit unlock`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Job, takes
from toolkit.errors import ExitCode

Reason = Annotated[
    str,
    typer.Option("--reason", metavar="TEXT", show_default=False, help="Why; its holder is told."),
]


@takes(TARGET, ASKS, TALK)
def unlock(call: Call, job: Job, reason: Reason) -> ExitCode:
    """A lock frees itself within 21 seconds once its holder is gone: this is for one who is not.

    What the holder has registered goes on, and they register nothing more.
    """
    from toolkit.views import unlock as view
    from toolkit.workflows.unlock import unlock as break_lock

    return call.show(view, break_lock(call.session(job), job, reason, confirm=call.confirm))
