"""`toolkit history`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import TALK, TARGET, Job, takes
from toolkit.errors import ExitCode


@takes(TARGET, TALK)
def history(call: Call, job: Job) -> ExitCode:
    """Newest first: what changed, who deployed it, from which commit, and with what verdict.

    A star marks what is live; `toolkit rollback --to` takes any.
    """
    from toolkit.views import history as view
    from toolkit.workflows.history import history as look

    return call.show(view, look(call.session(job), job))
