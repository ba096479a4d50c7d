"""`toolkit deploy`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import (
    ASKS,
    RELEASE,
    TALK,
    TARGET,
    VALUES,
    Allow,
    AllowEdgeRestart,
    Detach,
    FailFast,
    Job,
    NoPromote,
    ResetCount,
    Timeout,
    WaitCapacity,
    WaitLock,
    takes,
)
from toolkit.errors import ExitCode


@takes(RELEASE, VALUES, TARGET, ASKS, TALK)
def deploy(
    call: Call,
    job: Job,
    timeout: Timeout = None,
    detach: Detach = False,
    no_promote: NoPromote = False,
    wait_capacity: WaitCapacity = None,
    reset_count: ResetCount = False,
    allow: Allow = None,
    allow_edge_restart: AllowEdgeRestart = False,
    fail_fast: FailFast = None,
    wait_lock: WaitLock = None,
) -> ExitCode:
    """Plans, submits, watches, gates the canaries, and verifies the release that is served.

    Canaries are promoted when Nomad, Consul and Traefik agree. The last line is the verdict, and
    the exit code says the same: 0 deployed, 1 refused, 3 failed, 4 unplaced, 5 unknown,
    6 unverified, 7 superseded, 8 reverted, 9 held.
    """
    from toolkit.views import deploy as view
    from toolkit.workflows.deploy import DeployOptions
    from toolkit.workflows.deploy import deploy as roll_out

    options = DeployOptions(
        timeout=timeout,
        detach=detach,
        no_promote=no_promote,
        wait_capacity=wait_capacity,
        reset_count=reset_count,
        allow_edge_restart=allow_edge_restart,
        fail_fast=fail_fast,
        allow=tuple(allow or ()),
        wait_lock=wait_lock,
    )
    report = roll_out(call.session(job), job, options, on_event=call.on_event, confirm=call.confirm)
    return call.show(view, report)
