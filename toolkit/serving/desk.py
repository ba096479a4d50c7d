"""One request from its headers to its answer: who asks, for what, whether they may, the effect."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from toolkit.errors import IdentityError
from toolkit.serving import bodies, reading
from toolkit.serving.actions import Action, Answer, Around, Ask
from toolkit.serving.answers import problem_of
from toolkit.serving.bounded import bounded, unsecret
from toolkit.serving.incoming import Incoming
from toolkit.serving.limits import Limits
from toolkit.serving.places import Places
from toolkit.serving.problems import PROBLEM_JSON, ProblemError
from toolkit.serving.schemas import Checked, CheckedQuery
from toolkit.serving.sending import Sent, send_stream, send_whole
from toolkit.serving.server import Serves
from toolkit.spec.identity import Caller
from toolkit.spec.target import Secret

T = TypeVar("T")

_PROCESS = secrets.token_hex(4)
_NUMBERS = itertools.count(1)
"""Ids of requests: unique over restarts, and without a call of the kernel for each."""


class Desk:
    """Serves the requests of one application."""

    def __init__(
        self,
        server: Serves,
        actions: Sequence[Action[Any]],
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._server = server
        self._limits = limits
        self._bodies = {each.name: Checked(each.body) for each in actions if each.body is not None}
        self._queries = {each.name: CheckedQuery(each.query) for each in actions}
        self._places = Places(server, limits, clock=clock)
        # Made when first used: they belong to the loop that serves.
        self._verifying: anyio.CapacityLimiter | None = None
        self._working: anyio.CapacityLimiter | None = None
        self._streaming: anyio.CapacityLimiter | None = None

    async def serve(
        self,
        scope: Scope,
        incoming: Incoming,
        send: Send,
        actions: Mapping[str, Action[Any]] | None,
        allow: Sequence[str],
    ) -> None:
        """Answer a request, count it and write its line of the log."""
        started = time.perf_counter()
        request = Request(scope, incoming)
        case = _Case(f"{_PROCESS}-{next(_NUMBERS):x}")
        with self._places.request():
            response = await self._respond(request, case, actions, allow)
        self._note(request, case, response.status_code, time.perf_counter() - started)
        if case.problem is not None and case.problem.kind.slug == "too-slow":
            incoming.abandon()
        if case.stream is None:
            await send_whole(response, incoming, send, case.id)
            return
        if self._streaming is None:
            # More than streams: a thread that nobody listens to any more ends with its next piece.
            self._streaming = anyio.CapacityLimiter(2 * self._limits.streams)
        try:
            await send_stream(response, case.stream, incoming, send, case.id, self._streaming)
        finally:
            assert case.caller is not None  # noqa: S101  it was begun for somebody
            self._places.end_stream(case.caller)

    async def visit(
        self,
        name: str,
        scope: Scope,
        receive: Receive,
        send: Send,
        work: Callable[[Visit], Awaitable[None]],
    ) -> None:
        """Let `work` answer whoever was verified, in its own way and its own time.

        `name` is the action's, for the log and the metrics. What `work` raises before its answer
        has begun is answered as a problem. It takes no place of the requests in progress once its
        caller is known: it has limits of its own.
        """
        started = time.perf_counter()
        incoming, sent = Incoming(scope, receive), Sent(send)
        request = Request(scope, incoming)
        case = _Case(f"{_PROCESS}-{next(_NUMBERS):x}")
        refused: Response | None = None
        try:
            with self._places.request():
                self._places.check_room()
                reading.check_framing(request)
                case.action = name
                case.caller, token = await self.who(request)
            await work(Visit(request, incoming, sent, case.caller, token, case.id))
        except asyncio.CancelledError:
            if not self._server.draining or sent.status:
                raise
            refused = self._refuse(_cut_off(case), case)
        except Exception as exc:  # noqa: BLE001  whatever it is, the caller gets a document
            refused = self._refuse(self._problem_of(exc, case), case)
        finally:
            status = sent.status or (refused.status_code if refused else 0)
            self._note(request, case, status, time.perf_counter() - started)
        # Once an answer has begun, that it breaks off says it all.
        if refused is not None and not sent.status:
            if case.problem is not None and case.problem.kind.slug == "too-slow":
                incoming.abandon()
            await send_whole(refused, incoming, sent, case.id)

    async def _respond(
        self,
        request: Request,
        case: _Case,
        actions: Mapping[str, Action[Any]] | None,
        allow: Sequence[str],
    ) -> Response:
        try:
            return await self._answer(request, case, actions, allow)
        except asyncio.CancelledError:
            if not self._server.draining:
                raise
            problem = _cut_off(case)
        except Exception as exc:  # noqa: BLE001  whatever it is, the caller gets a document
            problem = self._problem_of(exc, case)
        return self._refuse(problem, case)

    def _problem_of(self, exc: Exception, case: _Case) -> ProblemError:
        problem = problem_of(exc, self._server.about)
        if problem.kind.slug == "bug":
            self._server.log.bug(exc, request=case.id)
        elif isinstance(exc, IdentityError):
            self._server.metrics.unidentified.labels(bounded(exc.reason, 40)).inc()
        return problem

    def _refuse(self, problem: ProblemError, case: _Case) -> Response:
        case.problem = problem
        return JSONResponse(
            problem.document(case.id),
            problem.kind.status,
            headers=problem.headers,
            media_type=PROBLEM_JSON,
        )

    async def _answer(
        self,
        request: Request,
        case: _Case,
        actions: Mapping[str, Action[Any]] | None,
        allow: Sequence[str],
    ) -> Response:
        self._places.check_room()
        reading.check_framing(request)
        method = "GET" if request.method == "HEAD" else request.method
        action = (actions or {}).get(method)
        case.action = action.name if action else "none"
        case.caller, token = await self.who(request)
        with self._places.one_of(case.caller):
            if action is None:
                raise _no_such(request, actions, allow)
            return await self._do(request, case, action, token)

    async def who(self, request: Request) -> tuple[Caller, Secret | None]:
        """The verified caller of a request, and the token where the server works with it.

        Raises IdentityError, an ApiError when Nomad cannot be asked, or a ProblemError.
        """
        said, token = reading.credentials(request)
        source = request.client.host if request.client else ""
        if self._verifying is None:
            self._verifying = anyio.CapacityLimiter(self._limits.verifying)
        verify = self._server.verifier.verify
        caller = await _on_thread(
            lambda: verify(said, nomad_token=token, source=source), self._verifying
        )
        return caller, self._server.about.token(said, token)

    async def _do(
        self, request: Request, case: _Case, action: Action[Any], secret: Secret | None
    ) -> Response:
        if action.audit != "reads":
            self._server.check_open()
            assert case.caller is not None  # noqa: S101  verified before
            self._places.take_turn(case.caller)
        media = reading.media_of_answer(request, action)
        query = self._queries[action.name].check(reading.query(request))
        assert case.caller is not None  # noqa: S101  verified before
        ask = Ask(
            server=self._server,
            caller=case.caller,
            request=case.id,
            path=request.path_params,
            query=query,
            token=secret,
            **{_FIELD[name]: reading.header(request, name) for name in action.headers},
        )
        action.admits(ask)
        ask = replace(ask, body=await self._body(request, action))
        if self._working is None:
            self._working = anyio.CapacityLimiter(self._limits.working)
        case.changes = action.audit != "reads"
        answer = await _on_thread(lambda: perform(action, ask), self._working)
        headers = dict(answer.headers)
        if answer.stream is not None:
            if request.method != "HEAD":
                self._places.begin_stream(case.caller)
                case.stream = answer.stream
            return Response(status_code=answer.status, headers=headers, media_type=answer.media)
        if answer.body is None:
            return Response(status_code=answer.status, headers=headers)
        return JSONResponse(answer.body, answer.status, headers=headers, media_type=media)

    async def _body(self, request: Request, action: Action[Any]) -> Any:
        if action.raw:
            reading.check_media_of_body(request, action)
            return await reading.body(request, self._limits, action.raw)
        if action.body is None:
            return None
        reading.check_media_of_body(request, action)
        raw = await reading.body(request, self._limits)
        # Where nothing has to be said, nothing may be said.
        document = bodies.parse(raw) if raw or action.body.get("required") else {}
        if action.checks_body == "server":
            self._bodies[action.name].check(document)
        return document

    def _note(self, request: Request, case: _Case, status: int, seconds: float) -> None:
        self._server.metrics.requests.labels(case.action, str(status)).inc()
        self._server.metrics.seconds.labels(case.action).observe(seconds)
        self._server.log.say(
            "request",
            request=case.id,
            method=bounded(request.method, 20),
            path=unsecret(request.url.path),
            status=status,
            seconds=round(seconds, 4),
            action=case.action,
            caller=case.caller,
            problem=case.problem and case.problem.kind.slug,
            detail=case.problem and unsecret(case.problem.detail),
        )


def perform(action: Action[Any], ask: Ask[Any]) -> Answer:
    """Policy, then the effect with the audit around it; blocking."""
    granted = action.policy(ask)
    if not isinstance(action.audit, Around):
        return action.effect(ask, granted)
    around = action.audit
    answered: Answer = ask.server.perform(
        action.name,
        ask,
        before=around.before(ask, granted),
        after=around.after(ask, granted),
        effect=lambda: action.effect(ask, granted),
    )
    return answered


class _Case:
    """What is known of a request so far, for its line of the log."""

    def __init__(self, ident: str):
        self.id = ident
        self.action = "none"
        self.caller: Caller | None = None
        self.problem: ProblemError | None = None
        self.changes = False
        """Something may be changed from now on."""
        self.stream: Iterator[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A verified request that something other than an action answers."""

    request: Request
    incoming: Incoming
    """ASGI's `receive`."""
    send: Sent
    caller: Caller
    token: Secret | None
    id: str
    """Our own id of the request: in the audit, in the log, and in `X-Request-Id`."""


_FIELD = {
    "If-Match": "if_match",
    "If-None-Match": "if_none_match",
    "Idempotency-Key": "idempotency_key",
}


def _no_such(
    request: Request, actions: Mapping[str, Action[Any]] | None, allow: Sequence[str]
) -> ProblemError:
    path = bounded(request.url.path, 100)
    if actions is None:
        return ProblemError("not-found", f"there is no path {path}")
    methods = sorted({*actions, *allow})
    if "GET" in methods:
        methods.append("HEAD")
    said = ", ".join(methods)
    detail = f"{path} takes {said}, not {bounded(request.method, 20)}"
    return ProblemError("method-not-allowed", detail, headers={"Allow": said})


def _cut_off(case: _Case) -> ProblemError:
    """What is known of a request that is not done when the server must end."""
    detail = "the server stopped before this was done"
    if case.changes:
        return ProblemError("outcome-unknown", f"{detail}: read what became of it, or ask again")
    return ProblemError("unavailable", detail, headers={"Retry-After": "1"})


async def _on_thread(work: Callable[[], T], limiter: anyio.CapacityLimiter) -> T:
    return await anyio.to_thread.run_sync(work, limiter=limiter)
