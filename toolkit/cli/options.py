"""The options that several commands share: each said once, in bundles that a command asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer


def duration(text: Any) -> float:
    """A duration given as an option, in seconds."""
    from toolkit.config.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as exc:
        raise typer.BadParameter(f"{text!r} is not a duration such as 90s, 10m, 1h30m") from exc


Job = Annotated[
    str,
    typer.Argument(
        metavar="JOB",
        show_default=False,
        help="Name of a job, its unambiguous beginning, or the path of a job file.",
    ),
]
Env = Annotated[
    str | None,
    typer.Option("--env", "-e", metavar="ENV", help="Environment of toolkit.toml to talk to."),
]
Namespace = Annotated[
    str | None, typer.Option("--namespace", metavar="NAME", help="Nomad namespace.")
]
Region = Annotated[str | None, typer.Option("--region", metavar="NAME", help="Nomad region.")]
NomadAddress = Annotated[
    str | None, typer.Option("--nomad-addr", metavar="URL", help="Nomad's address.")
]
ConsulAddress = Annotated[
    str | None, typer.Option("--consul-addr", metavar="URL", help="Consul's address.")
]
Release = Annotated[
    str | None, typer.Option("--release", metavar="VERSION", help="Release to deploy.")
]
Var = Annotated[
    list[str] | None,
    typer.Option("--var", metavar="KEY=VALUE", help="Set a template variable; repeatable."),
]
VarFile = Annotated[
    list[str] | None,
    typer.Option(
        "--var-file", metavar="FILE", help="Read variables from a TOML or JSON file; repeatable."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer every question with yes.")]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        parser=duration,
        metavar="DURATION",
        help="Give up watching after this: 90s, 10m.",
    ),
]
Detach = Annotated[
    bool, typer.Option("--detach", help="Submit and leave; `toolkit attach` watches later.")
]
NoPromote = Annotated[
    bool, typer.Option("--no-promote", help="Leave the promotion of canaries to a person.")
]
WaitCapacity = Annotated[
    float | None,
    typer.Option(
        "--wait-capacity",
        parser=duration,
        metavar="DURATION",
        help="Submit what does not fit, and wait this long.",
    ),
]
ResetCount = Annotated[
    bool, typer.Option("--reset-count", help="Apply the job file's count over the live one.")
]
AllowEdgeRestart = Annotated[
    bool, typer.Option("--allow-edge-restart", help="Allow a deploy that closes the only edge.")
]
FailFast = Annotated[
    bool | None,
    typer.Option(
        "--fail-fast/--no-fail-fast",
        show_default=False,
        help="Fail the rollout once an instance can no longer become healthy.",
    ),
]
WaitLock = Annotated[
    float | None,
    typer.Option(
        "--wait-lock",
        parser=duration,
        metavar="DURATION",
        help="Wait this long for somebody else's change of the job.",
    ),
]
Probe = Annotated[
    bool | None,
    typer.Option(
        "--probe/--no-probe",
        show_default=False,
        help="Send requests through the edge while it rolls; over their budget it is taken back.",
    ),
]
NoRevert = Annotated[
    bool,
    typer.Option("--no-revert", help="Leave what the probe finds bad once Nomad is done with it."),
]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="RULE", help="Allow what a lint rule refuses; repeatable."),
]

Bundle = dict[str, tuple[Any, Any]]
"""Parameter name -> annotation and default."""

TALK: Bundle = {"json_output": (Json, False), "quiet": (Quiet, False), "debug": (Debug, False)}
QUIET: Bundle = {name: TALK[name] for name in ("quiet", "debug")}
"""For commands whose data is not a report: HCL, log lines, scripts."""
TARGET: Bundle = {
    "environment": (Env, None),
    "namespace": (Namespace, None),
    "region": (Region, None),
    "nomad_address": (NomadAddress, None),
    "consul_address": (ConsulAddress, None),
}
VALUES: Bundle = {"variables": (Var, None), "var_files": (VarFile, None)}
RELEASE: Bundle = {"release": (Release, None)}
ASKS: Bundle = {"yes": (Yes, False)}

Function = TypeVar("Function", bound=Callable[..., Any])

BUNDLES = "toolkit_bundles"


def takes(*bundles: Bundle) -> Callable[[Function], Function]:
    """Say which shared options a command has; `lazy` adds them and hands over a `Call`."""

    def mark(function: Function) -> Function:
        merged: Bundle = {}
        for bundle in bundles:
            merged.update(bundle)
        setattr(function, BUNDLES, merged)
        return function

    return mark
