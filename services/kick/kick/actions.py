"""What an action of the kick server is: schema, policy, effect and audit, said in one value.

The server knows nothing of DNS: `app.make_app` takes a table of actions, and for each request it
asks, in this order, the limits, who calls, the body, its schema, the policy, and only then lets the
effect happen, with the audit written before it. `table.py` is the table of this server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from toolkit.spec.identity import Caller

if TYPE_CHECKING:
    from kick.kick import Kick

Json = Any
"""What a JSON document holds."""
Schema = Mapping[str, Any]
"""A JSON Schema (2020-12): it checks the request, and it is what the OpenAPI document shows."""
Method = Literal["GET", "POST", "PUT", "DELETE"]

JSON = "application/json"
RECORD = "application/vnd.kick.record+json"
STATUS = "application/vnd.kick.status+json"

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Ask:
    """One verified request, its parts checked against their schemas."""

    kick: Kick
    caller: Caller
    request: str
    """Our own id of the request: in the audit, in the log, and in `X-Request-Id`."""
    path: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Parameters of the path, percent signs resolved, otherwise as they came."""
    query: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    body: Json = None
    if_match: str | None = None
    if_none_match: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an effect answers with; problems are raised instead."""

    body: Json = None
    """None for no content."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query string; it may be given once."""

    name: str
    schema: Schema
    says: str


@dataclass(frozen=True, slots=True)
class Around:
    """An effect that knows nothing of the audit: it is written before and after it."""

    before: Callable[[Ask, Any], Json]
    """What there is now."""
    after: Callable[[Ask, Any], Json]
    """What there will be."""


@dataclass(frozen=True, slots=True)
class Action:
    """One row of the table."""

    name: str
    """In the audit, in metrics, and as the operation's id: `records.set`."""
    method: Method
    path: str
    """As Starlette writes it: `/record/{hostname}`."""
    summary: str
    policy: Callable[[Ask], Any]
    """Raises ForbiddenError; what it returns is handed to the effect. Blocking is fine."""
    effect: Callable[[Ask, Any], Answer]
    """Runs on a thread; raises errors of the tree or a ProblemError."""
    audit: Literal["reads", "itself"] | Around
    """`reads`: changes nothing. `itself`: changes only by way of the writer, which records."""
    answers: Mapping[int, Schema | None]
    """What it answers when nothing is wrong."""
    body: Schema | None = None
    """None: the action takes no body."""
    checks_body: Literal["server", "policy"] = "server"
    """`policy`: it looks at the body itself, by the same schema and more closely."""
    media: tuple[str, ...] = (JSON,)
    """Media types that the body may come as."""
    answer_media: tuple[str, ...] = ()
    """Media types beside plain JSON that the answer may be asked for as."""
    query: tuple[Query, ...] = ()
    problems: tuple[str, ...] = ()
    """Kinds of problems beyond those that every action may answer with."""
    headers: tuple[str, ...] = ()
    """Request headers it heeds: `If-Match`, `If-None-Match`, `Idempotency-Key`."""
    path_schemas: Mapping[str, Schema] = field(default_factory=lambda: NOTHING)
    """What the parameters of the path may be."""
