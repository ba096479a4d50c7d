"""`toolkit pause`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Job, takes
from toolkit.errors import ExitCode


@takes(TARGET, ASKS, TALK)
def pause(call: Call, job: Job) -> ExitCode:
    """Nothing is placed, stopped or promoted until `toolkit resume`."""
    from toolkit.views import operate as view
    from toolkit.workflows.operate import pause as change

    report = change(call.session(job), job, on_event=call.on_event, confirm=call.confirm)
    return call.show(view, report)
