"""`toolkit completion`: a static script; only names of the user's own are asked for."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.errors import ExitCode

SHELLS = ("bash", "zsh", "fish")

Shell = Annotated[str, typer.Argument(metavar="bash|zsh|fish", show_default=False, help="Shell.")]


def completion(call: Call, shell: Shell) -> ExitCode:
    """It starts toolkit only for names of jobs, environments and repositories."""
    from toolkit.cli import shells

    if shell not in SHELLS:
        raise typer.BadParameter(f"{shell!r} is none of {', '.join(SHELLS)}")
    call.output.raw(shells.SCRIPTS[shell](shells.words()))
    return ExitCode.OK
