"""`toolkit run`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import (
    ASKS,
    RELEASE,
    TALK,
    TARGET,
    VALUES,
    Allow,
    Detach,
    Job,
    Timeout,
    WaitCapacity,
    takes,
)
from toolkit.errors import ExitCode


@takes(RELEASE, VALUES, TARGET, ASKS, TALK)
def run(
    call: Call,
    job: Job,
    timeout: Timeout = None,
    detach: Detach = False,
    wait_capacity: WaitCapacity = None,
    allow: Allow = None,
) -> ExitCode:
    """Waits as long as the work takes and passes its output on, stdout to stdout.

    A periodic job is launched now. What is said about the work goes to standard error. The exit
    code is 0 completed, 1 refused, 3 failed, 4 unplaced, 5 unknown, 7 superseded, 9 held.
    """
    from toolkit.cli.written import TaskOutput, show
    from toolkit.workflows.batch import WorkOptions
    from toolkit.workflows.run import run as run_work

    written = TaskOutput(call)
    options = WorkOptions(timeout, detach, wait_capacity, tuple(allow or ()))
    report = run_work(
        call.session(job), job, options,
        on_event=written.on_event, on_output=written, confirm=call.confirm,
    )  # fmt: skip
    return show(call, written, report)
