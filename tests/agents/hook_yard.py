"""A hook server as a process beside a guarded cluster, and a project pushed to it by git."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.agents.cluster import local_cluster
from tests.agents.pushing import DEPLOYS, Pushed
from tests.services.hook.hook_process import HookProcess, git
from toolkit.spec.agents import STATE_FILE
from toolkit.spec.dev import Machine

CONFIG = """\
cluster = "dev"
url = "http://127.0.0.1:PORT"

[target]
environment = "dev"
state = "STATE"

[builds]
memory = 64
cpu = 50
BUILDS

[[policy.person]]
management = true
grants = [{ repos = ["*"], rights = ["admin"] }]

[[policy.person]]
policies = ["deployers"]
grants = [{ repos = ["shop"], rights = ["push"] }]

[[policy.workload]]
job = "reader"
grants = [{ repos = ["shop"], rights = ["read"] }]
"""


@dataclass
class Yard:
    """The server, and the project whose commits are pushed."""

    shop: Pushed
    server: HookProcess
    admin: str
    """A management token."""
    token: str
    """Whoever pushes may do what a deploy needs, and no more."""

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request of the admin's."""
        return self.server.ask(method, path, {"X-Nomad-Token": self.admin}, **more)

    def push(
        self, files: Mapping[str, str], *jobs: str, token: str = ""
    ) -> tuple[str, subprocess.CompletedProcess[str]]:
        """The project with these files and this stack as a commit, pushed; what git said."""
        for path, text in files.items():
            file = self.shop.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.shop.stack(*jobs)
        commit = self.shop.commit()
        secret = token or self.token
        remote = f"http://x:{secret}@{self.server.host}:{self.server.port}/shop.git"
        return commit, git("push", remote, "HEAD:main", cwd=self.shop.root, check=False)

    def as_laptop(self, token: str = "") -> dict[str, str]:
        """Let toolkit.toml say addresses, as for a cluster elsewhere; the user's variables."""
        state = self.shop.cluster.state
        (self.shop.root / "toolkit.toml").write_text(
            f'[environments.dev]\nnomad = "{state.nomad_address}"\n'
            f'consul = "{state.consul_address}"\nhook = "{self.server.url}"\n'
            'driver = "raw_exec"\n'
        )
        tokens = {"NOMAD_TOKEN": token or self.token, "CONSUL_HTTP_TOKEN": state.consul_token}
        return {**self.shop.environ(), **tokens}

    def last(self) -> dict[str, Any]:
        """The record of the newest deployment."""
        found = self.ask("GET", "/repos/shop/deployments").json()["deployments"]
        return dict(found[0])

    def running(self, prefix: str) -> list[str]:
        """Jobs whose tasks run now."""
        found = self.shop.nomad(f"/v1/jobs?prefix={prefix}")
        return [each["ID"] for each in found if each["Status"] == "running"]

    def output(self, job: str) -> str:
        """All that the newest instance of a job wrote."""
        found = self.shop.nomad(f"/v1/job/{job}/allocations")
        newest = max(found, key=lambda each: int(each["CreateIndex"]))
        with self.shop.cluster.nomad() as nomad:
            return nomad.logs(newest["ID"], "app", last_bytes=20_000).decode()


def deployer(shop: Pushed) -> dict[str, Any]:
    """A new token that may push to `shop`, as Nomad tells it."""
    body = {"Name": "alice", "Type": "client", "Policies": ["deployers"]}
    return dict(shop.nomad("/v1/acl/token", body, "POST"))


@contextmanager
def hook_yard(
    machine: Machine, folder: Path, *, builds: str = "", docker_endpoint: str | None = None
) -> Iterator[Yard]:
    """Agents that ask for tokens, a server with the repository `shop`, an empty project.

    `builds`: further keys of [builds]. `docker_endpoint`: of an engine that Nomad is to use.
    """
    with local_cluster(
        folder / "agents", acl=True, machine=machine, docker_endpoint=docker_endpoint
    ) as cluster:
        shop = Pushed(cluster, folder / "project")
        state = cluster.state
        config = CONFIG.replace("PORT", str(state.ports.hook_http))
        config = config.replace("STATE", str(cluster.root / STATE_FILE))
        config = config.replace("BUILDS", builds)
        (folder / "server").mkdir()
        server = HookProcess(
            folder / "server",
            state.nomad_address,
            config=config,
            PORT=str(state.ports.hook_http),
            NOMAD_TOKEN=state.nomad_token,
            CONSUL_HTTP_TOKEN=state.consul_token,
        )
        try:
            server.hear("ready")
            rules = {"Name": "deployers", "Rules": DEPLOYS}
            shop.nomad("/v1/acl/policy/deployers", rules, "POST")
            yard = Yard(shop, server, state.nomad_token, str(deployer(shop)["SecretID"]))
            assert yard.ask("PUT", "/repos/shop", json={}).status_code == 201
            yield yard
        finally:
            server.close()
