"""The HTTP/1.1 side of the limits: what a connection may do before the application sees it.

uvicorn bounds an idle connection, but neither a request whose headers never end nor how many
connections there are, and it answers what is not HTTP in plain text.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from toolkit.serving.limits import Limits
from toolkit.serving.problems import PROBLEM_JSON, ProblemError


class BoundedProtocol(H11Protocol):
    """A connection with a deadline for its headers and a place among a bounded number."""

    limits = Limits()

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._overdue: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or answer 503 when there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(
                ProblemError(
                    "unavailable",
                    f"{self.limits.connections} connections are open, which is the most",
                    headers={"Retry-After": "1"},
                )
            )
            return
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        self._forget()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Start the deadline at the first byte of a request, end it at the end of its headers."""
        if self.transport.is_closing():
            return  # refused already: what else it says is not read
        if self._overdue is None and self._is_between_requests():
            self._expect_headers()
        # h11 counts headers only while they have no end: what it gets at once is cut to that.
        room = self._room()
        super().data_received(data[:room])
        if len(data) > room and not self.transport.is_closing():
            super().data_received(data[room:])
        if not self._is_between_requests():
            self._forget()

    def _room(self) -> int:
        """Bytes that may come until headers without an end are too long."""
        if not self._is_between_requests():
            return sys.maxsize
        return max(1, self.limits.header_bytes + 1 - len(self.conn.trailing_data[0]))

    def _is_between_requests(self) -> bool:
        return self.conn.their_state is h11.IDLE

    def _expect_headers(self) -> None:
        self._overdue = self.loop.call_later(self.limits.header_seconds, self._give_up)

    def _forget(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    def _give_up(self) -> None:
        self._overdue = None
        if self._is_between_requests():
            seconds = f"{self.limits.header_seconds:g} s"
            self._refuse(ProblemError("too-slow", f"the headers did not end within {seconds}"))

    def pause_writing(self) -> None:
        """The caller does not read: it gets some time, and is then cut off."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.limits.answer_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The caller reads again."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; one with an unread answer would never be done closing."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  ours says more
        """Answer what h11 refuses as a problem document, and hang up."""
        # uvicorn calls this while it handles h11's refusal, and hands on nothing of it.
        refusal = sys.exception()
        if isinstance(refusal, h11.RemoteProtocolError) and refusal.error_status_hint == 431:
            detail = f"the headers have more than {self.limits.header_bytes} bytes"
            self._refuse(ProblemError("headers-too-large", detail))
        else:
            self._refuse(ProblemError("malformed", "the request is not HTTP/1.1"))

    def _refuse(self, problem: ProblemError) -> None:
        """Answer without the application, then close; silent when an answer is under way."""
        self._forget()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not self._is_answering():
            body = json.dumps(problem.document("none")).encode()
            headers = [
                ("Content-Type", PROBLEM_JSON),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
                *problem.headers.items(),
            ]
            status = problem.kind.status
            for event in (
                h11.Response(status_code=status, headers=headers, reason=STATUS_PHRASES[status]),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete
