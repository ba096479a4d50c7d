"""`toolkit promote`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Job, takes
from toolkit.errors import ExitCode


@takes(TARGET, ASKS, TALK)
def promote(call: Call, job: Job) -> ExitCode:
    """For a rollout that was held, by --no-promote or because the gate could not see."""
    from toolkit.views import operate as view
    from toolkit.workflows.operate import promote as change

    report = change(call.session(job), job, on_event=call.on_event, confirm=call.confirm)
    return call.show(view, report)
