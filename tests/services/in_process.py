"""What a server in the test's own process has around it: callers, requests, what it left."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal
from starlette.applications import Starlette

from toolkit.identity.header import read_credential
from toolkit.identity.reasons import refusal
from toolkit.spec.identity import Caller


class StandIn:
    """A verifier that reads headers as the real one does, and whose Nomad is a table."""

    def __init__(self, callers: Mapping[str, Caller], *, basic: bool = False):
        self.callers = callers
        self.asked = 0
        self.before: Callable[[], None] = lambda: None
        self._basic = basic

    def verify(
        self, authorization: str | None, *, nomad_token: str | None = None, source: str = ""
    ) -> Caller:
        self.asked += 1
        self.before()
        token = read_credential(authorization, nomad_token, basic=self._basic).token.reveal()
        if token not in self.callers:
            raise refusal("unknown-token")
        return self.callers[token]


class Client:
    """Requests to an application, without a network between."""

    def __init__(self, portal: BlockingPortal, app: Starlette):
        self._portal = portal
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.1", 1))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://server", timeout=60)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._portal.call(partial(self._client.request, method, path, **more))

    def close(self) -> None:
        self._portal.call(self._client.aclose)


def lines_said(said: io.StringIO) -> list[dict[str, Any]]:
    """What the server said."""
    return [json.loads(line) for line in said.getvalue().splitlines()]


def entries_in(data: Path) -> list[dict[str, Any]]:
    """The audit as it is in the files of a data folder."""
    files = sorted((data / "audit").glob("audit-*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]
