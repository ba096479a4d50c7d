"""`toolkit bump`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call, usage_error
from toolkit.cli.canary import Analyse, Canary, steps
from toolkit.cli.options import (
    ASKS,
    TALK,
    TARGET,
    VALUES,
    Allow,
    Job,
    NoRevert,
    Probe,
    Timeout,
    WaitCapacity,
    WaitLock,
    takes,
)
from toolkit.errors import ExitCode

Next = Annotated[
    str | None, typer.Argument(metavar="[RELEASE]", show_default=False, help="The next release.")
]
Patch = Annotated[bool, typer.Option("--patch", help="1.2.3 becomes 1.2.4.")]
Minor = Annotated[bool, typer.Option("--minor", help="1.2.3 becomes 1.3.0.")]
Major = Annotated[bool, typer.Option("--major", help="1.2.3 becomes 2.0.0.")]


@takes(VALUES, TARGET, ASKS, TALK)
def bump(
    call: Call,
    job: Job,
    release: Next = None,
    patch: Patch = False,
    minor: Minor = False,
    major: Major = False,
    timeout: Timeout = None,
    wait_capacity: WaitCapacity = None,
    allow: Allow = None,
    wait_lock: WaitLock = None,
    canary: Canary = None,
    analyse: Analyse = None,
    probe: Probe = None,
    no_revert: NoRevert = False,
) -> ExitCode:
    """The release is written back to its file, comments kept, only after the verdict `deployed`.

    Exit codes as `toolkit deploy`.
    """
    from toolkit.views import deploy as view
    from toolkit.workflows.bump import bump as raise_release
    from toolkit.workflows.deploy import DeployOptions

    options = DeployOptions(
        timeout=timeout,
        wait_capacity=wait_capacity,
        allow=tuple(allow or ()),
        wait_lock=wait_lock,
        canary=steps(canary),
        analyse=analyse,
        probe=probe,
        no_revert=no_revert,
        command="bump",
    )
    wanted = which(release, {"patch": patch, "minor": minor, "major": major})
    report = raise_release(
        call.session(job), job, wanted, options, on_event=call.on_event, confirm=call.confirm
    )
    return call.show(view, report)


def which(release: str | None, parts: dict[str, bool]) -> str:
    """The release, or the one part that was asked for; a usage error for none or several."""
    named = [name for name, on in parts.items() if on] + ([] if release is None else [release])
    if len(named) != 1:
        raise usage_error(
            "say one of RELEASE, --patch, --minor and --major",
            "such as toolkit bump backend 1.1.0, or toolkit bump backend --minor",
        )
    return named[0]
