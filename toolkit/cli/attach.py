"""`toolkit attach`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.canary import Analyse
from toolkit.cli.options import ASKS, TALK, TARGET, FailFast, Job, NoPromote, Timeout, takes
from toolkit.errors import ExitCode


@takes(TARGET, ASKS, TALK)
def attach(
    call: Call,
    job: Job,
    timeout: Timeout = None,
    no_promote: NoPromote = False,
    fail_fast: FailFast = None,
    analyse: Analyse = None,
) -> ExitCode:
    """Gates, verifies and judges it as `toolkit deploy` would have, with the same exit codes.

    The work of a batch job, or of a child of a periodic or parameterized one, is followed with its
    output as `toolkit run` would have.
    """
    from toolkit.cli.written import TaskOutput, show
    from toolkit.views import deploy as view
    from toolkit.workflows.batch import WorkOptions
    from toolkit.workflows.batch_attach import attach_work
    from toolkit.workflows.deploy import DeployOptions
    from toolkit.workflows.deploy import attach as watch

    session, written = call.session(job), TaskOutput(call)
    work = attach_work(
        session, job, WorkOptions(timeout), on_event=written.on_event, on_output=written
    )
    if work is not None:
        return show(call, written, work)
    options = DeployOptions(
        timeout=timeout, no_promote=no_promote, fail_fast=fail_fast, analyse=analyse
    )
    report = watch(session, job, options, on_event=call.on_event, confirm=call.confirm)
    return call.show(view, report)
