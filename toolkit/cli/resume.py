"""`toolkit resume`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Job, Timeout, takes
from toolkit.errors import ExitCode


@takes(TARGET, ASKS, TALK)
def resume(call: Call, job: Job, timeout: Timeout = None) -> ExitCode:
    """Goes on where `toolkit pause` stopped it."""
    from toolkit.views import operate as view
    from toolkit.workflows.operate import resume as change

    report = change(
        call.session(job),
        job,
        on_event=call.on_event,
        confirm=call.confirm,
        timeout=timeout,
    )
    return call.show(view, report)
