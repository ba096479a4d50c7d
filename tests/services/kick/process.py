"""The kick server as a task runs it, beside a Nomad that knows the tokens of these tests."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.faults.scripted import Asked, Reply, Scripted
from tests.identity.mint import ALLOCATION, claims, token
from tests.identity.nomad_server import State, allocation
from tests.services.kick.rig import CONFIG
from tests.services.server_process import ServerProcess

ALICE_TOKEN = "00000000-0000-4000-8000-00000000a11c"
SHOP_TOKEN = token(
    said=claims(
        nomad_job_id="shop",
        iat=int(time.time()) - 60,
        nbf=int(time.time()) - 60,
        exp=int(time.time()) + 3600,
    )
)
ALICE = {"X-Nomad-Token": ALICE_TOKEN}
SHOP = {"Authorization": f"Bearer {SHOP_TOKEN}"}


def nomad_state() -> State:
    """A Nomad that runs `shop` and knows Alice."""
    holder = {
        "AccessorID": "11111111-1111-4111-8111-00000000a11c",
        "SecretID": ALICE_TOKEN,
        "Name": "alice",
        "Type": "client",
        "Policies": ["dns"],
        "Roles": None,
    }
    return State(
        allocations={ALLOCATION: allocation(JobID="shop")},
        tokens={ALICE_TOKEN: holder},
        policies={ALICE_TOKEN: ["dns"]},
    )


LISTED = {
    "/v1/jobs": b"""{"ID": "shop", "Namespace": "default", "Status": "running", "Stop": false,
        "Type": "service", "CreateIndex": 5, "JobModifyIndex": 5}""",
    "/v1/health/state/any": b"""{"Node": "node-1", "CheckID": "serfHealth", "Status": "passing",
        "Name": "Serf Health Status", "Notes": "", "Output": "", "ServiceID": "",
        "ServiceName": "", "ServiceTags": [], "Type": "", "Definition": {}}""",
}
"""A cluster of one node with one job, which asks for no name."""


def whole(state: State) -> Callable[[Asked], Reply]:
    """The same Nomad as the reconciler sees it, and a Consul beside it."""

    def answer(asked: Asked) -> Reply:
        if asked.path not in ("/v1/jobs", "/v1/allocations", "/v1/health/state/any"):
            return state.answer(asked)
        if "index" in asked.query and asked.query["index"] != "0":
            threading.Event().wait(20)  # no news: it answers sooner than asked for, as it may
        found = b"" if "any " in asked.query.get("filter", "") else LISTED.get(asked.path, b"")
        return Reply(b"[%b]" % found, headers={"X-Nomad-Index": "7", "X-Consul-Index": "7"})

    return answer


class KickProcess(ServerProcess):
    """A running kick server."""

    def __init__(self, data: Path, nomad: str, *, config: str = CONFIG, **variables: str):
        file = data / "kick.toml"
        file.write_text(config)
        self.data = data
        super().__init__(
            "kick",
            KICK_CONFIG=str(file),
            KICK_DATA=str(data / "data"),
            NOMAD_ADDR=nomad,
            CONSUL_HTTP_ADDR=nomad,
            **variables,
        )

    def ask(
        self, method: str, path: str, who: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One request on a connection of its own; Alice's, where nobody is said."""
        return super().ask(method, path, ALICE if who is None else who, **more)


@contextlib.contextmanager
def kick_process(
    data: Path,
    *,
    state: State | None = None,
    reply: Reply | None = None,
    ready: bool = True,
    **how: str,
) -> Iterator[KickProcess]:
    """A server for the length of a block; `how`: its kick.toml as `config`, and variables.

    `reply`: all that its Nomad ever says.
    """
    with Scripted(reply or whole(state or nomad_state())) as nomad:
        running = KickProcess(data, nomad.address, **how)
        try:
            if ready:
                running.hear("ready")
            yield running
        finally:
            running.close()
