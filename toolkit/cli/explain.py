"""`toolkit explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import TALK, TARGET, takes
from toolkit.errors import ExitCode

What = Annotated[
    str,
    typer.Argument(
        metavar="WHAT",
        show_default=False,
        help="A job, or an evaluation, deployment, allocation or node by its id's first digits.",
    ),
]


@takes(TARGET, TALK)
def explain(call: Call, what: What) -> ExitCode:
    """Explains and judges nothing: 0 whatever is wrong with it, 5 when it could not be seen."""
    from toolkit.views import explain as view
    from toolkit.workflows.explain.explain import explain as tell

    return call.show(view, tell(call.session(what), what))
