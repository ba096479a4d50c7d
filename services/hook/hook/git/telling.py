"""Refusals in words that git shows: it prints no JSON, and no body of a refused POST."""

from __future__ import annotations

import json

from starlette.types import Message, Send

from hook.git.body import Body
from hook.git.packets import error, not_taken
from toolkit.serving.bounded import bounded
from toolkit.serving.problems import PROBLEM_JSON

_UNIDENTIFIED = 401
"""Git asks its credential helper at this status alone."""
_LINE = 1000


class Told:
    """ASGI's `send`, which turns problem documents into what a git client prints."""

    def __init__(self, send: Send):
        self._send = send
        self.result = ""
        """The media type of a git service's answer; while it is empty, text is sent."""
        self.refs: tuple[bytes, ...] = ()
        """Those of a push whose client listens on side bands."""
        self.body: Body | None = None
        """What a client is still sending."""
        self._held: Message | None = None

    async def __call__(self, message: Message) -> None:
        """Send the next message."""
        if message["type"] == "http.response.start" and _is_problem(message):
            self._held = message
            return
        if self._held is not None:
            start, self._held = self._held, None
            message = await self._begin(start, message)
        await self._send(message)
        if message.get("more_body") and self.body is not None:
            await self.body.discard()

    async def _begin(self, start: Message, body: Message) -> Message:
        document = json.loads(body["body"])
        said = document["detail"] + (f" ({document['hint']})" if "hint" in document else "")
        if self.result and start["status"] != _UNIDENTIFIED:
            start = {**start, "status": 200}
            media, text = self.result, not_taken(said, self.refs) if self.refs else error(said)
        else:
            media = "text/plain; charset=utf-8"
            text = "".join(f"{bounded(line, _LINE)}\n" for line in said.splitlines()).encode()
        changed = {b"content-type": media.encode(), b"content-length": b"%d" % len(text)}
        headers = [(name, changed.get(name.lower(), value)) for name, value in start["headers"]]
        await self._send({**start, "headers": headers})
        return {**body, "body": text}


def _is_problem(message: Message) -> bool:
    return (b"content-type", PROBLEM_JSON.encode()) in message["headers"]
