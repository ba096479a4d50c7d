"""`toolkit rollback`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import (
    ASKS,
    TALK,
    TARGET,
    Allow,
    AllowEdgeRestart,
    NoRevert,
    Probe,
    Timeout,
    WaitLock,
    takes,
)
from toolkit.cli.stack import AllJobs, OptionalJob, Parallel, chosen
from toolkit.errors import ExitCode

To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="VERSION|RELEASE|TAG",
        help="Where to; default: the last verified release.",
    ),
]


@takes(TARGET, ASKS, TALK)
def rollback(
    call: Call,
    job: OptionalJob = None,
    all_jobs: AllJobs = False,
    parallel: Parallel = None,
    to: To = None,
    timeout: Timeout = None,
    allow: Allow = None,
    allow_edge_restart: AllowEdgeRestart = False,
    wait_lock: WaitLock = None,
    probe: Probe = None,
    no_revert: NoRevert = False,
) -> ExitCode:
    """Rolled out, gated and verified like any deploy, with the same exit codes.

    To the release that was verified last; where that is live, to the verified one before it.
    `toolkit history` lists where one can go. With --all the stack goes back to where all of it was
    verified, a job before those that it depends on.
    """
    from toolkit.views import deploy as view
    from toolkit.workflows.deploy import DeployOptions
    from toolkit.workflows.rollback import rollback as go_back

    options = DeployOptions(
        timeout=timeout,
        allow=tuple(allow or ()),
        allow_edge_restart=allow_edge_restart,
        wait_lock=wait_lock,
        probe=probe,
        no_revert=no_revert,
        command="rollback",
    )
    named = chosen(
        call,
        job,
        all_jobs=all_jobs,
        parallel=("all", parallel),
        to=("job", to),
        probe=("job", probe),
    )
    if named is None:
        from toolkit.views import stack as stack_view
        from toolkit.workflows.stack.journey import StackOptions
        from toolkit.workflows.stack.rollback import rollback_all

        stack = StackOptions(options, parallel=parallel)
        return call.show(
            stack_view,
            rollback_all(call.session(), stack, on_event=call.on_event, confirm=call.confirm),
        )
    report = go_back(
        call.session(named), named, to, options, on_event=call.on_event, confirm=call.confirm
    )
    return call.show(view, report)
