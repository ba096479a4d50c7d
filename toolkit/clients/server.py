"""How a server of ours is asked: a person's Nomad token, JSON, and problems told in our errors."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, cast

import requests

from toolkit.clients.errors_map import WIRE_ERRORS, Failure, from_exception, garbled
from toolkit.clients.problems import Problems
from toolkit.clients.retry import ask_again
from toolkit.clients.session import plain_timeout, session_for
from toolkit.errors import ExitCode, UnreachableError
from toolkit.spec.target import Endpoint

Json = dict[str, Any]

WRITE_SECONDS = 60.0
"""A write may wait for others, and for somebody who is throttled."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is no problem."""

    status: int
    body: Json
    etag: str = ""


class Server:
    """One connection to one server of ours, for one thread."""

    problems: Problems
    lost: str
    """What to do about a write whose reply was lost."""
    keyed: bool
    """Every write carries an Idempotency-Key of its own, so that it may be asked again: the server
    gives the first answer a second time. Without, only what does the same twice is asked again."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        sleep: Callable[[float], None] = time.sleep,
        new_key: Callable[[], object] = uuid.uuid4,
    ) -> None:
        """`sleep` pauses before another try; `new_key` makes an Idempotency-Key."""
        self.endpoint = endpoint
        self._sleep = sleep
        self._new_key = new_key
        self._session = session_for(endpoint)
        if endpoint.token:
            self._session.headers["X-Nomad-Token"] = endpoint.token.reveal()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoint.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int | None] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        data: bytes | None = None,
        media: str = "application/octet-stream",
        write: bool | None = None,
        seconds: float = WRITE_SECONDS,
    ) -> Reply:
        """The answer; an `ApiError` of what the server, or nobody, said.

        `body` is sent as JSON, or `data` as `media`. `write`: it changes something, which what has
        a body does unless said otherwise; it then waits `seconds` for the answer.
        """
        writes = (body is not None or data is not None) if write is None else write
        headers = {"Accept": "application/json"}
        if writes and self.keyed:
            headers["Idempotency-Key"] = str(self._new_key())
        if data is not None:
            headers["Content-Type"] = media

        def attempt() -> Reply | Failure:
            try:
                response = self._session.request(
                    method,
                    self.endpoint.address + path,
                    params={k: v for k, v in (params or {}).items() if v is not None},
                    json=None if body is None else dict(body),
                    data=data,
                    headers=headers,
                    timeout=plain_timeout(seconds) if writes else plain_timeout(),
                )
            except requests.exceptions.Timeout as exc:
                # Whoever waited that long already is not made to wait again.
                return from_exception(self.endpoint, exc, read=not writes)
            except WIRE_ERRORS as exc:
                return _again(from_exception(self.endpoint, exc, read=not writes))
            if response.status_code >= 300:
                return _again(self.problems.read(self.endpoint, response, read=not writes))
            return self._reply(response, read=not writes)

        try:
            # With its key a write is asked again as a read is.
            again = self.keyed or not writes or method == "PUT"
            return ask_again(attempt, read=again, sleep=self._sleep)
        except UnreachableError as exc:
            if writes and exc.lost_reply:
                exc.code = ExitCode.UNKNOWN
                exc.hint = self.lost
            raise

    def _reply(self, response: requests.Response, *, read: bool) -> Reply | Failure:
        etag = response.headers.get("ETag", "")
        if response.status_code == 204 or not response.content:
            return Reply(response.status_code, {}, etag)
        try:
            value = response.json()
        except ValueError as exc:
            return garbled(self.endpoint, "is not JSON", read=read, cause=exc)
        if not isinstance(value, dict):
            return garbled(self.endpoint, "is JSON of another kind", read=read)
        return Reply(response.status_code, cast(Json, value), etag)


def _again(failure: Failure) -> Failure:
    """The failure, worth another try when it is only not known what became of the request."""
    error = failure.error
    lost = isinstance(error, UnreachableError) and error.lost_reply
    return replace(failure, passing=failure.passing or lost)
