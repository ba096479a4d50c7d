"""`toolkit schema`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call, usage_error
from toolkit.cli.options import QUIET, takes
from toolkit.errors import ExitCode

Name = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", show_default=False, help="One schema; default: their names."),
]


@takes(QUIET)
def schema(call: Call, name: Name = None) -> ExitCode:
    """What a script may rely on: the JSON Schema of what a command prints with --json."""
    from toolkit.views import schemas
    from toolkit.views.text import table

    known = schemas.known()
    if name is None:
        call.output.show(table(sorted(known.items())))
    elif name in known:
        call.output.document(schemas.schema(name))
    else:
        raise usage_error(f"no document is called {name}", f"there are {', '.join(sorted(known))}")
    return ExitCode.OK
