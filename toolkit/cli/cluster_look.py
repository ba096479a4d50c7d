"""`toolkit cluster status | down`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.cluster import Name, NameOrRehearsal, Patience
from toolkit.cli.options import ASKS, TALK, takes
from toolkit.errors import ExitCode
from toolkit.spec.cluster import REHEARSAL

KeepData = Annotated[
    bool,
    typer.Option("--keep-data", help="Keep data volumes, secrets and their key for the next up."),
]


@takes(TALK)
def status(call: Call, name: NameOrRehearsal) -> ExitCode:
    """Reads only. What cannot be seen, such as servers without a way to them, is said to be so.

    Exit codes: 0 all is well, 3 something is not, 5 nothing is wrong and not all could be seen.
    """
    if name.endswith(REHEARSAL):
        return _rehearsal(call, name.removesuffix(REHEARSAL))
    from toolkit.views.cluster import status as view
    from toolkit.workflows.cluster.status import Tools, way_in
    from toolkit.workflows.cluster.status import status as look

    folder = call.world.cwd
    tools = Tools(way_in(folder, call.world.environ, on_event=call.on_event))
    return call.show(view, look(folder, name, tools))


def _rehearsal(call: Call, name: str) -> ExitCode:
    from toolkit.views.cluster import rehearse as view
    from toolkit.workflows.cluster.rehearse import status as look

    return call.show(view, look(call.world.cwd, name))


@takes(TALK, ASKS)
def down(
    call: Call, name: Name, keep_data: KeepData = False, timeout: Patience = 2700.0
) -> ExitCode:
    """Asks first, and names all that goes. Refused while the cluster file says `protected`.

    Ended in the middle, or with something in its way, the same command goes on. Exit codes: 0
    nothing is left but what was to be kept, 3 something is, 5 not over in time.
    """
    from toolkit.views.cluster import down as view
    from toolkit.workflows.cluster.down import Tools
    from toolkit.workflows.cluster.down import down as end

    tools = Tools(call.confirm, call.on_event, timeout)
    return call.show(view, end(call.world.cwd, name, tools, keep_data=keep_data))
