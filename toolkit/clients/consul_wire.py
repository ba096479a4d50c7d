"""How a call reaches Consul: through python-consul2, around what it gets wrong.

What python-consul2 does and this undoes: its constructor lets `CONSUL_HTTP_*` overrule what it is
given, misreads addresses, and warns about parts that nobody uses; it has one timeout for a
client, which a blocking query outlives; it lets errors of requests and of JSON through; it takes
a 404 of anything for "no instances"; its session is shared. So the parts that we use are put
together here, on a transport of our own, which holds the token; one object per thread.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests
from consul import base

from toolkit.clients.errors_map import (
    WIRE_ERRORS,
    Failure,
    from_exception,
    from_response,
)
from toolkit.clients.patience import Patience
from toolkit.clients.retry import ask_again
from toolkit.clients.session import Timeout, blocking_timeout, session_for
from toolkit.spec.target import Endpoint

Params = Sequence[tuple[str, object]] | None
Callback = Callable[[Any], Any]


class Transport(base.HTTPClient):  # type: ignore[misc]  # the library has no types
    """python-consul2's door to the network."""

    def __init__(
        self,
        endpoint: Endpoint,
        sleep: Callable[[float], None] = time.sleep,
        patience: Patience | None = None,
    ) -> None:
        # The library's own constructor only knows host, port and scheme.
        self.endpoint = endpoint
        self.base_uri = endpoint.address.rstrip("/")
        self.headers: Mapping[str, str] = {}
        """Headers of the last answer, which the library throws away."""
        self._sleep = sleep
        self._patience = patience or Patience()
        self._session = session_for(endpoint)
        if endpoint.token:
            self._session.headers["X-Consul-Token"] = endpoint.token.reveal()

    def __repr__(self) -> str:
        return f"Transport({self.base_uri!r})"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, callback: Callback, path: str, params: Params = None, headers: Any = None) -> Any:
        """See `consul.base.HTTPClient`."""
        return self._send("GET", callback, path, params, headers, "")

    def put(
        self,
        callback: Callback,
        path: str,
        params: Params = None,
        data: Any = "",
        headers: Any = None,
    ) -> Any:
        """See `consul.base.HTTPClient`."""
        return self._send("PUT", callback, path, params, headers, data)

    def post(
        self,
        callback: Callback,
        path: str,
        params: Params = None,
        data: Any = "",
        headers: Any = None,
    ) -> Any:
        """See `consul.base.HTTPClient`."""
        return self._send("POST", callback, path, params, headers, data)

    def delete(
        self,
        callback: Callback,
        path: str,
        params: Params = None,
        data: Any = "",
        headers: Any = None,
    ) -> Any:
        """See `consul.base.HTTPClient`."""
        return self._send("DELETE", callback, path, params, headers, data)

    def _send(
        self,
        method: str,
        callback: Callback,
        path: str,
        params: Params,
        headers: Any,
        data: Any,
    ) -> Any:
        read = method == "GET"

        def attempt() -> requests.Response | Failure:
            try:
                response = self._session.request(
                    method,
                    self.uri(path, params),
                    headers=headers,
                    data=data or None,
                    timeout=_timeout(params, self._patience),
                )
            except WIRE_ERRORS as exc:
                self._patience.failed(exc)
                return from_exception(self.endpoint, exc, read=read)
            self._patience.answered()
            if response.status_code >= 300:
                return from_response(
                    self.endpoint, response.status_code, response.text, read=read, ours=False
                )
            return response

        response = ask_again(attempt, read=read, sleep=self._sleep)
        self.headers = response.headers
        response.encoding = "utf-8"
        return callback(
            base.Response(response.status_code, response.headers, response.text, response.content)
        )


class Parts:
    """The parts of python-consul2's `Consul` that we use, without its constructor."""

    def __init__(self, transport: Transport, datacenter: str | None) -> None:
        self.http = transport
        self.dc = datacenter
        self.consistency = "default"
        # The transport sends it; here the library would print it.
        self.token = None
        self.agent = base.Consul.Agent(self)
        self.catalog = base.Consul.Catalog(self)
        self.health = base.Consul.Health(self)
        self.status = base.Consul.Status(self)
        self.policy = base.Consul.ACL.Policy(self)
        self.tokens = base.Consul.ACL.Tokens(self)


def _timeout(params: Params, patience: Patience) -> Timeout:
    """The transport only sees the query, so the wait is read back from it."""
    query = dict(params or ())
    if "index" not in query:
        return patience.timeout()
    match = re.fullmatch(r"(\d+)ms", str(query.get("wait", "")))
    # Without a wait, Consul blocks for five minutes.
    return blocking_timeout(int(match[1]) / 1000 if match else 300.0)
