"""An answer on its way out: whole at once, or in pieces as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import anyio
import anyio.to_thread
from starlette.responses import Response
from starlette.types import Message, Send

from toolkit.serving.incoming import Incoming

_END = object()


class Sent:
    """ASGI's `send`, which remembers how far the answer has come."""

    def __init__(self, send: Send):
        self._send = send
        self.status = 0
        """Of the answer; 0 while none has begun."""

    async def __call__(self, message: Message) -> None:
        """Send the next message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


async def send_whole(response: Response, incoming: Incoming, send: Send, ident: str) -> None:
    """Send the answer at once, whole; then take what is left of a refused body off the wire.

    A connection that is closed while the other side still sends is reset, and the answer with it.
    """
    response.headers["X-Request-Id"] = ident
    response.headers["Cache-Control"] = "no-store"
    unread = incoming.is_unread
    if unread:
        response.headers["Connection"] = "close"
    unread = unread and incoming.is_worth_waiting
    status, headers = response.status_code, response.raw_headers
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": unread})
    if unread:
        await incoming.discard()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def send_stream(
    response: Response,
    pieces: Iterator[bytes],
    incoming: Incoming,
    send: Send,
    ident: str,
    limiter: anyio.CapacityLimiter,
) -> None:
    """Send pieces as they come, until the last, or until nobody listens any more."""
    response.headers["X-Request-Id"] = ident
    response.headers["Cache-Control"] = "no-store"
    del response.headers["content-length"]
    headers = response.raw_headers
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    gone = asyncio.ensure_future(_gone(incoming))
    try:
        while not gone.done():
            # The thread that waits for a piece is left to itself when the caller goes: it ends
            # with that piece, and a source that has none for long yields an empty one.
            work = asyncio.ensure_future(
                anyio.to_thread.run_sync(
                    next, pieces, _END, limiter=limiter, abandon_on_cancel=True
                )
            )
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
                await asyncio.wait({work})
                return
            piece = work.result()
            if piece is _END:
                break
            if piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        gone.cancel()


async def _gone(incoming: Incoming) -> None:
    """Return when the caller has hung up."""
    while (await incoming())["type"] != "http.disconnect":
        pass
