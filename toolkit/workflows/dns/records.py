"""`toolkit dns list`, `set` and `delete`: a record before and after, and the wait for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import Any, Literal

from toolkit.clients.kick import Kick
from toolkit.dns import records
from toolkit.dns.names import wanted_name
from toolkit.errors import ApiError, ConflictError, DeniedError, NotFoundError, RefusedError
from toolkit.spec.dns import WRITABLE
from toolkit.spec.dns_reports import DnsChangeReport, DnsListReport, DnsRecord
from toolkit.spec.target import Target
from toolkit.workflows.dns.find import connect
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session

PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds between two questions after a change: a provider offers nothing to block on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A record as the command line asks for it."""

    name: str
    values: tuple[str, ...] = ()
    type: str | None = None
    """None: told by the values, which then have to be addresses."""
    ttl: int | None = None
    """Seconds; None: the server's own."""
    zone: str | None = None
    """`public` or `private`; None: wherever the name is."""
    alias: str | None = None
    """`TARGET` or `TARGET@ZONE-ID`, in the place of values."""


def list_records(
    session: Session, *, kind: str | None = None, zone: str | None = None, owner: str | None = None
) -> DnsListReport:
    """The records that the kick server keeps; `owner`: a job, or `people`."""
    kind, zone = _kind(kind), _zone(zone)
    with connect(session) as kick:
        if owner is not None and owner != "people" and "/" not in owner:
            owner = f"{session.target.namespace}/{owner}"
        found = kick.records(kind=kind, zone=zone, owner=owner)
        chosen = [read_record(raw) for raw in found]
        return DnsListReport(
            environment=session.target.environment,
            address=kick.endpoint.address,
            records=tuple(sorted(chosen, key=lambda each: (each.zone, each.name, each.type))),
        )


def set_record(
    session: Session,
    asked: Asked,
    *,
    wait: float | None,
    confirm: Confirm = unanswered,
) -> DnsChangeReport:
    """Let a name have these values and no others of the type.

    `wait`: seconds for the provider to tell all its servers; None: do not wait. RefusedError with
    every mistake before anything is asked.
    """
    body = _body(asked)
    kind, name = str(body["type"]), str(body["hostname"])
    ask(session.target, confirm, f"set {name} {kind} to {_shown(body)}")
    world = session.world
    with connect(session) as kick:
        before, notes = _look(kick, name, kind, asked.zone)
        began = world.clock()
        reply = kick.set_record(body)
        after = read_record(reply.body)
        if wait is not None:
            after, unseen = _await_insync(session, kick, after, wait)
            notes += unseen
        seconds = world.clock() - began
        changed = reply.body.get("changed") is not False
        verdict: Literal["set", "unchanged", "pending"] = "set" if changed else "unchanged"
        if after.state == "PENDING":
            verdict = verdict if wait is None else "pending"
            notes += (_TELLING if wait is None else _PENDING,)
        return DnsChangeReport(
            verdict=verdict,
            sentence=_sentence(verdict, after, seconds),
            environment=session.target.environment,
            address=kick.endpoint.address,
            name=name,
            type=kind,
            before=before,
            after=after,
            notes=notes,
            next=_dig(session.target, after),
            seconds=seconds,
        )


def delete_record(
    session: Session,
    name: str,
    *,
    kind: str | None = None,
    zone: str | None = None,
    confirm: Confirm = unanswered,
) -> DnsChangeReport:
    """Take a record away, its mark of ownership with it; NotFoundError when there is none."""
    name, kind, zone = wanted_name(name), _kind(kind), _zone(zone)
    ask(session.target, confirm, f"delete {name}{f' {kind}' if kind else ''}")
    world = session.world
    with connect(session) as kick:
        before = read_record(kick.record(name, kind=kind, zone=zone).body)
        began = world.clock()
        reply = kick.delete_record(name, kind=before.type, zone=before.zone or zone)
        seconds = world.clock() - began
        pending = reply.body.get("status") == "PENDING"
        return DnsChangeReport(
            verdict="deleted",
            sentence=f"{name} {before.type} is gone from the {before.zone} zone",
            environment=session.target.environment,
            address=kick.endpoint.address,
            name=name,
            type=before.type,
            before=before,
            after=None,
            notes=(_TELLING,) if pending else (),
            seconds=seconds,
        )


_TELLING = "the provider is still telling its servers"
_PENDING = "not all of the provider's servers have it yet; `toolkit dns list` shows when they have"


def _dig(target: Target, record: DnsRecord) -> str | None:
    """How a local cluster's own DNS server is asked."""
    if not target.local or target.agents is None:
        return None
    ports = target.agents.ports
    port = ports.kick_dns_private if record.zone == "private" else ports.kick_dns
    kind = "" if record.type == "A" else f" {record.type}"
    return f"dig @127.0.0.1 -p {port} {record.name}{kind}"


def _body(asked: Asked) -> dict[str, Any]:
    """The request, checked here as the server will: mistakes need no server."""
    if asked.alias is not None and asked.values:
        raise RefusedError("an alias has no values", hint="leave out the values, or --alias")
    if asked.alias is None and not asked.values:
        raise RefusedError(
            f"no value for {asked.name}", hint=f"toolkit dns set {asked.name} 203.0.113.7"
        )
    body: dict[str, Any] = {"hostname": asked.name, "type": asked.type and asked.type.upper()}
    if asked.alias is not None:
        target, _, zone = asked.alias.partition("@")
        body |= {"alias": {"target": target, "zone": zone}, "type": body["type"] or "A"}
    else:
        body |= {"values": list(asked.values), "type": body["type"] or _type_of(asked)}
    body |= {key: value for key in ("ttl", "zone") if (value := getattr(asked, key)) is not None}
    made = records.from_request(body).record
    return {**body, "hostname": made.name}


def _kind(text: str | None) -> str | None:
    if text is None or text.upper() in WRITABLE:
        return text and text.upper()
    raise RefusedError(f"there is no type {text!r}", hint=f"one of {', '.join(WRITABLE)}")


def _zone(text: str | None) -> str | None:
    if text in {None, "public", "private"}:
        return text
    raise RefusedError(f"there is no zone {text!r}", hint="public or private")


def _type_of(asked: Asked) -> str:
    """`A` or `AAAA`, where the values say it."""
    kinds = set()
    for value in asked.values:
        try:
            kinds.add("A" if isinstance(ip_address(value), IPv4Address) else "AAAA")
        except ValueError:
            kinds.add("")
    match sorted(kinds):
        case ["A"] | ["AAAA"] as only:
            return only[0]
        case ["A", "AAAA"]:
            raise RefusedError(
                f"{asked.name} is asked to have addresses of both kinds at once",
                hint="set the IPv4 addresses, then the IPv6 ones: they are two records",
            )
    raise RefusedError(
        f"what {asked.name} is asked to have is no address, and no type says what it is",
        hint="say --type CNAME, TXT or SRV",
    )


def _look(
    kick: Kick, name: str, kind: str, zone: str | None
) -> tuple[DnsRecord | None, tuple[str, ...]]:
    """What is there before, and what could not be seen."""
    try:
        return read_record(kick.record(name, kind=kind, zone=zone).body), ()
    except NotFoundError:
        return None, ()
    except (DeniedError, ConflictError):
        # The change itself will say what is wrong, if anything is.
        return None, ("what was there before could not be seen",)


def _await_insync(
    session: Session, kick: Kick, record: DnsRecord, wait: float
) -> tuple[DnsRecord, tuple[str, ...]]:
    """The record as it was seen last, and why not later: that it was changed stays true."""
    deadline = session.world.clock() + wait
    pauses = iter(PAUSES)
    pause = PAUSES[0]
    while record.state == "PENDING":
        pause = next(pauses, pause)
        left = deadline - session.world.clock()
        if left <= 0:
            break
        session.world.sleep(min(pause, left))
        try:
            reply = kick.record(record.name, kind=record.type, zone=record.zone or None)
        except ApiError as exc:
            return record, (f"it was changed, and then not seen any more: {exc.message}",)
        record = read_record(reply.body)
    return record, ()


def _sentence(verdict: str, record: DnsRecord, seconds: float) -> str:
    what = f"{record.name} {record.type}"
    match verdict:
        case "set":
            return f"{what} in the {record.zone} zone, in {seconds:.1f} s"
        case "unchanged":
            return f"{what} in the {record.zone} zone was so already"
    return f"{what} in the {record.zone} zone is changed, and not answered everywhere yet"


def _shown(body: Mapping[str, Any]) -> str:
    alias = body.get("alias")
    if isinstance(alias, dict):
        return f"the alias {alias['target']}"
    values: Sequence[str] = body["values"]
    return ", ".join(values)


def read_record(raw: Mapping[str, Any]) -> DnsRecord:
    """A record as the kick server tells it."""
    alias, ttl = raw.get("alias"), raw.get("ttl")
    return DnsRecord(
        name=str(raw.get("hostname") or ""),
        type=str(raw.get("type") or ""),
        zone=str(raw.get("zone") or ""),
        values=tuple(str(value) for value in raw.get("values") or ()),
        ttl=ttl if isinstance(ttl, int) else None,
        alias=str(alias.get("target") or "") if isinstance(alias, dict) else None,
        owner=str(raw.get("owner") or ""),
        state=str(raw["status"]) if raw.get("status") else None,
    )
