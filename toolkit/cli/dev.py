"""`toolkit dev up | down | status | logs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import QUIET, TALK, duration, takes
from toolkit.errors import ExitCode, RefusedError

Acl = Annotated[bool, typer.Option("--acl", help="Agents ask for tokens, which are generated.")]
Data = Annotated[bool, typer.Option("--data", help="Agents keep their state over a restart.")]
Foreground = Annotated[
    bool, typer.Option("--foreground", help="Run until Ctrl-C, then stop everything.")
]
Offset = Annotated[
    int,
    typer.Option("--port-offset", metavar="N", min=0, max=50_000, help="Move every port by N."),
]
NomadBin = Annotated[
    Path | None, typer.Option("--nomad-bin", metavar="FILE", help="The nomad binary to run.")
]
ConsulBin = Annotated[
    Path | None, typer.Option("--consul-bin", metavar="FILE", help="The consul binary to run.")
]
TraefikBin = Annotated[
    Path | None, typer.Option("--traefik-bin", metavar="FILE", help="The traefik binary to run.")
]
Ready = Annotated[
    float,
    typer.Option(
        "--timeout",
        parser=duration,
        metavar="DURATION",
        show_default=False,
        help="Time to become ready, builds apart; default: 60s.",
    ),
]
Agent = Annotated[
    str | None,
    typer.Argument(metavar="[consul|nomad]", show_default=False, help="Default: both."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written later.")]


@takes(TALK)
def up(
    call: Call,
    acl: Acl = False,
    data: Data = False,
    foreground: Foreground = False,
    port_offset: Offset = 0,
    nomad_bin: NomadBin = None,
    consul_bin: ConsulBin = None,
    traefik_bin: TraefikBin = None,
    timeout: Ready = 60.0,
) -> ExitCode:
    """A real Consul and a real Nomad, on loopback only.

    Binaries are looked for in the options, NOMAD_BIN and the like, the cache and PATH, and are
    built with Go where there are none.
    """
    from toolkit.spec.dev import Machine
    from toolkit.views import dev as view
    from toolkit.workflows.dev import up as start

    report = start(
        root(call),
        machine=Machine.of(call.world.environ),
        acl=acl,
        data=data,
        foreground=foreground,
        port_offset=port_offset,
        nomad_bin=nomad_bin,
        consul_bin=consul_bin,
        traefik_bin=traefik_bin,
        timeout=timeout,
        on_event=call.on_event,
    )
    return call.show(view, report)


@takes(TALK)
def down(call: Call) -> ExitCode:
    """Leaves no process, no mount and no registration behind; nothing to stop is fine."""
    from toolkit.views import dev as view
    from toolkit.workflows.dev import down as stop

    return call.show(view, stop(root(call), on_event=call.on_event))


@takes(TALK)
def status(call: Call) -> ExitCode:
    """One that died is shown with the last lines of its log. Exit codes: 0 both run, 3 not."""
    from toolkit.views import dev as view
    from toolkit.workflows.dev import status as look

    return call.show(view, look(root(call)))


@takes(QUIET)
def logs(call: Call, agent: Agent = None, follow: Follow = False) -> ExitCode:
    """Of both agents when none is named."""
    from toolkit.workflows.dev import logs as read

    for line in read(root(call), agent_name(agent), follow=follow):
        call.output.raw(line.rstrip("\n") + "\n")
        if call.output.reader_gone:
            break
    return ExitCode.OK


def root(call: Call) -> Path:
    """The project's folder, whose local cluster is meant."""
    from toolkit.config.project import find_project

    project = find_project(call.world.cwd)
    if project is None or project.root is None:
        raise RefusedError(
            f"no project here: no toolkit.toml in {call.world.cwd} or above it",
            hint="toolkit init makes one",
        )
    return project.root


def agent_name(text: str | None) -> Literal["consul", "nomad"] | None:
    """The agent that `text` names; a usage error for another word."""
    match text:
        case None | "consul" | "nomad":
            return text
        case _:
            raise typer.BadParameter(f"{text!r} is neither consul nor nomad")
