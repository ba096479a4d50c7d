"""A hook server in the test's own process: everything is real but Nomad, whose word is a table."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from tests.services.in_process import Client, StandIn, entries_in, lines_said
from toolkit.config.hook import load_hook
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


@dataclass
class HookRig:
    """The server's parts, and requests to them without a network between."""

    hook: Hook
    parts: Parts
    data: Path
    said: io.StringIO
    verifier: StandIn
    portal: BlockingPortal
    client: Client
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
        return self.client.request(method, path, headers=who, **given, **more)

    def log(self) -> list[dict[str, Any]]:
        """What the server said."""
        return lines_said(self.said)

    def entries(self) -> list[dict[str, Any]]:
        """The audit as it is in its files."""
        return entries_in(self.data)


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
    verifier = StandIn(CALLERS, basic=True)
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
    client = Client(portal, app)
    with contextlib.ExitStack() as stack:
        stack.callback(client.close)
        stack.callback(parts.close)
        stack.callback(parts.stop)
        if opened:
            parts.open()
        yield HookRig(hook, parts, data, said, verifier, portal, client, app)
