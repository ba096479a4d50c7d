"""What an action of a server is: schema, policy, effect and audit, said in one value.

`app.make_app` takes a table of actions, and for each request it asks, in this order, the limits,
who calls, the body, its schema, the policy, and only then lets the effect happen, with the audit
written before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

from toolkit.spec.identity import Caller
from toolkit.spec.target import Secret

S = TypeVar("S")
"""The server: what its actions work with."""

Json = Any
"""What a JSON document holds."""
Schema = Mapping[str, Any]
"""A JSON Schema (2020-12): it checks the request, and it is what the OpenAPI document shows."""
Method = Literal["GET", "POST", "PUT", "DELETE"]

JSON = "application/json"

NOTHING: Mapping[str, Any] = MappingProxyType({})


# No slots: with them, a frozen dataclass cannot be made by way of `Ask[…]` (Python 3.11).
@dataclass(frozen=True)
class Ask(Generic[S]):
    """One verified request, its parts checked against their schemas."""

    server: S
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
    token: Secret | None = None
    """The caller's own, where the server works with it; in memory only."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an effect answers with; problems are raised instead."""

    body: Json = None
    """None for no content."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    stream: Iterator[bytes] | None = None
    """In the place of a body: pieces that are sent as they come. Each is waited for on a thread,
    so that it may block; an empty one now and then finds out whether anybody still listens."""
    media: str = ""
    """Of the stream."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query string; it may be given once."""

    name: str
    schema: Schema
    says: str


@dataclass(frozen=True, slots=True)
class Around:
    """An effect that knows nothing of the audit: it is written before and after it."""

    before: Callable[[Ask[Any], Any], Json]
    """What there is now."""
    after: Callable[[Ask[Any], Any], Json]
    """What there will be."""


# No slots: with them, a frozen dataclass cannot be made by way of `Action[…]` (Python 3.11).
@dataclass(frozen=True)
class Action(Generic[S]):
    """One row of the table."""

    name: str
    """In the audit, in metrics, and as the operation's id: `records.set`."""
    method: Method
    path: str
    """As Starlette writes it: `/record/{hostname}`."""
    summary: str
    policy: Callable[[Ask[S]], Any]
    """Raises ForbiddenError; what it returns is handed to the effect. Blocking is fine."""
    effect: Callable[[Ask[S], Any], Answer]
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
    raw: int = 0
    """More than 0: the body is bytes, so many at most, and no JSON."""
    admits: Callable[[Ask[S]], Any] = lambda _: None
    """Asked before the body is read, by the path alone: for a body that is worth a right. It must
    not block."""
    answer_media: tuple[str, ...] = ()
    """Media types beside plain JSON that the answer may be asked for as."""
    query: tuple[Query, ...] = ()
    problems: tuple[str, ...] = ()
    """Kinds of problems beyond those that every action may answer with."""
    headers: tuple[str, ...] = ()
    """Request headers it heeds: `If-Match`, `If-None-Match`, `Idempotency-Key`."""
    path_schemas: Mapping[str, Schema] = field(default_factory=lambda: NOTHING)
    """What the parameters of the path may be."""
