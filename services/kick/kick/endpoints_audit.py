"""`/audit`: what was changed, by whom, in the order in which it happened."""

from __future__ import annotations

from itertools import islice

from kick.actions import Action, Ask
from kick.endpoints_statuses import may_use
from toolkit.errors import ForbiddenError
from toolkit.serving.actions import Answer, Query, Schema
from toolkit.serving.chain import document
from toolkit.spec.identity import Workload

MOST = 500
"""Entries of a page."""
_SEARCHED = 20_000
"""Entries that one request looks at when filters leave most of them out."""
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 300}

ANSWER: Schema = {
    "type": "object",
    "required": ["entries", "next", "head"],
    "properties": {
        "entries": {"type": "array", "items": {"type": "object"}},
        "next": {
            "type": ["integer", "null"],
            "description": "`after` of the next page; null at the end",
        },
        "head": {
            "type": "object",
            "required": ["seq", "hash"],
            "properties": {"seq": {"type": "integer"}, "hash": {"type": "string"}},
        },
    },
}


def _may_read(ask: Ask) -> None:
    """People of the policy: a workload's neighbours are none of its business."""
    if isinstance(ask.caller, Workload):
        raise ForbiddenError(
            "the audit is for people, and the token is a workload's",
            hint="ask with the Nomad ACL token of somebody in [[policy.person]]",
        )
    may_use(ask)


def _read(ask: Ask, _: None) -> Answer:
    audit = ask.server.audit
    head = audit.head
    limit = ask.query.get("limit", 100)
    # Begun at what is there: a page that ends before it would say to go on at its own beginning.
    first = max(ask.query.get("after", 0) + 1, audit.first)
    if "last" in ask.query:
        first = max(first, head.seq - ask.query["last"] + 1)
    filters = {name: ask.query[name] for name in ("action", "subject") if name in ask.query}
    actor = ask.query.get("actor")
    found = []
    seen = first - 1
    last = min(head.seq, seen + _SEARCHED)
    for entry in islice(audit.entries(first, last), _SEARCHED) if first <= last else ():
        seen = entry.seq
        what = entry.what
        if all(getattr(what, name) == value for name, value in filters.items()) and (
            actor is None or str(what.actor) == actor
        ):
            found.append(document(entry))
            if len(found) == limit:
                break
    return Answer(
        {
            "entries": found,
            "next": seen if seen < head.seq and first <= head.seq else None,
            "head": {"seq": head.seq, "hash": head.hash},
        }
    )


ACTIONS = (
    Action(
        name="audit.read",
        method="GET",
        path="/audit",
        summary="Entries of the audit, oldest first; without filters they are a chain",
        policy=_may_read,
        effect=_read,
        audit="reads",
        answers={200: ANSWER},
        query=(
            Query("after", {"type": "integer", "minimum": 0}, "Only entries after this number"),
            Query("last", {"type": "integer", "minimum": 1}, "Only of the newest so many"),
            Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, "At most so many"),
            Query("action", _TEXT, "Only of this action, such as `dns.set`"),
            Query("subject", _TEXT, "Only about this, such as a name"),
            Query("actor", _TEXT, "Only by this caller: `namespace/job`, or a person's name"),
        ),
        problems=("audit-broken",),
    ),
)
