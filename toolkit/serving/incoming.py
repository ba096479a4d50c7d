"""What a request sends, and how much of it was taken."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import Message, Receive, Scope

LEFTOVER = 1 << 20
"""Bytes of a refused body that are still taken off the wire, so that the answer arrives."""
LINGER = 2.0
"""Seconds for that."""


class Incoming:
    """ASGI's `receive`, which remembers whether the body came to its end."""

    def __init__(self, scope: Scope, receive: Receive):
        headers = dict(scope["headers"])
        self._receive = receive
        self._begun = self._abandoned = False
        self._ended = (
            headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers
        )
        self._asks_first = headers.get(b"expect", b"").lower() == b"100-continue"

    async def __call__(self) -> Message:
        """The next message."""
        self._begun = True
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            self._ended = True
        return message

    @property
    def is_unread(self) -> bool:
        """Whether a body is on the wire, or on its way, that nobody took."""
        return not self._ended

    @property
    def is_worth_waiting(self) -> bool:
        """Whether the rest may still come: not when it waits for a word that it will not get."""
        return not self._abandoned and (self._begun or not self._asks_first)

    def abandon(self) -> None:
        """The rest was waited for already."""
        self._abandoned = True

    async def discard(self) -> None:
        """Take the rest, within bounds."""
        left = LEFTOVER
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while left > 0 and not self._ended:
                    left -= len((await self()).get("body", b"")) or 1
