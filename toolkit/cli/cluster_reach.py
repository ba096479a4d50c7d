"""`toolkit cluster env | ssh`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call, usage_error
from toolkit.cli.cluster import Name, NameOrRehearsal
from toolkit.cli.options import QUIET, TALK, takes
from toolkit.errors import ExitCode, RefusedError

Stop = Annotated[
    bool, typer.Option("--stop", help="End the tunnel, and print what unsets the variables.")
]
Show = Annotated[bool, typer.Option("--show", help="Print the tokens even on a terminal.")]
User = Annotated[
    str, typer.Option("--user", metavar="NAME", help="Who you are on the machine, for SSH.")
]
Machine = Annotated[
    str,
    typer.Argument(
        metavar="MACHINE",
        show_default=False,
        help="server-1, control, a pool, an instance id, or bastion.",
    ),
]
Command = Annotated[
    list[str] | None,
    typer.Argument(metavar="[-- COMMAND]", show_default=False, help="Instead of a shell."),
]
Ssm = Annotated[bool, typer.Option("--ssm", help="Through SSM, although there is a bastion.")]


@takes(TALK)
def env(
    call: Call,
    name: NameOrRehearsal,
    stop: Stop = False,
    show: Show = False,
    user: User = "ec2-user",
) -> ExitCode:
    """For `eval`: addresses, CA, tokens and proxy, as toolkit, nomad and consul read them.

    Without a proxy in [environments.NAME] a tunnel is made, which stays until --stop.
    """
    from toolkit.views.cluster import env as view
    from toolkit.workflows.cluster import env as work

    if call.world.stdout.isatty() and not (stop or show):
        hint = f'eval "$(toolkit cluster env {name})" hands them to the shell; --show prints them'
        raise usage_error("tokens would be printed on the terminal", hint)
    tools = work.Tools(call.world.environ, user=user, on_event=call.on_event)
    does = work.stop if stop else work.env
    report = does(call.world.cwd, name, tools)
    for line in view.talk(report):
        call.output.talk(line)
    return call.show(view, report)


@takes(QUIET)
def ssh(
    call: Call,
    name: Name,
    machine: Machine,
    command: Command = None,
    user: User = "ec2-user",
    ssm: Ssm = False,
) -> ExitCode:
    """A shell, through SSM, or through the bastion to servers where there is one.

    Of a pool, the machine that has run for longest. SSM hands no exit code of a command on.
    """
    import os

    from toolkit.workflows.cluster.env import Tools
    from toolkit.workflows.cluster.ssh import ssh as prepare

    tools = Tools(call.world.environ, user=user, on_event=call.on_event)
    plan = prepare(call.world.cwd, name, machine, command or (), tools, ssm=ssm)
    call.output.talk(plan.sentence)
    try:
        # The terminal is its own from here on.
        os.execvpe(plan.command[0], plan.command, dict(plan.environ))  # noqa: S606 - no shell is wanted
    except OSError as exc:
        raise RefusedError(f"{plan.command[0]} cannot be started: {exc.strerror}") from exc
