"""`toolkit verify`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import TALK, TARGET, Job, takes
from toolkit.errors import ExitCode


@takes(TARGET, TALK)
def verify(call: Call, job: Job) -> ExitCode:
    """Follows each allocation to Consul, to every Traefik and to the release that it serves.

    The release is asked directly and through the edge; the first broken link is said first. Exit
    codes: 0 all of it holds, 6 unverified, 5 a link cannot be seen.
    """
    from toolkit.views import verify as view
    from toolkit.workflows.verify import verify as look

    return call.show(view, look(call.session(job), job, on_event=call.on_event))
