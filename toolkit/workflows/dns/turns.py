"""`toolkit dns plan` and `sync`: a turn of the kick server's reconciler, looked at or taken now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from toolkit.spec.dns_reports import DnsHeld, DnsLeaving, DnsStep, DnsTurnReport
from toolkit.workflows.dns.find import connect
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session


def plan(session: Session) -> DnsTurnReport:
    """What a turn would do now; nothing is changed."""
    with connect(session) as kick:
        return _report(session, "plan", kick.endpoint.address, kick.plan())


def sync(session: Session, *, confirm: Confirm = unanswered) -> DnsTurnReport:
    """Take a turn now, and say what it did."""
    ask(session.target, confirm, "let the records follow the jobs now")
    with connect(session) as kick:
        return _report(session, "sync", kick.endpoint.address, kick.sync())


def _report(
    session: Session, action: Literal["plan", "sync"], address: str, said: Mapping[str, Any]
) -> DnsTurnReport:
    return DnsTurnReport(
        action=action,
        environment=session.target.environment,
        address=address,
        steps=tuple(_step(each) for each in said.get("steps") or ()),
        held=tuple(_held(each) for each in said.get("held") or ()),
        leaving=tuple(_leaving(each) for each in said.get("leaving") or ()),
        unchanged=int(said.get("unchanged") or 0),
        jobs=int(said.get("jobs") or 0),
        seconds=float(said.get("seconds") or 0.0),
    )


def _step(raw: Mapping[str, Any]) -> DnsStep:
    ttl = raw.get("ttl")
    return DnsStep(
        action=_text(raw, "action"),
        name=_text(raw, "hostname"),
        type=_text(raw, "type"),
        zone=_text(raw, "zone"),
        owner=_text(raw, "owner"),
        before=_texts(raw, "before"),
        after=_texts(raw, "after"),
        ttl=ttl if isinstance(ttl, int) else None,
        why=_text(raw, "why"),
        result=_text(raw, "result"),
        detail=_text(raw, "detail"),
    )


def _held(raw: Mapping[str, Any]) -> DnsHeld:
    return DnsHeld(
        name=_text(raw, "hostname"),
        type=_text(raw, "type"),
        zone=_text(raw, "zone") or None,
        owner=_text(raw, "owner"),
        reason=_text(raw, "reason"),
        detail=_text(raw, "detail"),
        refused=bool(raw.get("refused")),
    )


def _leaving(raw: Mapping[str, Any]) -> DnsLeaving:
    left = raw.get("seconds")
    return DnsLeaving(
        name=_text(raw, "hostname"),
        types=_texts(raw, "types"),
        zone=_text(raw, "zone"),
        owner=_text(raw, "owner"),
        why=_text(raw, "why"),
        seconds=float(left) if isinstance(left, int | float) else None,
    )


def _text(raw: Mapping[str, Any], key: str) -> str:
    return str(raw.get(key) or "")


def _texts(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(str(each) for each in raw.get(key) or ())
