"""`toolkit verify`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import TALK, TARGET, takes
from toolkit.cli.stack import AllJobs, OptionalJob, chosen
from toolkit.errors import ExitCode


@takes(TARGET, TALK)
def verify(call: Call, job: OptionalJob = None, all_jobs: AllJobs = False) -> ExitCode:
    """Follows each allocation to Consul, to every Traefik and to the release that it serves.

    The release is asked directly and through the edge; the first broken link is said first. Exit
    codes: 0 all of it holds, 6 unverified, 5 a link cannot be seen.
    """
    from toolkit.views import verify as view
    from toolkit.workflows.verify import verify as look

    named = chosen(call, job, all_jobs=all_jobs)
    if named is None:
        from toolkit.views import stack as stack_view
        from toolkit.workflows.stack.look import verify_all

        return call.show(stack_view, verify_all(call.session(), on_event=call.on_event))
    return call.show(view, look(call.session(named), named, on_event=call.on_event))
