"""The client of the kick server: records, plan, sync and audit, for a person with a Nomad token.

Every write carries an Idempotency-Key of its own, so that it may be asked again: the server gives
the first answer a second time. Problem documents become our errors in `kick_problems`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, cast
from urllib.parse import quote

import requests

from toolkit.clients.errors_map import WIRE_ERRORS, Failure, from_exception, garbled
from toolkit.clients.kick_problems import problem_in
from toolkit.clients.retry import ask_again
from toolkit.clients.session import plain_timeout, session_for
from toolkit.errors import ExitCode, UnreachableError
from toolkit.spec.target import Endpoint

Json = dict[str, Any]

WRITE_SECONDS = 60.0
"""A write may wait for others, and for a provider that is throttled."""
LOST = "it may have been done: `toolkit dns list` shows what is there, and it may be asked again"
PER_PAGE = 200
AUDIT_PER_PAGE = 500
_MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is no problem."""

    status: int
    body: Json
    etag: str = ""


class Kick:
    """One connection to one kick server, for one thread."""

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
        return f"Kick({self.endpoint.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def records(
        self, *, kind: str | None = None, zone: str | None = None, owner: str | None = None
    ) -> Iterator[Json]:
        """The records that the token may see; `kind` is their type, `owner` as `namespace/job`."""
        params = {"type": kind, "zone": zone, "owner": owner}
        yield from self._pages("/records", "records", params, PER_PAGE, "cursor")

    def record(self, name: str, *, kind: str | None = None, zone: str | None = None) -> Reply:
        """The records of one name; NotFoundError when the server keeps none."""
        return self._ask("GET", _record(name), {"type": kind, "zone": zone})

    def set_record(self, body: Mapping[str, Any]) -> Reply:
        """Let a name have a record; `changed` in the answer says whether it was not so already."""
        return self._ask("POST", "/records", body=body)

    def delete_record(
        self, name: str, *, kind: str | None = None, zone: str | None = None
    ) -> Reply:
        """Take a record away; NotFoundError when there is none."""
        return self._ask("DELETE", _record(name), {"type": kind, "zone": zone}, write=True)

    def plan(self) -> Json:
        """What the reconciler would change now, and what it refuses."""
        return self._ask("POST", "/plan", body={}, write=False).body

    def sync(self) -> Json:
        """One turn of the reconciler, now; what it did."""
        return self._ask("POST", "/sync", body={}).body

    def audit(self, **filters: str | int | None) -> Iterator[Json]:
        """Entries of the audit, oldest first; filters are the server's own parameters."""
        yield from self._pages("/audit", "entries", filters, AUDIT_PER_PAGE, "after")

    def audit_head(self) -> tuple[int, str]:
        """Number and hash of the newest entry of the audit; 0 when there is none."""
        head = self._ask("GET", "/audit", {"limit": 1, "last": 1}).body.get("head")
        if not isinstance(head, dict):
            raise garbled(self.endpoint, "is JSON of another kind", read=True).error
        return int(head.get("seq") or 0), str(head.get("hash") or "")

    def _pages(
        self,
        path: str,
        key: str,
        params: Mapping[str, str | int | None],
        size: int,
        cursor: str,
    ) -> Iterator[Json]:
        """Every item of a list that comes in pages; `cursor` names the parameter that goes on."""
        at: str | int | None = None
        for _ in range(_MOST_PAGES):
            here = {} if at is None else {cursor: at}
            page = self._ask("GET", path, {**params, "limit": size, **here}).body
            items = page.get(key)
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise garbled(self.endpoint, "is JSON of another kind", read=True).error
            yield from items
            following = page.get("next")
            if following is None:
                return
            if following == at:
                break
            at = following
        raise garbled(self.endpoint, "does not end", read=True).error

    def _ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int | None] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        write: bool | None = None,
    ) -> Reply:
        writes = body is not None if write is None else write
        headers = {"Accept": "application/json"}
        if writes:
            headers["Idempotency-Key"] = str(self._new_key())

        def attempt() -> Reply | Failure:
            try:
                response = self._session.request(
                    method,
                    self.endpoint.address + path,
                    params={k: v for k, v in (params or {}).items() if v is not None},
                    json=None if body is None else dict(body),
                    headers=headers,
                    timeout=plain_timeout(WRITE_SECONDS) if writes else plain_timeout(),
                )
            except requests.exceptions.Timeout as exc:
                # Whoever waited that long already is not made to wait again.
                return from_exception(self.endpoint, exc, read=not writes)
            except WIRE_ERRORS as exc:
                return _again(from_exception(self.endpoint, exc, read=not writes))
            if response.status_code >= 300:
                return _again(problem_in(self.endpoint, response, read=not writes))
            return self._reply(response, read=not writes)

        try:
            # With its key a write is asked again as a read is.
            return ask_again(attempt, read=True, sleep=self._sleep)
        except UnreachableError as exc:
            if writes and exc.lost_reply:
                exc.code = ExitCode.UNKNOWN
                exc.hint = LOST
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


def _record(name: str) -> str:
    return f"/record/{quote(name, safe='')}"
