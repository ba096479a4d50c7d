"""The kick server as a task runs it, beside a Nomad that knows the tokens of these tests."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import socket
import subprocess
import sys
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
from tests.services.running import NO_TLS, PATIENCE, environment

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


class KickProcess:
    """A running server and what it says."""

    def __init__(self, data: Path, nomad: str, *, config: str = CONFIG, **variables: str):
        file = data / "kick.toml"
        file.write_text(config)
        self.data = data
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kick"],
            env=environment(
                KICK_CONFIG=str(file),
                KICK_DATA=str(data / "data"),
                NOMAD_ADDR=nomad,
                CONSUL_HTTP_ADDR=nomad,
                **variables,
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._readers = [threading.Thread(target=self._read), threading.Thread(target=self._heed)]
        for reader in self._readers:
            reader.start()
        try:
            where = self.hear("listens")
        except BaseException:
            self.close()
            raise
        self.host, self.port = where["host"], where["port"]
        self.url = f"http://{self.host}:{self.port}"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def _heed(self) -> None:
        assert self.process.stderr is not None
        self.errors += [line.rstrip("\n") for line in self.process.stderr]

    def hear(self, event: str, **members: Any) -> dict[str, Any]:
        """The next line of this event that has these members."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"never said: {event} {members}") from None
            if line is None:
                raise AssertionError(f"ended without saying {event}: {self.errors}")
            self.said.append(line)
            if line["event"] == event and members.items() <= line.items():
                return line

    def ask(
        self, method: str, path: str, who: Mapping[str, str] = ALICE, **more: Any
    ) -> httpx.Response:
        """One request on a connection of its own."""
        return httpx.request(
            method, self.url + path, headers=who, timeout=PATIENCE, trust_env=False,
            verify=NO_TLS, **more,
        )  # fmt: skip

    def raw(self, data: bytes = b"") -> socket.socket:
        """A connection that has said this."""
        connection = socket.create_connection((self.host, self.port), PATIENCE)
        connection.sendall(data)
        return connection

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close_readers(self) -> None:
        """Have all that it said, once it has ended."""
        for reader in self._readers:
            reader.join(PATIENCE)

    def close(self) -> None:
        """End it, whatever it was doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.close_readers()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


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
