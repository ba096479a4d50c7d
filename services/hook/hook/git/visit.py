"""One request for git from its headers to its answer: who asks, then git, then what went wrong."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from hook.about import ABOUT
from hook.git.packets import refusal
from hook.git.parts import GitParts
from hook.who import Who
from toolkit.errors import IdentityError
from toolkit.serving.answers import problem_of
from toolkit.serving.bounded import bounded, unsecret
from toolkit.serving.incoming import Incoming
from toolkit.serving.problems import PROBLEM_JSON, ProblemError
from toolkit.serving.reading import check_framing
from toolkit.serving.sending import send_whole

_PROCESS = secrets.token_hex(4)
_NUMBERS = itertools.count(1)
_UNIDENTIFIED = 401
"""Git asks its credential helper at this status alone."""


class Sent:
    """ASGI's `send`, which remembers whether an answer has begun."""

    def __init__(self, send: Send):
        self._send = send
        self.status = 0
        """Of the answer; 0 while none has begun."""

    async def __call__(self, message: Message) -> None:
        """Send the next message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


@dataclass(slots=True)
class Visit:
    """A request of somebody verified."""

    id: str
    request: Request
    incoming: Incoming
    send: Sent
    who: Who
    result: str = ""
    """Media type of a git service's answer: git shows what is refused only within one."""
    sideband: bool = False
    """The client listens on side bands."""

    @property
    def source(self) -> str:
        """The address that it came from."""
        return self.request.client.host if self.request.client else ""


Serve = Callable[[Visit], Awaitable[None]]


class Reception:
    """Where all requests for git come in; one for the application."""

    def __init__(self, parts: GitParts):
        self._parts = parts
        self._in_progress = 0

    async def receive(
        self, name: str, scope: Scope, receive: Receive, send: Send, serve: Serve
    ) -> None:
        """Let `serve` answer whoever is verified; then a line of the log, `name` in it."""
        started = time.perf_counter()
        incoming, sent = Incoming(scope, receive), Sent(send)
        case = _Case(Request(scope, incoming), f"{_PROCESS}-git{next(_NUMBERS):x}")
        self._in_progress += 1
        try:
            await self._serve(case, incoming, sent, serve)
        except asyncio.CancelledError:
            case.problem = ProblemError("unavailable", "the server stopped before this was done")
            raise
        except Exception as exc:  # noqa: BLE001  whatever it is, the caller is told
            case.problem = self._problem(exc, case)
        finally:
            self._in_progress -= 1
            self._note(name, case, sent.status, time.perf_counter() - started)
        if case.problem is not None and not sent.status:
            if case.problem.kind.slug == "too-slow":
                incoming.abandon()
            await send_whole(_refusal(case, case.problem), incoming, sent, case.id)
        # An answer that broke off is left without its end: so it does not look whole.

    async def _serve(self, case: _Case, incoming: Incoming, sent: Sent, serve: Serve) -> None:
        most = self._parts.limits.requests
        if self._in_progress > most:
            raise ProblemError(
                "unavailable",
                f"{most} requests are in progress, which is the most",
                headers={"Retry-After": "1"},
            )
        check_framing(case.request)
        who = await self._parts.who(case.request)
        case.visit = Visit(case.id, case.request, incoming, sent, who)
        await serve(case.visit)

    def _problem(self, exc: Exception, case: _Case) -> ProblemError:
        problem = problem_of(exc, ABOUT)
        if problem.kind.slug == "bug":
            self._parts.log.bug(exc, request=case.id)
        elif isinstance(exc, IdentityError):
            self._parts.metrics.unidentified.labels(bounded(exc.reason, 40)).inc()
        return problem

    def _note(self, name: str, case: _Case, status: int, seconds: float) -> None:
        problem = case.problem
        status = problem.kind.status if problem is not None and not status else status
        self._parts.metrics.requests.labels(name, str(status)).inc()
        self._parts.metrics.seconds.labels(name).observe(seconds)
        self._parts.log.say(
            "request",
            request=case.id,
            method=bounded(case.request.method, 20),
            path=unsecret(case.request.url.path),
            status=status,
            seconds=round(seconds, 4),
            action=name,
            caller=case.visit and case.visit.who,
            problem=problem and problem.kind.slug,
            detail=problem and unsecret(problem.detail),
        )


@dataclass(slots=True)
class _Case:
    """What is known of a request so far."""

    request: Request
    id: str
    visit: Visit | None = field(default=None)
    problem: ProblemError | None = field(default=None)


def _refusal(case: _Case, problem: ProblemError) -> Response:
    """The answer as git prints it: no JSON, and of a POST nothing but a service's result."""
    hint = problem.members.get("hint")
    said = problem.detail if hint is None else f"{problem.detail} ({hint})"
    status, visit = problem.kind.status, case.visit
    if visit is not None and visit.result and status != _UNIDENTIFIED:
        body = refusal(said, sideband=visit.sideband)
        return Response(body, headers=problem.headers, media_type=visit.result)
    if "/archive/" in case.request.url.path:
        document = problem.document(case.id)
        return JSONResponse(document, status, headers=problem.headers, media_type=PROBLEM_JSON)
    lines = "\n".join(bounded(line, 1000) for line in said.splitlines())
    return PlainTextResponse(f"{lines}\n", status, headers=problem.headers)
