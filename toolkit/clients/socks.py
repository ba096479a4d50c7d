"""A connection through a SOCKS proxy that looks up the names itself."""

from __future__ import annotations

import socket
from typing import cast
from urllib.parse import SplitResult

import socks

from toolkit.clients.anatomy import reason

SCHEME = "socks5h"
_PORT = 1080


def connect(proxy: SplitResult, place: tuple[str, int], timeout: float) -> socket.socket:
    """A connection to the host and port of `place`; OSError says why there is none.

    `timeout` in seconds, for each step of the talk with the proxy.
    """
    try:
        made = socks.create_connection(
            place,
            timeout=timeout,
            proxy_type=socks.SOCKS5,
            proxy_addr=proxy.hostname or "",
            proxy_port=proxy.port or _PORT,
            proxy_rdns=True,
        )
    except socks.ProxyError as exc:
        if isinstance(exc.socket_err, TimeoutError):
            raise TimeoutError from exc
        raise ConnectionRefusedError(0, reason(exc)) from exc
    return cast("socket.socket", made)
