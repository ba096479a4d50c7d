"""`toolkit dns plan` and `sync`: a turn of the kick server's reconciler, looked at or taken now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from toolkit.spec.dns_reports import DnsKept, DnsLeaving, DnsStep, DnsTurnReport
from toolkit.workflows.dns.find import connect
from toolkit.workflows.dns.records import read_record
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
        kept=tuple(_kept(each) for each in said.get("kept") or ()),
        leaving=tuple(_leaving(each) for each in said.get("leftovers") or ()),
        unchanged=int(said.get("unchanged") or 0),
    )


def _step(raw: Mapping[str, Any]) -> DnsStep:
    place = {key: str(raw.get(key) or "") for key in ("name", "type", "zone", "owner")}
    before, after = (raw.get(key) for key in ("before", "after"))
    return DnsStep(
        **place,
        before=read_record({**place, "hostname": place["name"], **before}) if before else None,
        after=read_record({**place, "hostname": place["name"], **after}) if after else None,
        why=str(raw.get("why") or ""),
        failed=str(raw["failed"]) if raw.get("failed") else None,
    )


def _kept(raw: Mapping[str, Any]) -> DnsKept:
    return DnsKept(
        name=str(raw.get("name") or ""),
        owner=str(raw.get("owner") or ""),
        reason=str(raw.get("reason") or ""),
        message=str(raw.get("message") or ""),
        refused=bool(raw.get("refused")),
    )


def _leaving(raw: Mapping[str, Any]) -> DnsLeaving:
    due = raw.get("due")
    return DnsLeaving(
        name=str(raw.get("name") or ""),
        zone=str(raw.get("zone") or ""),
        owner=str(raw.get("owner") or ""),
        why=str(raw.get("why") or ""),
        due=float(due) if isinstance(due, int | float) else None,
    )
