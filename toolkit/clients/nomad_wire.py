"""How a call reaches Nomad: through python-nomad's requesters, around what they get wrong.

What python-nomad does and this undoes: it checks no certificate unless told to; it prints its
token in every `repr`, so it is never given one; it reads `NOMAD_*`, so its `Nomad` class, which
does that, is not used; it forgets the namespace on some paths, so every call names it; it leaves
names unquoted; it takes a redirect and a web page for success.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import quote

import requests
from nomad import api
from nomad.api.exceptions import BaseNomadException

from toolkit.clients.counter import CallCounter
from toolkit.clients.errors_map import (
    WIRE_ERRORS,
    Failure,
    from_exception,
    from_response,
    garbled,
    unknown_token_hint,
)
from toolkit.clients.page import Page, next_index
from toolkit.clients.retry import ask_again
from toolkit.clients.session import (
    LEAST_WAIT_SECONDS,
    Timeout,
    base_address,
    blocking_timeout,
    certificate,
    plain_timeout,
    session_for,
    verification,
)
from toolkit.errors import ApiError, DeniedError
from toolkit.spec.target import Endpoint

NOMAD_ERRORS = (BaseNomadException, *WIRE_ERRORS)
"""Everything a call may raise."""

_REQUESTERS: dict[str, type[Any]] = {
    "allocations": api.Allocations,
    "acl": api.Acl,
    "agent": api.Agent,
    "allocation": api.Allocation,
    "deployment": api.Deployment,
    "deployments": api.Deployments,
    "evaluation": api.Evaluation,
    "job": api.Job,
    "jobs": api.Jobs,
    "namespace": api.Namespace,
    "namespaces": api.Namespaces,
    "node": api.Node,
    "nodes": api.Nodes,
    "operator": api.Operator,
    "regions": api.Regions,
    "search": api.Search,
    "validate": api.Validate,
    "var": api.Variable,
    "vars": api.Variables,
}


class _Client(api.base.Requester):  # type: ignore[misc]  # the library has no types
    """Paths below `client`, for which the library has a class each."""

    ENDPOINT = "client"


class _Status(api.base.Requester):  # type: ignore[misc]
    """Paths below `status`."""

    ENDPOINT = "status"


class _Volume(api.base.Requester):  # type: ignore[misc]
    """Paths below `volume`."""

    ENDPOINT = "volume"


class _WellKnown(api.base.Requester):  # type: ignore[misc]
    """Paths below `.well-known`, which are outside `v1`."""

    ENDPOINT = ".well-known"

    def _endpoint_builder(self, *segments: str) -> str:
        return "/".join(segments)


class NomadWire:
    """The calls that the subject files are made of; one thread at a time."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        namespace: str = "default",
        region: str | None = None,
        counter: CallCounter | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`counter` is shared by every clone; `sleep` pauses before a read is tried again."""
        self.endpoint = endpoint
        self.namespace = namespace
        self.region = region
        self.counter = counter or CallCounter()
        self._sleep = sleep
        self._session = session_for(endpoint)
        if endpoint.token:
            self._session.headers["X-Nomad-Token"] = endpoint.token.reveal()
        settings = {
            "address": base_address(endpoint),
            "timeout": plain_timeout(),
            "verify": verification(endpoint),
            "cert": certificate(endpoint),
            "session": self._session,
        }
        kinds = {
            **_REQUESTERS,
            "client": _Client,
            "status": _Status,
            "volume": _Volume,
            ".well-known": _WellKnown,
        }
        self._requesters = {name: kind(**settings) for name, kind in kinds.items()}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoint.address!r}, namespace={self.namespace!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def clone(self) -> Self:
        """The same client with a connection of its own, for another thread; one counter."""
        return type(self)(
            self.endpoint,
            namespace=self.namespace,
            region=self.region,
            counter=self.counter,
            sleep=self._sleep,
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _ask(
        self,
        room: str,
        *segments: str,
        method: str = "get",
        params: Mapping[str, object] | None = None,
        body: Any = None,
        timeout: Timeout | None = None,
        stream: bool = False,
        read: bool | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """One answer with a success status; `read` (default: GET) may be asked several times.

        `headers` are stronger than the session's.
        """
        reads = method == "get" if read is None else read
        path = [quote(segment, safe="") for segment in segments]
        requester = self._requesters[room]

        def attempt() -> requests.Response | Failure:
            # Made anew each time: the library writes into what it is given.
            query = {"namespace": self.namespace, "region": self.region, **(params or {})}
            self.counter.count_call()
            try:
                response: requests.Response = requester.request(
                    *path,
                    method=method,
                    params={key: value for key, value in query.items() if value is not None},
                    json=body,
                    timeout=timeout or plain_timeout(),
                    stream=stream,
                    headers=dict(headers or {}),
                )
            except NOMAD_ERRORS as exc:
                return from_exception(self.endpoint, exc, read=reads)
            if response.status_code >= 300:
                response.close()
                return from_response(self.endpoint, response.status_code, "", read=reads)
            return response

        try:
            return ask_again(attempt, read=reads, sleep=self._sleep)
        except DeniedError as exc:
            if room != "acl":
                self._explain(exc)
            # Nomad's words are the same for every right: what was asked for names the one it lacks.
            exc.message += f" ({method.upper()} /v1/{'/'.join((room, *segments))})"
            exc.args = (exc.message,)
            raise

    def _explain(self, denied: DeniedError) -> None:
        """Nomad denies an unknown token with the words for a weak one: asking after it tells."""
        if not self.endpoint.token:
            return
        try:
            self._ask("acl", "token", "self")
        except DeniedError:
            denied.hint = unknown_token_hint(self.endpoint)
        except ApiError:
            return

    def _json(
        self,
        room: str,
        *segments: str,
        kind: type[Any] | tuple[type[Any], ...] = dict,
        has: str | None = None,
        **how: Any,
    ) -> Any:
        """The decoded answer, which must be of `kind`; else something else answers there.

        `has` is a key that Nomad never leaves out of this answer: without it and without Nomad's
        index header it is somebody else's.
        """
        response = self._ask(room, *segments, **how)
        read = self._reads(how)
        value = self._decode(response, kind, read=read)
        if has is not None and has not in value and "X-Nomad-Index" not in response.headers:
            raise garbled(self.endpoint, "is JSON of another kind", read=read).error
        return value

    def _page(
        self,
        room: str,
        *segments: str,
        index: int,
        wait: float,
        kind: type[Any] = list,
        params: Mapping[str, object] | None = None,
    ) -> Page:
        """One blocking query: answers when something is newer than `index`, or after `wait` s."""
        query = dict(params or {})
        timeout = None
        if index > 0:
            wait = max(wait, LEAST_WAIT_SECONDS)
            query |= {"index": index, "wait": f"{int(wait * 1000)}ms"}
            timeout = blocking_timeout(wait)
        response = self._ask(room, *segments, params=query, timeout=timeout)
        value = self._decode(response, kind, read=True)
        try:
            found, changed = next_index(index, response.headers.get("X-Nomad-Index"))
        except ValueError as exc:
            raise garbled(self.endpoint, "has no index", read=True).error from exc
        if not changed:
            self.counter.count_expired_wait()
        return Page(found, value, changed)

    def _decode(
        self,
        response: requests.Response,
        kind: type[Any] | tuple[type[Any], ...],
        *,
        read: bool,
    ) -> Any:
        try:
            value = response.json()
        except ValueError as exc:
            raise garbled(self.endpoint, "is not JSON", read=read).error from exc
        listed = value if isinstance(value, list) else ()
        if not isinstance(value, kind) or not all(isinstance(item, dict) for item in listed):
            raise garbled(self.endpoint, "is JSON of another kind", read=read).error
        return value

    @staticmethod
    def _reads(how: Mapping[str, Any]) -> bool:
        read = how.get("read")
        return how.get("method", "get") == "get" if read is None else bool(read)
