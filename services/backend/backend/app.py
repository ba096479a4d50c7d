"""The backend's answers: `/` says who it is, `/health` whether it wants requests."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backend.reveal import reveal
from backend.serve import Readiness
from backend.settings import Settings

LONGEST_SLEEP = 10.0
"""Seconds that a request may ask to be kept waiting; below the time that a shutdown allows."""
LARGEST_BODY = 1 << 20
"""Bytes of a POST that are read."""


def build_app(settings: Settings, readiness: Readiness, environ: Mapping[str, str]) -> Starlette:
    """The ASGI application; `environ` is read once, here."""
    identity = {
        "service": "backend",
        "release": settings.release,
        "allocation": settings.allocation,
        "node": settings.node,
        "environment": reveal(environ),
    }

    async def answer(request: Request) -> Response:
        received = await _read(request)
        await asyncio.sleep(_sleep(request))
        return JSONResponse({**identity, "method": request.method, "received": received})

    async def health(_: Request) -> Response:
        refusal = readiness.refusal()
        if refusal:
            return JSONResponse({"status": refusal}, 503)
        return JSONResponse({"status": "ready"})

    async def refuse(_: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)  # noqa: S101  Starlette calls it with nothing else
        return JSONResponse({"error": exc.detail}, exc.status_code, exc.headers)

    return Starlette(
        routes=[
            Route("/", answer, methods=["GET", "POST"]),
            Route("/health", health, methods=["GET"]),
        ],
        exception_handlers={HTTPException: refuse},
    )


async def _read(request: Request) -> int:
    """How many bytes the body has."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_BODY:
            raise HTTPException(413, f"the body may have {LARGEST_BODY} bytes at most")
    return size


def _sleep(request: Request) -> float:
    """Seconds of `?sleep=`, which keeps a request in flight for whoever watches a shutdown."""
    text = request.query_params.get("sleep", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_SLEEP:
        raise HTTPException(400, f"sleep must be a number of seconds from 0 to {LONGEST_SLEEP:g}")
    return seconds
