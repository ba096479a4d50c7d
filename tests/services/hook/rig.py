"""A hook server in the test's own process: everything is real but Nomad, whose word is a table."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal
from hook.actions import Action
from hook.app import make_app
from hook.children.children import Children
from hook.hook import Hook
from hook.parts import Parts
from hook.settings import Settings
from hook.table import TABLE
from starlette.applications import Starlette

from tests.services.hook.hook_process import (
    ADMIN,
    ADMIN_TOKEN,
    CONFIG,
    PUSHER_TOKEN,
    READER_TOKEN,
    SHOP_TOKEN,
    STRANGER_TOKEN,
)
from toolkit.config.hook import load_hook
from toolkit.identity.header import read_credential
from toolkit.identity.reasons import refusal
from toolkit.serving.limits import Limits
from toolkit.serving.log import Log
from toolkit.spec.hook import HookConfig
from toolkit.spec.identity import Caller, Person, Workload
from toolkit.spec.target import Endpoint

ALLOCATION = "5b2c90aa-26d1-4c6b-9d0e-0123456789ab"


def person(secret: str, name: str, *policies: str) -> Person:
    return Person(f"11111111-1111-4111-8111-{secret[-12:]}", name, frozenset(policies))


CALLERS: Mapping[str, Caller] = {
    ADMIN_TOKEN: person(ADMIN_TOKEN, "ada", "admins"),
    PUSHER_TOKEN: person(PUSHER_TOKEN, "alice", "pushers"),
    READER_TOKEN: person(READER_TOKEN, "rita", "readers"),
    STRANGER_TOKEN: person(STRANGER_TOKEN, "eve", "others"),
    SHOP_TOKEN: Workload("default", "shop", "app", ALLOCATION, 4e9),
}


class StandIn:
    """A verifier that reads headers as the real one does, and whose Nomad is a table."""

    def __init__(self, callers: Mapping[str, Caller] = CALLERS):
        self.callers = callers
        self.asked = 0

    def verify(
        self, authorization: str | None, *, nomad_token: str | None = None, source: str = ""
    ) -> Caller:
        self.asked += 1
        token = read_credential(authorization, nomad_token, basic=True).token.reveal()
        if token not in self.callers:
            raise refusal("unknown-token")
        return self.callers[token]


@dataclass
class HookRig:
    """The server's parts, and requests to them without a network between."""

    hook: Hook
    parts: Parts
    data: Path
    said: io.StringIO
    verifier: StandIn
    portal: BlockingPortal
    client: httpx.AsyncClient
    app: Starlette

    def ask(
        self,
        method: str,
        path: str,
        who: Mapping[str, str] = ADMIN,
        body: Any = None,
        **more: Any,
    ) -> httpx.Response:
        """One request."""
        given = {} if body is None else {"json": body}
        call = partial(self.client.request, method, path, headers=who, **given, **more)
        return self.portal.call(call)

    def log(self) -> list[dict[str, Any]]:
        """What the server said."""
        return [json.loads(line) for line in self.said.getvalue().splitlines()]

    def entries(self) -> list[dict[str, Any]]:
        """The audit as it is in its files."""
        files = sorted((self.data / "audit").glob("audit-*.jsonl"))
        return [json.loads(line) for path in files for line in path.read_text().splitlines()]


@contextlib.contextmanager
def make_rig(
    portal: BlockingPortal,
    data: Path,
    *,
    config: HookConfig | None = None,
    actions: Sequence[Action] = TABLE,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    opened: bool = True,
) -> Iterator[HookRig]:
    """A server over `data`, which has no children; `opened=False`: it still waits."""
    config = config or load_hook(CONFIG)
    said = io.StringIO()
    verifier = StandIn()
    hook = Hook(config, verifier, log=Log(said, now=lambda: 0.0))
    settings = Settings(
        config=config,
        data=data,
        address=("127.0.0.1", 0),
        nomad=Endpoint("Nomad", "http://127.0.0.1:1", "a test"),
        patience=0.0,
        who="a test",
    )
    parts = Parts(settings, hook, Children())
    app: Starlette = make_app(hook, actions, archives=parts.archives, limits=limits, clock=clock)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.1", 1))
    client = httpx.AsyncClient(transport=transport, base_url="http://hook", timeout=60)
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: portal.call(client.aclose))
        stack.callback(parts.close)
        stack.callback(parts.stop)
        if opened:
            parts.open()
        yield HookRig(hook, parts, data, said, verifier, portal, client, app)
