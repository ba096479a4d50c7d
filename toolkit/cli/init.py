"""`toolkit init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import TALK, takes
from toolkit.errors import ExitCode

Folder = Annotated[
    Path | None,
    typer.Argument(metavar="[DIR]", show_default=False, help="Folder to write; default: here."),
]


@takes(TALK)
def init(call: Call, folder: Folder = None) -> ExitCode:
    """Nothing that exists is overwritten: what is in the way is named, and nothing is written."""
    from toolkit.views import init as view
    from toolkit.workflows.init import init as write_project

    return call.show(view, write_project(call.world.cwd if folder is None else folder))
