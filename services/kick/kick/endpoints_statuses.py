"""`/status`: what workloads report of themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kick.actions import STATUS, Action, Ask
from kick.statuses import STATES, Status
from toolkit.dns.policy import may_ask
from toolkit.errors import ForbiddenError
from toolkit.serving.actions import JSON, Answer, Around, Query, Schema
from toolkit.serving.bounded import bounded
from toolkit.spec.identity import Workload

REPORT = "statuses.report"
_ID: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
BODY: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["service", "status"],
    "properties": {
        "service": _ID,
        "application_id": {"type": "string", "maxLength": 200},
        "deployment_id": {"type": "string", "maxLength": 200},
        "status": {"type": "string", "enum": list(STATES)},
        "detail": {"type": "string", "maxLength": 2000},
    },
}
ANSWER: Schema = {
    "type": "object",
    "required": ["service", "status", "timestamp", "reporter", "forwarded"],
    "properties": {
        **BODY["properties"],
        "timestamp": {"type": "string"},
        "reporter": {"type": "string"},
        "forwarded": {
            "type": "string",
            "enum": ["off", "queued", "delivered", "failed", "dropped", "unknown"],
        },
        "forward_error": {"type": "string"},
        "seq": {"type": "integer"},
    },
}
LIST: Schema = {
    "type": "object",
    "required": ["statuses", "next"],
    "properties": {
        "statuses": {"type": "array", "items": ANSWER},
        "next": {"type": ["string", "null"]},
    },
}


def may_use(ask: Ask) -> None:
    """Any caller that a rule speaks of; ForbiddenError."""
    if not may_ask(ask.server.config.policy, ask.caller):
        raise ForbiddenError(
            f"no rule of the policy is about {ask.caller}",
            hint="add one to kick.toml: [[policy.workload]] or [[policy.person]]",
        )


def reported(ask: Ask) -> dict[str, Any]:
    """What the audit keeps of a report; `read_back` makes a status of it again."""
    said = ask.body
    return {
        "service": said["service"],
        "application_id": said.get("application_id", ""),
        "deployment_id": said.get("deployment_id", ""),
        "status": said["status"],
        "detail": said.get("detail", ""),
    }


def read_back(time: str, reporter: str, said: Any) -> Status | None:
    """A status from its entry of the audit; None when the entry is not one."""
    try:
        return Status(time=time, reporter=reporter, **said)
    except TypeError:
        return None


def _report(ask: Ask, _: None) -> Answer:
    kick = ask.server
    status = Status(time=kick.timestamp(), reporter=reporter_of(ask), **reported(ask))
    return Answer(kick.statuses.add(status).document(), 201)


def reporter_of(ask: Ask) -> str:
    """Who reports."""
    return reporter_name(str(ask.caller), is_job=isinstance(ask.caller, Workload))


def reporter_name(who: str, *, is_job: bool) -> str:
    """Who reports, as the history names them: no person can be called like a job."""
    return bounded(who if is_job else f"token {who}", 200)


def _list(ask: Ask, _: None) -> Answer:
    limit = ask.query.get("limit", 100)
    before = ask.query.get("cursor")
    found = ask.server.statuses.newest(
        _wanted(ask), limit=limit + 1, before=None if before is None else int(before)
    )
    more = len(found) > limit
    shown = [status.document() for status in found[:limit]]
    return Answer({"statuses": shown, "next": str(shown[-1]["seq"]) if more else None})


def _wanted(ask: Ask) -> Callable[[Status], bool]:
    """What the query asks for, of what the caller may read: a workload, its own."""
    fields = ("service", "application_id", "deployment_id", "status", "reporter")
    filters = {name: ask.query[name] for name in fields if name in ask.query}
    if isinstance(ask.caller, Workload):
        mine = reporter_of(ask)
        return lambda s: s.reporter == mine and all(getattr(s, k) == v for k, v in filters.items())
    return lambda s: all(getattr(s, name) == value for name, value in filters.items())


ACTIONS = (
    Action(
        name=REPORT,
        method="POST",
        path="/status",
        summary="Say how a service is doing",
        policy=may_use,
        effect=_report,
        audit=Around(before=lambda _ask, _granted: None, after=lambda ask, _: reported(ask)),
        answers={201: ANSWER},
        body=BODY,
        media=(JSON, STATUS),
        answer_media=(STATUS,),
        problems=("audit-unavailable",),
    ),
    Action(
        name="statuses.list",
        method="GET",
        path="/status",
        summary="What services said, newest first; a workload reads what its own job said",
        policy=may_use,
        effect=_list,
        audit="reads",
        answers={200: LIST},
        query=(
            Query("service", _ID, "Only of this service"),
            Query("application_id", _ID, "Only of this application"),
            Query("deployment_id", _ID, "Only of this deployment"),
            Query("status", {"type": "string", "enum": list(STATES)}, "Only in this state"),
            Query("reporter", _ID, "Only said by this caller"),
            Query("limit", {"type": "integer", "minimum": 1, "maximum": 200}, "At most so many"),
            Query(
                "cursor",
                {"type": "string", "pattern": "^[0-9]{1,15}$", "description": "`next` of a page"},
                "Go on after this page",
            ),
        ),
    ),
)
