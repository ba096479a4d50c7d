"""`toolkit deploy`."""

from __future__ import annotations

from toolkit.cli.call import Call, usage_error
from toolkit.cli.canary import Analyse, Canary, steps
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
    NoPromote,
    NoRevert,
    Probe,
    ResetCount,
    Timeout,
    WaitCapacity,
    WaitLock,
    takes,
)
from toolkit.cli.stack import AllJobs, Atomic, OptionalJob, Parallel, chosen
from toolkit.errors import ExitCode


@takes(RELEASE, VALUES, TARGET, ASKS, TALK)
def deploy(
    call: Call,
    job: OptionalJob = None,
    all_jobs: AllJobs = False,
    atomic: Atomic = False,
    parallel: Parallel = None,
    timeout: Timeout = None,
    detach: Detach = False,
    no_promote: NoPromote = False,
    wait_capacity: WaitCapacity = None,
    reset_count: ResetCount = False,
    allow: Allow = None,
    allow_edge_restart: AllowEdgeRestart = False,
    fail_fast: FailFast = None,
    wait_lock: WaitLock = None,
    canary: Canary = None,
    analyse: Analyse = None,
    probe: Probe = None,
    no_revert: NoRevert = False,
) -> ExitCode:
    """Plans, submits, watches, gates the canaries, and verifies the release that is served.

    Canaries are promoted when Nomad, Consul and Traefik agree. The last line is the verdict, and
    the exit code says the same: 0 deployed, 1 refused, 3 failed, 4 unplaced, 5 unknown,
    6 unverified, 7 superseded, 8 reverted, 9 held.

    With --all each job of the stack begins when those that it depends on are verified, or done.
    The exit code is that of the first job that is not 0.
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
        canary=steps(canary),
        analyse=analyse,
        probe=probe,
        no_revert=no_revert,
    )
    if probe and detach:
        raise usage_error(
            "--probe asks while somebody watches, and --detach leaves at once",
            "leave out one of the two",
        )
    named = chosen(
        call,
        job,
        all_jobs=all_jobs,
        atomic=("all", atomic),
        parallel=("all", parallel),
        detach=("job", detach),
        no_promote=("job", no_promote),
        canary=("job", canary),
        analyse=("job", analyse),
        probe=("job", probe),
    )
    if named is None:
        from toolkit.views import stack as stack_view
        from toolkit.workflows.stack.deploy import deploy_all
        from toolkit.workflows.stack.journey import StackOptions

        stack = StackOptions(options, atomic, parallel)
        return call.show(
            stack_view,
            deploy_all(call.session(), stack, on_event=call.on_event, confirm=call.confirm),
        )
    report = roll_out(
        call.session(named), named, options, on_event=call.on_event, confirm=call.confirm
    )
    return call.show(view, report)
