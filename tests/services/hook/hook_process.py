"""The hook server as a task runs it, beside a Nomad that knows the tokens of these tests."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.faults.scripted import Asked, Reply, Scripted
from tests.identity.mint import ALLOCATION, claims, token
from tests.identity.nomad_server import State, allocation
from tests.services.in_process import entries_in
from tests.services.running import PATIENCE
from tests.services.server_process import ServerProcess

ADMIN_TOKEN, PUSHER_TOKEN, READER_TOKEN, STRANGER_TOKEN = (
    f"00000000-0000-4000-8000-00000000{last}" for last in ("ad00", "a11c", "0ead", "eee0")
)
SHOP_TOKEN = token(
    said=claims(
        aud="hook.dev",
        nomad_job_id="shop",
        iat=int(time.time()) - 60,
        nbf=int(time.time()) - 60,
        exp=int(time.time()) + 3600,
    )
)
"""A running task of the job `shop`."""
ADMIN, PUSHER, READER, STRANGER = (
    {"X-Nomad-Token": each} for each in (ADMIN_TOKEN, PUSHER_TOKEN, READER_TOKEN, STRANGER_TOKEN)
)
SHOP = {"Authorization": f"Bearer {SHOP_TOKEN}"}

CONFIG = """\
cluster = "dev"
url = "http://hook.example:8655"

[target]
environment = "dev"

[hooks]
same_user = true

[[policy.person]]
policies = ["admins"]
grants = [{ repos = ["*"], rights = ["admin"] }]

[[policy.person]]
policies = ["pushers"]
grants = [{ repos = ["shop", "web"], rights = ["push"] }]

[[policy.person]]
policies = ["readers"]
grants = [{ repos = ["shop"], rights = ["read"] }]

[[policy.workload]]
job = "shop"
grants = [{ repos = ["shop"], rights = ["read"] }]
"""


def holder(secret: str, name: str, *policies: str) -> dict[str, Any]:
    """An ACL token as Nomad describes it to whoever has it."""
    return {
        "AccessorID": f"11111111-1111-4111-8111-{secret[-12:]}",
        "SecretID": secret,
        "Name": name,
        "Type": "client",
        "Policies": list(policies),
        "Roles": None,
    }


def nomad_state() -> State:
    """A Nomad that runs `shop` and knows four people."""
    people = (
        (ADMIN_TOKEN, "ada", "admins"),
        (PUSHER_TOKEN, "alice", "pushers"),
        (READER_TOKEN, "rita", "readers"),
        (STRANGER_TOKEN, "eve", "others"),
    )
    return State(
        allocations={ALLOCATION: allocation(JobID="shop")},
        tokens={secret: holder(secret, name, policy) for secret, name, policy in people},
        policies={secret: [policy] for secret, _, policy in people},
    )


class HookProcess(ServerProcess):
    """A running hook server; `url`, `data`, `said` and `hear` are what tests look at."""

    def __init__(self, folder: Path, nomad: str, *, config: str = CONFIG, **variables: str):
        file = folder / "hook.toml"
        file.write_text(config)
        self.folder = folder
        self.data = folder / "data"
        super().__init__(
            "hook",
            HOOK_CONFIG=str(file),
            HOOK_DATA=str(self.data),
            **{"NOMAD_ADDR": nomad, "CONSUL_HTTP_ADDR": nomad, **variables},
        )

    def ask(
        self, method: str, path: str, who: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One request on a connection of its own; an admin's, where nobody is said."""
        return super().ask(method, path, ADMIN if who is None else who, **more)

    def make(self, name: str = "shop", **settings: str) -> None:
        """A repository."""
        answer = self.ask("PUT", f"/repos/{name}", json=settings)
        assert answer.status_code in (200, 201), answer.text

    def entries(self) -> list[dict[str, Any]]:
        """The audit as it is in its files."""
        return entries_in(self.data)

    def remote(self, name: str = "shop", secret: str = PUSHER_TOKEN) -> str:
        """A remote with the token in it; tests may, people may not."""
        return f"http://x:{secret}@{self.host}:{self.port}/{name}.git"


def git(
    *words: str, cwd: Path | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Git as a person runs it, without a configuration of its own, that asks nobody."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "A",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.com",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        ["git", *words], cwd=cwd, env=environ, capture_output=True, text=True, timeout=PATIENCE
    )
    assert not check or done.returncode == 0, done.stderr
    return done


Script = Callable[[Asked], Reply]


@contextlib.contextmanager
def hook_process(
    folder: Path,
    *,
    state: State | None = None,
    nomad: Script | Reply | None = None,
    ready: bool = True,
    **how: str,
) -> Iterator[HookProcess]:
    """A server for the length of a block; `how`: its hook.toml as `config`, and variables.

    `state`: what its Nomad knows; `nomad`: all that its Nomad says.
    """
    with Scripted(nomad or (state or nomad_state()).answer) as scripted:
        running = HookProcess(folder, scripted.address, **how)
        try:
            if ready:
                running.hear("ready")
            yield running
        finally:
            running.close()
