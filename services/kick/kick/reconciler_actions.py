"""`/plan` and `/sync`: what follows from the jobs, shown or done."""

from __future__ import annotations

from typing import Any

from kick.actions import Action, Ask
from kick.endpoints_statuses import may_use
from kick.reconciler import Reconciler
from toolkit.errors import ForbiddenError
from toolkit.serving.actions import Answer, Schema
from toolkit.serving.bounded import bounded
from toolkit.serving.problems import ProblemError
from toolkit.spec.discovery import Kept, Leftover, Step, TurnReport
from toolkit.spec.dns import Record
from toolkit.spec.identity import Workload

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_STEP: Schema = {
    "type": "object",
    "required": ["action", "hostname", "type", "zone", "owner", "before", "after", "why"],
    "properties": {
        "action": {"type": "string", "enum": ["create", "update", "delete"]},
        "hostname": _TEXT,
        "type": _TEXT,
        "zone": {"type": "string", "enum": ["public", "private"]},
        "zone_name": _TEXT,
        "owner": _TEXT,
        "before": _TEXTS,
        "after": _TEXTS,
        "ttl": {"type": ["integer", "null"]},
        "why": _TEXT,
        "result": {"type": "string", "enum": ["", "done", "failed"]},
        "detail": _TEXT,
    },
}
_HELD: Schema = {
    "type": "object",
    "required": ["hostname", "owner", "reason", "detail"],
    "properties": {
        "hostname": _TEXT,
        "type": _TEXT,
        "zone": {"type": ["string", "null"]},
        "owner": _TEXT,
        "reason": _TEXT,
        "detail": _TEXT,
        "refused": {
            "type": "boolean",
            "description": "Somebody has to do something; instances come back by themselves",
        },
    },
}
_LEAVING: Schema = {
    "type": "object",
    "required": ["hostname", "zone", "types", "owner", "why", "seconds"],
    "properties": {
        "hostname": _TEXT,
        "zone": _TEXT,
        "zone_name": _TEXT,
        "types": _TEXTS,
        "owner": _TEXT,
        "why": _TEXT,
        "seconds": {
            "type": ["number", "null"],
            "description": "Until it goes; null: never, by the policy upsert-only",
        },
    },
}
REPORT_SCHEMA: Schema = {
    "type": "object",
    "required": ["done", "steps", "held", "leaving", "unchanged", "wanted", "jobs", "seconds"],
    "properties": {
        "done": {"type": "boolean", "description": "False: only planned"},
        "steps": {"type": "array", "items": _STEP},
        "held": {"type": "array", "items": _HELD},
        "leaving": {"type": "array", "items": _LEAVING},
        "unchanged": {"type": "integer"},
        "wanted": {"type": "integer", "description": "Records that jobs ask for and may have"},
        "jobs": {"type": "integer", "description": "Living jobs that ask for names"},
        "instances": {"type": "integer"},
        "failed": {"type": "integer"},
        "seconds": {"type": "number"},
    },
}
BODY: Schema = {"type": "object", "properties": {}, "additionalProperties": False}


def document(report: TurnReport) -> dict[str, Any]:
    """A turn as JSON."""
    turn = report.turn
    return {
        "done": report.done,
        "steps": [_step(report, number, step) for number, step in enumerate(turn.steps)],
        "held": [_held(kept) for kept in turn.kept],
        "leaving": [_leaving(each, report.at) for each in turn.leftovers if each.due > report.at],
        "unchanged": turn.unchanged,
        "wanted": turn.unchanged + sum(step.after is not None for step in turn.steps),
        "jobs": report.jobs,
        "instances": report.instances,
        "failed": len(report.failed),
        "seconds": round(report.seconds, 3),
    }


def _step(report: TurnReport, number: int, step: Step) -> dict[str, Any]:
    wish, after = step.order.wish, step.after
    action = "delete" if after is None else "create" if step.before is None else "update"
    shown = after or step.before
    failed = report.failed.get(number)
    return {
        "action": action,
        "hostname": wish.name,
        "type": shown.type if shown else "",
        "zone": wish.zone.visibility,
        "zone_name": wish.zone.name,
        "owner": str(wish.owner),
        "before": _values(step.before),
        "after": _values(after),
        "ttl": after.ttl if after else None,
        "why": step.why,
        "result": "" if not report.done else "failed" if failed else "done",
        "detail": bounded(failed or ""),
    }


def _values(record: Record | None) -> list[str]:
    if record is None:
        return []
    return list(record.values) if record.alias is None else [f"alias {record.alias.target}"]


def _held(kept: Kept) -> dict[str, Any]:
    return {
        "hostname": bounded(kept.name),
        "type": kept.type,
        "zone": kept.zone.visibility if kept.zone else None,
        "owner": str(kept.owner),
        "reason": kept.reason,
        "detail": bounded(kept.message),
        "refused": kept.refused,
    }


def _leaving(leftover: Leftover, at: float) -> dict[str, Any]:
    left = leftover.due - at
    return {
        "hostname": leftover.name,
        "zone": leftover.zone.visibility,
        "zone_name": leftover.zone.name,
        "types": list(leftover.types),
        "owner": str(leftover.owner),
        "why": leftover.why,
        "seconds": round(left, 1) if left < float("inf") else None,
    }


def _may(ask: Ask) -> Reconciler:
    """People of the policy: a turn is about everybody's names."""
    if isinstance(ask.caller, Workload):
        raise ForbiddenError(
            "plans are for people, and the token is a workload's",
            hint="ask with the Nomad ACL token of somebody in [[policy.person]]",
        )
    may_use(ask)
    reconciler = ask.server.reconciler
    if not isinstance(reconciler, Reconciler):
        raise ProblemError(
            "unavailable", "the reconciler has not begun yet", headers={"Retry-After": "1"}
        )
    return reconciler


def _plan(ask: Ask, reconciler: Reconciler) -> Answer:  # noqa: ARG001  every effect takes both
    return Answer(document(reconciler.preview()))


def _sync(ask: Ask, reconciler: Reconciler) -> Answer:  # noqa: ARG001
    return Answer(document(reconciler.sync()))


ACTIONS = (
    Action(
        name="dns.plan",
        method="POST",
        path="/plan",
        summary="What names that follow jobs would become now, and what is kept from it",
        policy=_may,
        effect=_plan,
        audit="reads",
        answers={200: REPORT_SCHEMA},
        body=BODY,
    ),
    Action(
        name="dns.sync",
        method="POST",
        path="/sync",
        summary="Let names follow the jobs now",
        policy=_may,
        effect=_sync,
        audit="itself",
        answers={200: REPORT_SCHEMA},
        body=BODY,
        problems=("audit-unavailable",),
    ),
)
