"""HTTP over a unix socket: how a task asks the Nomad of its own node."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

BASE = "http://localhost"
"""What requests are addressed to; the socket is where they go."""
LONGEST_PATH = 107
"""Bytes of a socket's path that a kernel takes."""
_SCHEME = "unix:"


def socket_path(address: str) -> str | None:
    """The path in `unix:/path` or `unix:///path`; None for an address of another kind."""
    if not address.startswith(_SCHEME):
        return None
    path = address.removeprefix(_SCHEME)
    return path.removeprefix("//") if path.startswith("///") else path


class _Connection(HTTPConnection):
    """A connection whose host and port are not looked at."""

    def __init__(self, path: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._path = path

    def _new_conn(self) -> socket.socket:
        # What Python says of such paths has no number, and so no reason in words.
        if len(os.fsencode(self._path)) > LONGEST_PATH:
            raise self._refused(errno.ENAMETOOLONG)
        if "\0" in self._path:
            raise self._refused(errno.EINVAL)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(self.timeout if isinstance(self.timeout, int | float) else None)
            made.connect(self._path)
        except TimeoutError as exc:
            made.close()
            raise ConnectTimeoutError(self, "no connection in time") from exc
        except OSError as exc:
            made.close()
            raise NewConnectionError(self, str(exc)) from exc
        return made

    def _refused(self, number: int) -> NewConnectionError:
        error = NewConnectionError(self, os.strerror(number))
        error.__cause__ = OSError(number, os.strerror(number))
        return error


class UnixSocketAdapter(HTTPAdapter):
    """Sends every request to one socket, whatever its URL says."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._pool = HTTPConnectionPool("localhost")
        self._pool.ConnectionCls = partial(_Connection, path)  # type: ignore[assignment]

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,  # noqa: ARG002
        verify: bool | str | None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
        cert: tuple[str, str] | str | None = None,  # noqa: ARG002
    ) -> HTTPConnectionPool:
        """See `HTTPAdapter`."""
        return self._pool

    def close(self) -> None:
        """See `HTTPAdapter`."""
        self._pool.close()
        super().close()
