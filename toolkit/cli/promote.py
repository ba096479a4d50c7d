"""`toolkit promote`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Job, Timeout, takes
from toolkit.errors import ExitCode

Force = Annotated[
    bool, typer.Option("--force", help="Promote on the word of Nomad alone, without the gate.")
]


@takes(TARGET, ASKS, TALK)
def promote(call: Call, job: Job, force: Force = False, timeout: Timeout = None) -> ExitCode:
    """For a rollout that was held, by --no-promote or because the gate could not see."""
    from toolkit.views import operate as view
    from toolkit.workflows.operate import promote as change

    report = change(
        call.session(job),
        job,
        on_event=call.on_event,
        force=force,
        confirm=call.confirm,
        timeout=timeout,
    )
    return call.show(view, report)
