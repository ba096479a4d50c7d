"""Many small requests over one connection kept alive, each as cheap as it can be.

`requests` costs a core several times what a probe may: this speaks the little HTTP that a client
of a site needs, and gives every request one deadline for all of it.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

import requests

from toolkit.clients.anatomy import reason
from toolkit.clients.http_wire import CutError, Head, body_left, read_head

LONGEST_BODY = 1024 * 1024
"""Bytes of an answer that are read; a longer one costs its connection."""
KEPT_BODY = 64 * 1024
_PIECE = 64 * 1024
_NO_TARGET = re.compile(r"[\x00-\x20\x7f]")
"""What would end the line of a request, and let the rest of a path be headers."""
IDEMPOTENT = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request got; times are on the prober's clock."""

    sent: float
    ended: float
    status: int | None = None
    """None when there was no answer."""
    head: Head | None = None
    body: bytes = b""
    """At most the first 64 KiB, and only where it is asked for."""
    error: str | None = None
    """Why there was no whole answer."""
    late: bool = False
    """Because its time was over."""


class Prober:
    """Asks one address for one site, over and over; for one thread."""

    def __init__(
        self,
        url: str,
        *,
        host: str | None = None,
        timeout: float = 5.0,
        verify: bool | str = True,
        proxy: str | None = None,
        keep_body: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`host`: the site, where it is not the address's; `timeout`: seconds of one request."""
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._name = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._host = host or parts.netloc.rpartition("@")[2]
        self._timeout, self._verify, self._keep, self._clock = timeout, verify, keep_body, clock
        self._proxy = None if proxy is None else urlsplit(proxy)
        # A proxy of plain requests is told the whole address.
        self._socks = self._proxy is not None and self._proxy.scheme == "socks5h"
        told = self._proxy is not None and not self._socks and not self._secure
        self._before = f"http://{parts.netloc}" if told else ""
        self._context: ssl.SSLContext | None = None
        self._socket: socket.socket | None = None
        self._heard = False
        """Something of the answer came."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
        self._socket = None

    def ask(self, method: str, path: str) -> Reply:
        """One request without a body; never raises for what the network or the other side does.

        One that a connection kept alive swallowed, closed before the first byte of an answer, is
        sent once more over a new one, as every browser does, if sending it twice does no harm.
        """
        sent = self._clock()
        if self._socket is not None and _speaks(self._socket):
            self.close()
        kept = self._socket is not None
        try:
            try:
                return self._exchange(method, path, sent)
            except (ConnectionError, CutError):
                if not kept or self._heard or method not in IDEMPOTENT:
                    raise
                self.close()
                return self._exchange(method, path, sent)
        except (OSError, ValueError, CutError) as exc:
            self.close()
            late = isinstance(exc, TimeoutError)
            return Reply(sent, self._clock(), error=self._why(exc), late=late)

    def _why(self, exc: Exception) -> str:
        if isinstance(exc, TimeoutError):
            return f"no answer in {self._timeout:g} s"
        if isinstance(exc, CutError | ValueError) and not isinstance(exc, OSError):
            return str(exc)
        return reason(exc)

    def _exchange(self, method: str, path: str, sent: float) -> Reply:
        deadline, self._heard = sent + self._timeout, False
        if not path.startswith("/") or _NO_TARGET.search(f"{path}{self._host}"):
            raise ValueError("the path or the host has what no request may have there")
        if self._socket is None:
            self._socket = self._connect(deadline)
        line = self._socket
        empty = "Content-Length: 0\r\n" if method in {"POST", "PUT", "PATCH"} else ""
        line.settimeout(self._rest(deadline))
        line.sendall(
            f"{method} {self._before}{path} HTTP/1.1\r\nHost: {self._host}\r\nUser-Agent: toolkit"
            f"\r\nAccept: */*\r\nAccept-Encoding: identity\r\n{empty}\r\n".encode()
        )
        head = read_head(lambda: self._more(deadline), b"")
        while 100 <= head.status < 200 and head.status != 101:
            head = read_head(lambda: self._more(deadline), head.rest)
        body, left, stays = body_left(
            head, method, lambda: self._more(deadline), most=LONGEST_BODY, keep=self._keeps
        )
        if left or not stays:
            self.close()
        return Reply(sent, self._clock(), head.status, head, body)

    @property
    def _keeps(self) -> int:
        return KEPT_BODY if self._keep else 0

    def _more(self, deadline: float) -> bytes:
        assert self._socket is not None  # noqa: S101 - only within an exchange
        self._socket.settimeout(self._rest(deadline))
        found = self._socket.recv(_PIECE)
        self._heard = self._heard or bool(found)
        return found

    def _rest(self, deadline: float) -> float:
        rest = deadline - self._clock()
        if rest <= 0:
            raise TimeoutError
        return rest

    def _connect(self, deadline: float) -> socket.socket:
        line = self._dial(deadline)
        try:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not self._secure:
                return line
            if self._proxy is not None and not self._socks:
                self._tunnel(line, deadline)
            line.settimeout(self._rest(deadline))
            site = self._host.rpartition(":")[0] if _has_port(self._host) else self._host
            self._context = self._context or _trusting(self._verify)
            return self._context.wrap_socket(line, server_hostname=site.strip("[]"))
        except BaseException:
            line.close()
            raise

    def _dial(self, deadline: float) -> socket.socket:
        place, rest = (self._name, self._port), self._rest(deadline)
        if self._proxy is None:
            return socket.create_connection(place, rest)
        if self._socks:
            from toolkit.clients import socks  # late: few need it

            return socks.connect(self._proxy, place, rest)
        return socket.create_connection((self._proxy.hostname or "", self._proxy.port or 80), rest)

    def _tunnel(self, line: socket.socket, deadline: float) -> None:
        place = f"{self._name}:{self._port}"
        line.settimeout(self._rest(deadline))
        line.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
        head = read_head(lambda: line.recv(_PIECE), b"")
        if head.status != 200:
            raise ConnectionRefusedError(0, f"the proxy answers HTTP {head.status}")


def _speaks(line: socket.socket) -> bool:
    """True for a connection on which something comes unasked: its end, or what is no answer."""
    waits = select.poll()
    waits.register(line, select.POLLIN)
    return bool(waits.poll(0))


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and (host.count(":") == 1 or host.startswith("["))


def _trusting(verify: bool | str) -> ssl.SSLContext:
    if verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    trusted = requests.utils.DEFAULT_CA_BUNDLE_PATH if verify is True else verify
    return ssl.create_default_context(cafile=trusted)
