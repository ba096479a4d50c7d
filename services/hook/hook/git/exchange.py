"""A request's body into git, and what git writes to the client, both at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from hook.git.body import Body
from hook.git.process import Git
from toolkit.serving.desk import Visit
from toolkit.serving.incoming import Incoming
from toolkit.serving.problems import ProblemError

FRESH = (
    (b"expires", b"Fri, 01 Jan 1980 00:00:00 GMT"),
    (b"pragma", b"no-cache"),
    (b"cache-control", b"no-cache, max-age=0, must-revalidate"),
)
"""No answer of git's may be kept by anybody on the way; what git's own server says."""
_LINGER = 5.0
"""Seconds that the rest of a body is still taken once git has ended, so that the answer arrives."""


class Answer:
    """The answer to a client, begun with the first piece; a client may have gone."""

    def __init__(self, visit: Visit, media: str, *, first: bytes = b"", closes: bool = False):
        """`first`: what comes before git's own words; `closes`: the connection ends with it."""
        self._visit, self._media, self._first = visit, media, first
        self._closes = closes
        self.begun = False

    async def write(self, piece: bytes) -> None:
        """Send a piece now; waits while the client does not read."""
        if not self.begun:
            self.begun = True
            headers = [
                (b"content-type", self._media.encode()),
                *FRESH,
                (b"x-request-id", self._visit.id.encode()),
                *([(b"connection", b"close")] if self._closes else []),
            ]
            await self._visit.send(
                {"type": "http.response.start", "status": 200, "headers": headers}
            )
            piece = self._first + piece
        await self._visit.send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self) -> None:
        """Say that it is whole."""
        if not self.begun:
            await self.write(b"")
        await self._visit.send({"type": "http.response.body", "body": b"", "more_body": False})


async def exchange(
    git: Git, body: Body, answer: Answer, incoming: Incoming, *, ends_with_client: bool
) -> ProblemError | None:
    """Carry both ways until git's output ends; what was wrong with the body, if anything.

    `ends_with_client`: nobody needs git to go on when the client has gone. Otherwise its output
    is taken until it ends, wherever the client is: a git that cannot write would wait for ever.
    """
    feeding = asyncio.create_task(_feed(git, body))
    watching = asyncio.create_task(_watch(git, feeding, incoming)) if ends_with_client else None
    try:
        async for piece in git.pieces():
            # What git says of a body that broke off is less than what we know of it.
            if answer.begun or not (feeding.done() and feeding.result() is not None):
                await answer.write(piece)
        if not feeding.done():
            await asyncio.wait({feeding}, timeout=_LINGER)
        return feeding.result() if feeding.done() else None
    finally:
        await _call_off(feeding)
        if watching is not None:
            await _call_off(watching)


async def _feed(git: Git, body: Body) -> ProblemError | None:
    try:
        async for piece in _pieces(body):
            # What comes after git has read enough is taken as well: the client reads only then.
            await git.write(piece)
    except ProblemError as problem:
        return problem
    finally:
        git.close_input()
    return None


async def _pieces(body: Body) -> AsyncIterator[bytes]:
    while piece := await body.read():
        yield piece


async def _watch(git: Git, feeding: asyncio.Task[ProblemError | None], incoming: Incoming) -> None:
    """End git when the client hangs up, be it within its body or after it."""
    if await asyncio.shield(feeding) is None:
        while (await incoming())["type"] != "http.disconnect":
            pass
    git.terminate()


async def _call_off(task: asyncio.Task[object]) -> None:
    task.cancel()
    await asyncio.wait({task})
