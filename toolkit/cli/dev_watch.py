"""`toolkit dev watch`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import TALK, Env, takes
from toolkit.errors import ExitCode

Jobs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[JOB]...", show_default=False, help="Default: the stack, else all jobs."
    ),
]


@takes({"environment": (Env, None)}, TALK)
def watch(call: Call, jobs: Jobs = None) -> ExitCode:
    """Deploys the jobs, and again whatever a change of a file changes; shows what they write.

    A job's files, its sources in services/JOB or [build] watch, the macros and toolkit.toml are
    watched. Ctrl-C ends it and leaves the jobs running. For local environments only.
    """
    from toolkit.cli.prefixed import Prefixed
    from toolkit.workflows.dev_watch import watch as follow

    try:
        follow(
            lambda release: call.session(release=release),
            jobs or (),
            environ=call.world.environ,
            on_item=Prefixed(call),
        )
    except KeyboardInterrupt:
        call.output.talk("ended; what was deployed goes on running")
    return ExitCode.OK
