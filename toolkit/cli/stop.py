"""`toolkit stop`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Job, Timeout, takes
from toolkit.errors import ExitCode

Purge = Annotated[bool, typer.Option("--purge", help="Forget its versions too.")]


@takes(TARGET, ASKS, TALK)
def stop(call: Call, job: Job, purge: Purge = False, timeout: Timeout = None) -> ExitCode:
    """Its instances leave Consul and the edge before they are killed."""
    from toolkit.views import operate as view
    from toolkit.workflows.operate import stop as end

    report = end(
        call.session(job),
        job,
        purge=purge,
        on_event=call.on_event,
        confirm=call.confirm,
        timeout=timeout,
    )
    return call.show(view, report)
