"""`toolkit dns list | set | delete | plan | sync | audit | iam`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.cli.call import Call
from toolkit.cli.options import ASKS, TALK, TARGET, duration, takes
from toolkit.errors import ExitCode

Name = Annotated[
    str, typer.Argument(metavar="NAME", show_default=False, help="Host name of the record.")
]
Values = Annotated[
    list[str] | None,
    typer.Argument(metavar="[VALUE]...", show_default=False, help="What the name is to have."),
]
Type = Annotated[
    str | None, typer.Option("--type", metavar="TYPE", help="A, AAAA, CNAME, TXT or SRV.")
]
Zone = Annotated[
    str | None,
    typer.Option("--zone", metavar="public|private", help="Where zones share the name."),
]
Owner = Annotated[
    str | None,
    typer.Option("--owner", metavar="JOB", help="Only of this job, NAMESPACE/JOB, or people."),
]
Ttl = Annotated[
    float | None,
    typer.Option(
        "--ttl", parser=duration, metavar="DURATION", help="How long an answer may be kept."
    ),
]
Alias = Annotated[
    str | None,
    typer.Option(
        "--alias", metavar="TARGET@ZONE", help="Route 53: follow this load balancer instead."
    ),
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait until all of the provider's servers have it.")
]
Patience = Annotated[
    float,
    typer.Option(
        "--timeout",
        parser=duration,
        metavar="DURATION",
        show_default=False,
        help="How long to wait for that; default: 90s.",
    ),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Compute the whole audit's chain of hashes again.")
]
Head = Annotated[
    str | None,
    typer.Option("--head", metavar="HASH", help="Of an earlier audit: has to be in the chain."),
]
Anchor = Annotated[
    str | None,
    typer.Option(
        "--anchor", metavar="SEQ:HASH", help="Verify from this head on: older files were moved."
    ),
]
Since = Annotated[
    float | None,
    typer.Option("--since", parser=duration, metavar="DURATION", help="Not older than this."),
]
Last = Annotated[
    int | None, typer.Option("--last", min=1, metavar="N", help="The newest N; default: 50.")
]
About = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Only about this host name.")
]
By = Annotated[
    str | None,
    typer.Option("--by", metavar="WHO", help="Only by NAMESPACE/JOB, or a token's name."),
]


@takes(TARGET, TALK)
def list_(call: Call, type_: Type = None, zone: Zone = None, owner: Owner = None) -> ExitCode:
    """Those that toolkit made; what others made in the zones is neither shown nor touched."""
    from toolkit.views.dns import records as view
    from toolkit.workflows.dns.records import list_records

    return call.show(view, list_records(call.session(), kind=type_, zone=zone, owner=owner))


@takes(TARGET, ASKS, TALK)
def set_(
    call: Call,
    name: Name,
    values: Values = None,
    type_: Type = None,
    ttl: Ttl = None,
    zone: Zone = None,
    alias: Alias = None,
    wait: Wait = True,
    timeout: Patience = 90.0,
) -> ExitCode:
    """Addresses need no --type. All values of the type are replaced by those that are given.

    Exit codes: 0 set or so already, 1 refused, 5 set but not yet answered everywhere.
    """
    from toolkit.views.dns import change as view
    from toolkit.workflows.dns.records import Asked, set_record

    asked = Asked(
        name, tuple(values or ()), type_, None if ttl is None else round(ttl), zone, alias
    )
    patience = timeout if wait else None
    session = call.session()
    return call.show(view, set_record(session, asked, wait=patience, confirm=call.confirm))


@takes(TARGET, ASKS, TALK)
def delete(call: Call, name: Name, type_: Type = None, zone: Zone = None) -> ExitCode:
    """A record that a job declares comes back with the server's next turn."""
    from toolkit.views.dns import change as view
    from toolkit.workflows.dns.records import delete_record

    session = call.session()
    report = delete_record(session, name, kind=type_, zone=zone, confirm=call.confirm)
    return call.show(view, report)


@takes(TARGET, TALK)
def plan(call: Call) -> ExitCode:
    """What follows from the jobs' [dns], and what is kept from it; nothing is changed.

    Exit codes: 0 nothing to do, 10 changes, 1 refused.
    """
    from toolkit.views.dns import turn as view
    from toolkit.workflows.dns.turns import plan as look

    return call.show(view, look(call.session()))


@takes(TARGET, ASKS, TALK)
def sync(call: Call) -> ExitCode:
    """The kick server does so by itself; this does not wait for its next turn.

    Exit codes: 0 done, 3 some changes failed, 1 refused.
    """
    from toolkit.views.dns import turn as view
    from toolkit.workflows.dns.turns import sync as turn

    return call.show(view, turn(call.session(), confirm=call.confirm))


@takes(TARGET, TALK)
def audit(
    call: Call,
    verify: Verify = False,
    head: Head = None,
    anchor: Anchor = None,
    since: Since = None,
    last: Last = None,
    name: About = None,
    by: By = None,
) -> ExitCode:
    """Every change is written down before it is made, each entry with the hash of the one before.

    Exit codes: 0 read, and with --verify sound; 6 the audit does not hold.
    """
    from toolkit.views.dns import audit as view
    from toolkit.workflows.dns.audit import Wanted
    from toolkit.workflows.dns.audit import audit as read

    wanted = Wanted(last=last, since=since, subject=name, actor=by)
    found = read(call.session(), wanted, verify=verify, head=head, anchor=anchor)
    return call.show(view, found)


@takes(TARGET, TALK)
def iam(call: Call) -> ExitCode:
    """Made from the environment's kick.toml; talks to nobody."""
    from toolkit.views.dns import iam as view
    from toolkit.workflows.dns.iam import iam as make

    return call.show(view, make(call.settings()))
