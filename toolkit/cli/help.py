"""`toolkit help`, for what the fast path did not answer."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli import catalog
from toolkit.cli.call import Call, usage_error
from toolkit.errors import ExitCode

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[COMMAND]...", show_default=False, help="Command to explain."),
]


def help_(call: Call, command: Words = None) -> ExitCode:
    """`toolkit COMMAND --help` prints the same."""
    from difflib import get_close_matches

    from toolkit._help import HELP

    name = " ".join(command or ())
    if name not in HELP:
        near = get_close_matches(name, catalog.BY_NAME)
        hint = f"did you mean {' or '.join(near)}?" if near else "toolkit help lists all commands"
        raise usage_error(f"no command is called {name}", hint)
    call.output.raw(HELP[name])
    return ExitCode.OK
