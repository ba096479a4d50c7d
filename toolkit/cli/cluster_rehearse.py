"""`toolkit cluster rehearse up | down | status`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.cluster import Name
from toolkit.cli.dev import ConsulBin, NomadBin, TraefikBin
from toolkit.cli.options import TALK, duration, takes
from toolkit.errors import ExitCode

Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        show_default=False,
        help="Machines beside the servers, the first for the edge; default: as the file says.",
    ),
]
Ready = Annotated[
    float,
    typer.Option(
        "--timeout",
        parser=duration,
        metavar="DURATION",
        show_default=False,
        help="Time until every machine answers; default: 2m.",
    ),
]


@takes(TALK)
def up(
    call: Call,
    name: Name,
    workers: Workers = None,
    nomad_bin: NomadBin = None,
    consul_bin: ConsulBin = None,
    traefik_bin: TraefikBin = None,
    timeout: Ready = 120.0,
) -> ExitCode:
    """The machines' own boot scripts and configuration, with real agents, TLS and access control.

    Needs root and Linux, and changes nothing outside of its own namespaces and cgroups. On one that
    is up it starts the machines that are missing or off.
    """
    from toolkit.spec.dev import Machine
    from toolkit.views.cluster import rehearse as view
    from toolkit.workflows.cluster.rehearse import up as start
    from toolkit.workflows.cluster.rehearse.up import Tools

    tools = Tools(
        Machine.of(call.world.environ),
        {"nomad": nomad_bin, "consul": consul_bin},
        traefik_bin,
        timeout,
        call.on_event,
    )
    return call.show(view, start(call.world.cwd, name, tools, workers=workers))


@takes(TALK)
def down(call: Call, name: Name) -> ExitCode:
    """Also what a killed one left. Its secrets and data are deleted; nothing to end is fine."""
    from toolkit.views.cluster import rehearse as view
    from toolkit.workflows.cluster.rehearse import down as stop

    return call.show(view, stop(call.world.cwd, name))


@takes(TALK)
def status(call: Call, name: Name) -> ExitCode:
    """Asks every server for itself. Exit codes: 0 all is well, 3 not."""
    from toolkit.views.cluster import rehearse as view
    from toolkit.workflows.cluster.rehearse import status as look

    return call.show(view, look(call.world.cwd, name))
