"""`toolkit abort`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, Job, Timeout, takes
from toolkit.errors import ExitCode


@takes(TARGET, ASKS, TALK)
def abort(call: Call, job: Job, timeout: Timeout = None) -> ExitCode:
    """Nomad reverts to the last stable version where the job says auto_revert."""
    from toolkit.views import operate as view
    from toolkit.workflows.operate import abort as change

    report = change(
        call.session(job),
        job,
        on_event=call.on_event,
        confirm=call.confirm,
        timeout=timeout,
    )
    return call.show(view, report)
