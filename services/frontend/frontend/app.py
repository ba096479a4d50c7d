"""The frontend's answers: the page at `/`, and `/health`.

The page has status 200 only with a backend's values in it. Without them it says so with 503: a
caller that looks at nothing but the status must not take half a page for a whole one.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from frontend.ask import Asker, NoBackendError
from frontend.directory import Directory
from frontend.page import Own, draw_page, draw_trouble
from frontend.serve import Readiness
from frontend.settings import Settings

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def build_app(settings: Settings, readiness: Readiness, client: httpx.AsyncClient) -> Starlette:
    """The ASGI application; it closes `client` when the server ends."""
    asker = Asker(client, Directory(client, settings))
    own = Own(release=settings.release, allocation=settings.allocation, node=settings.node)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    async def page(_: Request) -> Response:
        try:
            backend = await asker.find_answer()
        except NoBackendError as exc:
            headers = {**HEADERS, "Retry-After": "1"}
            return HTMLResponse(draw_trouble(own, str(exc)), 503, headers)
        headers = {**HEADERS, "X-Backend-Release": _header(backend.release)}
        return HTMLResponse(draw_page(own, backend), 200, headers)

    # Readiness says whether this process can serve. It does not ask for backends: were it to, the
    # last backend's end would take every frontend off the edge, and its clear page with them.
    async def health(_: Request) -> Response:
        refusal = readiness.refusal()
        if refusal:
            return JSONResponse({"status": refusal}, 503)
        return JSONResponse({"status": "ready"})

    return Starlette(
        routes=[
            Route("/", page, methods=["GET"]),
            Route("/health", health, methods=["GET"]),
        ],
        lifespan=lifespan,
    )


def _header(text: str) -> str:
    """Another process's text, made fit for a header."""
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text)
