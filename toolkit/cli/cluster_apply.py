"""`toolkit cluster plan | up`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.cluster import Name, Patience
from toolkit.cli.options import ASKS, TALK, takes
from toolkit.errors import ExitCode

Prices = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        metavar="FILE",
        show_default=False,
        help="Prices of your own, with their date and source; without them no money is said.",
    ),
]


@takes(TALK)
def plan(call: Call, name: Name, prices: Prices = None) -> ExitCode:
    """A change set is made, read, explained and deleted; what AWS lacks for it is found first.

    At most a dozen requests. Exit codes: 0 nothing to do, 10 changes, 1 up would refuse.
    """
    from toolkit.views.cluster import plan as view
    from toolkit.workflows.cluster.apply import Tools
    from toolkit.workflows.cluster.apply import plan as look

    tools = Tools(call.world.environ, on_event=call.on_event)
    return call.show(view, look(call.world.cwd, name, tools, prices=prices))


@takes(TALK, ASKS)
def up(call: Call, name: Name, timeout: Patience = 2700.0) -> ExitCode:
    """Secrets, stack, access control, equipment: each is made where it is missing, then verified.

    Asks where the cluster is protected or a change would lose something. Ended in the middle, the
    same command goes on. Exit codes: 0 up, 1 refused, 3 failed, 5 not known, 8 as it was before.
    """
    from toolkit.views.cluster import up as view
    from toolkit.workflows.cluster.apply import Tools
    from toolkit.workflows.cluster.apply import up as bring

    tools = Tools(call.world.environ, call.confirm, call.on_event, timeout)
    return call.show(view, bring(call.world.cwd, name, tools))
