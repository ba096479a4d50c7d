"""`toolkit restart`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Job, Timeout, takes
from toolkit.errors import ExitCode


@takes(TARGET, ASKS, TALK)
def restart(call: Call, job: Job, timeout: Timeout = None) -> ExitCode:
    """Waits until each serves again before it takes the next, and verifies all of them."""
    from toolkit.views import operate as view
    from toolkit.workflows.operate import restart as change

    report = change(
        call.session(job),
        job,
        on_event=call.on_event,
        confirm=call.confirm,
        timeout=timeout,
    )
    return call.show(view, report)
