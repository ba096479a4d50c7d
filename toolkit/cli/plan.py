"""`toolkit plan`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import RELEASE, TALK, TARGET, VALUES, Job, ResetCount, takes
from toolkit.errors import ExitCode


@takes(RELEASE, VALUES, TARGET, TALK)
def plan(call: Call, job: Job, reset_count: ResetCount = False) -> ExitCode:
    """Nomad's own parser, validator and scheduler dry run; nothing is changed.

    Exit codes: 0 nothing to do, 10 changes, 1 refused, 4 changes that do not fit.
    """
    from toolkit.views import plan as view
    from toolkit.workflows.plan import plan_job

    made = plan_job(call.session(job), job, reset_count=reset_count)
    if call.output.as_json:
        call.output.document(view.document(made))
    else:
        call.output.show(view.lines(made))
    return view.code(made)
