"""The ASGI application: a table of actions behind limits, identity, schemas and policy.

The order is the point, and it is the same for every action: how many requests there are, who asks,
whether there is such a thing, whether the answer can be read, the body, its schema, the policy,
and then the effect. Nothing but `/healthz`, `/metrics` and `/openapi.json` answers to nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from toolkit.serving.actions import Action
from toolkit.serving.desk import Desk
from toolkit.serving.incoming import Incoming
from toolkit.serving.limits import Limits
from toolkit.serving.metrics import MEDIA
from toolkit.serving.openapi import describe
from toolkit.serving.server import Serves


def make_app(
    server: Serves,
    actions: Sequence[Action[Any]],
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    beside: Callable[[Desk], Sequence[BaseRoute]] = lambda _: (),
) -> Starlette:
    """The application over `server`; `actions` is the whole table.

    `beside`: routes that are no actions, behind the same desk and after the table's.
    """
    desk = Desk(server, actions, limits or Limits(), clock=clock)
    document = describe(actions, server.about)
    paths: dict[str, dict[str, Action[Any]]] = {}
    for action in actions:
        if action.method in paths.setdefault(action.path, {}):
            raise ValueError(f"two actions for {action.method} {action.path}")
        paths[action.path][action.method] = action

    async def healthz(_: Request) -> Response:
        state = server.health()
        return JSONResponse(state, 200 if state["status"] == "ready" else 503)

    async def metrics(_: Request) -> Response:
        return Response(server.metrics.text(), media_type=MEDIA)

    async def openapi(_: Request) -> Response:
        return JSONResponse(document)

    pages = {"/healthz": healthz, "/metrics": metrics, "/openapi.json": openapi}
    app = Starlette(
        routes=[
            *(Route(path, page, methods=["GET"]) for path, page in pages.items()),
            # A method that a page does not take is refused like any other request of a stranger.
            *(Route(path, Door(desk, {}, allow=("GET",))) for path in pages),
            *(Route(path, Door(desk, methods)) for path, methods in paths.items()),
            *beside(desk),
        ]
    )
    # Not a route for all the rest: no pattern matches a line break, and Starlette would answer.
    app.router.default = Door(desk, None)
    app.router.redirect_slashes = False
    return app


class Door:
    """All methods of one path; no actions at all where there is no such path."""

    def __init__(
        self, desk: Desk, actions: Mapping[str, Action[Any]] | None, *, allow: Sequence[str] = ()
    ):
        self._desk = desk
        self._actions = actions
        self._allow = tuple(allow)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        incoming = Incoming(scope, receive)
        await self._desk.serve(scope, incoming, send, self._actions, self._allow)
