"""`toolkit doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import TALK, TARGET, duration, takes
from toolkit.errors import ExitCode

Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="CHECK", help="Only this check; repeatable."),
]
Within = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        parser=duration,
        metavar="DURATION",
        show_default=False,
        help="Time for all checks together; default: 20s.",
    ),
]


@takes(TARGET, TALK)
def doctor(call: Call, only: Only = None, timeout: Within = None) -> ExitCode:
    """Agents, quorum, versions, Consul integration, edge, clocks, stale instances, token rights.

    Changes nothing, and needs no project where NOMAD_ADDR is set. Exit codes: 0 all passed, 1
    something failed, 5 nothing failed and something could not be told.
    """
    from toolkit.views import doctor as view
    from toolkit.workflows.doctor import doctor as look

    return call.show(view, look(call.session(), only=only or (), timeout=timeout))
