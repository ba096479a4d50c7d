"""`toolkit cluster`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import TALK, duration, takes
from toolkit.errors import ExitCode

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", show_default=False, help="Name of a cluster: clusters/NAME.toml."
    ),
]
NameOrRehearsal = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        show_default=False,
        help="Name of a cluster, clusters/NAME.toml, or NAME-rehearsal.",
    ),
]
Patience = Annotated[
    float,
    typer.Option(
        "--timeout",
        parser=duration,
        metavar="DURATION",
        show_default=False,
        help="Time until what is not over is left to go on without us; default: 45m.",
    ),
]
AwsRegion = Annotated[
    str, typer.Option("--region", metavar="REGION", help="AWS region, such as eu-west-1.")
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Ask neither AWS for zones nor the releases for sums.")
]

Compact = Annotated[
    bool, typer.Option("--compact", help="Just the bytes that are sent, in a single line.")
]


@takes(TALK)
def init(call: Call, name: Name, region: AwsRegion, offline: Offline = False) -> ExitCode:
    """What AWS and the releases' own lists say within seconds is filled in, the rest is said.

    Nothing that exists is overwritten. docs/cluster.md has all keys.
    """
    from toolkit.clients.aws.zones import offered_zones
    from toolkit.clients.sums import release_list
    from toolkit.views.cluster import init as view
    from toolkit.workflows.cluster.init import init as write

    zones, sums = (None, None) if offline else (offered_zones, release_list)
    report = write(call.world.cwd, name, region, ask_zones=zones, ask_list=sums)
    return call.show(view, report)


@takes(TALK)
def template(call: Call, name: Name, compact: Compact = False) -> ExitCode:
    """Talks to nobody: the same cluster file and kick.NAME.toml give the same bytes.

    With --json the template is beside what goes with it: tags, capabilities, addresses.
    """
    from toolkit.views.cluster import template as view
    from toolkit.workflows.cluster.template import template as make

    report = make(call.world.cwd, name)
    if compact and not call.output.as_json:
        call.output.raw(report.template.body + "\n")
        return report.code
    return call.show(view, report)
