"""`toolkit attach`."""

from __future__ import annotations

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, FailFast, Job, NoPromote, Timeout, takes
from toolkit.errors import ExitCode


@takes(TARGET, ASKS, TALK)
def attach(
    call: Call,
    job: Job,
    timeout: Timeout = None,
    no_promote: NoPromote = False,
    fail_fast: FailFast = None,
) -> ExitCode:
    """Gates, verifies and judges it as `toolkit deploy` would have, with the same exit codes."""
    from toolkit.views import deploy as view
    from toolkit.workflows.deploy import DeployOptions
    from toolkit.workflows.deploy import attach as watch

    options = DeployOptions(timeout=timeout, no_promote=no_promote, fail_fast=fail_fast)
    report = watch(call.session(job), job, options, on_event=call.on_event, confirm=call.confirm)
    return call.show(view, report)
