"""Probes of what was deployed: plain HTTP requests whose failure is an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

import requests
import urllib3

from toolkit.clients.anatomy import reason
from toolkit.clients.session import open_session

LONGEST_BODY = 64 * 1024
_PIECE = 16 * 1024
PROBE_SECONDS = 5.0

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Answer:
    """What a probe got."""

    status: int | None
    """None when there was no answer."""
    headers: Mapping[str, str] = field(default_factory=lambda: _NONE)
    """Header names are found in any case."""
    body: bytes = b""
    """At most the first 64 KiB."""
    error: str | None = None
    """Why there was no answer, or why it is not whole."""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """True for a whole answer with a status below 400."""
        return self.error is None and self.status is not None and self.status < 400


class Asker:
    """Repeated probes of one place over one connection kept alive; for one thread."""

    def __init__(
        self,
        url: str,
        *,
        host: str | None = None,
        timeout: float = PROBE_SECONDS,
        verify: bool | str = True,
        proxy: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`host`: the site asked for, when it is not the address's; `timeout` in seconds."""
        self._url = url
        self._host = host
        self._timeout = timeout
        self._clock = clock
        other_name = host if host is not None and urlsplit(url).scheme == "https" else None
        self._session = open_session(
            verify=verify,
            proxy=proxy,
            server_name=None if other_name is None else other_name.partition(":")[0],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def ask(self, path: str = "/", *, method: str = "GET", body: bytes | None = None) -> Answer:
        """One request; never raises for what the network or the other side does."""
        started = self._clock()
        # Uncompressed, so that the bound on the body is a bound on what is read.
        headers = {"Accept-Encoding": "identity"}
        if self._host is not None:
            headers["Host"] = self._host
        try:
            response = self._session.request(
                method,
                # Put together and never resolved: a path may look like another address.
                f"{self._url.rstrip('/')}/{path.lstrip('/')}",
                headers=headers,
                data=body,
                timeout=self._timeout,
                stream=True,
                allow_redirects=False,
            )
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            ValueError,
        ) as exc:
            return Answer(None, error=reason(exc), seconds=self._clock() - started)
        # What is left of a long body would spoil the connection: closing drops it.
        with closing(response):
            got, error = self._read(response, started + self._timeout)
        return Answer(response.status_code, response.headers, got, error, self._clock() - started)

    def _read(self, response: requests.Response, deadline: float) -> tuple[bytes, str | None]:
        """The body up to its bound; a server that drips it does not outlast the deadline."""
        got = bytearray()
        try:
            while len(got) < LONGEST_BODY:
                piece = response.raw.read1(_PIECE)
                if not piece:
                    break
                got += piece
                if self._clock() > deadline:
                    return bytes(got), "the answer did not end in time"
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            return bytes(got), reason(exc)
        return bytes(got[:LONGEST_BODY]), None


def ask(
    url: str,
    *,
    host: str | None = None,
    timeout: float = PROBE_SECONDS,
    verify: bool | str = True,
    proxy: str | None = None,
    path: str = "/",
) -> Answer:
    """One probe of `path` below `url`; `host` names the site, `timeout` is in seconds."""
    with Asker(url, host=host, timeout=timeout, verify=verify, proxy=proxy) as asker:
        return asker.ask(path)
