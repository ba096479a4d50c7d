"""`git push` to a hook server, a process beside real agents: deployed, refused, resumed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hook.who import Who

from tests.agents.cluster import local_cluster
from tests.agents.pushing import Pushed
from tests.services.hook.hook_process import HookProcess
from tests.services.running import PATIENCE
from toolkit.spec.agents import STATE_FILE
from toolkit.spec.dev import Machine
from toolkit.spec.identity import Person

pytestmark = pytest.mark.agents

CONFIG = """\
cluster = "dev"
url = "http://127.0.0.1:8655"
[target]
environment = "dev"
state = "{state}"
[hooks]
same_user = true
[[policy.person]]
management = true
grants = [{{ repos = ["*"], rights = ["admin"] }}]
[[policy.person]]
policies = ["{policy}"]
grants = [{{ repos = ["shop"], rights = ["push"] }}]
"""


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushed]:
    folder = tmp_path_factory.mktemp("pushed")
    with local_cluster(folder / "agents", acl=True, machine=machine) as cluster:
        # The cluster ends with these tests, and all that they made with it.
        yield Pushed(cluster, folder / "project")


@pytest.fixture(scope="module")
def alice(shop: Pushed) -> Who:
    return shop.somebody("alice")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the server's file and data: both outlive a process."""
    return tmp_path_factory.mktemp("hook")


def start(shop: Pushed, alice: Who, folder: Path) -> HookProcess:
    """A server that has begun."""
    state = shop.cluster.state
    assert isinstance(alice.caller, Person)
    said = shop.nomad(f"/v1/acl/token/{alice.caller.accessor}")
    running = HookProcess(
        folder,
        state.nomad_address,
        config=CONFIG.format(state=shop.cluster.root / STATE_FILE, policy=said["Policies"][0]),
        CONSUL_HTTP_ADDR=state.consul_address,
        NOMAD_TOKEN=state.nomad_token,
        CONSUL_HTTP_TOKEN=state.consul_token,
    )
    try:
        running.hear("ready")
        admin = {"X-Nomad-Token": state.nomad_token}
        assert running.ask("PUT", "/repos/shop", admin, json={}).status_code in (200, 201)
    except BaseException:
        running.close()
        raise
    return running


@pytest.fixture(scope="module")
def server(shop: Pushed, alice: Who, folder: Path) -> Iterator[HookProcess]:
    running = start(shop, alice, folder)
    yield running
    running.close()


def pushing(
    shop: Pushed, server: HookProcess, who: Who, ref: str = "main"
) -> subprocess.Popen[str]:
    """Git at work, and what it shows."""
    shop.commit()
    return subprocess.Popen(
        ["git", "push", server.remote("shop", who.token.reveal()), ref],
        cwd=shop.root, env=shop.environ(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def push(shop: Pushed, server: HookProcess, who: Who) -> tuple[int, str]:
    """Exit code of git, and what it showed."""
    with pushing(shop, server, who) as git:
        said = git.communicate(timeout=PATIENCE * 2)[1]
    return git.returncode, said


def bearer(who: Who) -> dict[str, str]:
    return {"Authorization": f"Bearer {who.token.reveal()}"}


def record(server: HookProcess, who: Who) -> dict[str, Any]:
    """The newest deployment."""
    found = server.ask("GET", "/repos/shop/deployments", bearer(who)).json()["deployments"]
    return max(found, key=lambda each: int(each["id"]))


def outcomes(server: HookProcess, action: str) -> list[str]:
    """What became of it, as the audit says."""
    return [
        each["result"]
        for each in server.entries()
        if (each["kind"], each["action"]) == ("outcome", action)
    ]


def test_a_push_deploys_shows_it_and_is_in_the_audit(
    shop: Pushed, server: HookProcess, alice: Who
) -> None:
    (name,) = shop.names("web")
    shop.stack(shop.service(name))
    code, said = push(shop, server, alice)
    assert code == 0, said
    assert f"remote: shop {shop.git('rev-parse', 'HEAD')[:7]} → plan: {name} 1.0.0" in said
    assert "remote: deployed" in said
    assert record(server, alice)["state"] == "deployed"
    assert outcomes(server, "push")[-1] == "done"
    secret = alice.token.reveal()
    kept = b"".join(path.read_bytes() for path in server.folder.rglob("*") if path.is_file())
    assert secret.encode() not in kept
    assert secret not in json.dumps(server.said)


def test_a_plan_that_is_refused_never_moves_the_ref(
    shop: Pushed, server: HookProcess, alice: Who
) -> None:
    remote = server.remote("shop", alice.token.reveal())
    before = shop.git("ls-remote", remote)
    was = record(server, alice)["id"]
    (name,) = shop.names("broken")
    shop.stack(shop.service(name))
    (shop.root / "jobs" / name / "job.toml").write_text('name = "x"\nkind = "service"\ncuont = 1\n')
    code, said = push(shop, server, alice)
    assert code == 1
    assert f"jobs/{name}/job.toml:3" in said
    assert shop.git("ls-remote", remote) == before
    assert record(server, alice)["id"] == was
    assert outcomes(server, "push")[-1] == "refused"


def test_a_server_that_ends_in_mid_rollout_tells_so_and_is_resumed(
    shop: Pushed, server: HookProcess, alice: Who, folder: Path
) -> None:
    migrate, name = shop.names("migrate", "after")
    gate = shop.gated(migrate)
    shop.stack(migrate, shop.service(name, f"{migrate}:done"))
    with pushing(shop, server, alice) as git:
        assert git.stderr is not None
        heard = []
        for line in git.stderr:
            heard.append(line)
            if f"remote: {migrate}  version 0" in line:
                break
        assert server.end() == 0, server.errors
        heard += git.stderr
    number = int(record_on_disk(folder)["id"])
    assert f"toolkit repo resume shop {number} goes on" in "".join(heard)
    # What it held is free at once, and not only when Nomad no longer hears of it.
    locks = {each["Path"]: each["Lock"] for each in shop.nomad("/v1/vars?prefix=toolkit/locks/")}
    assert locks[f"toolkit/locks/{migrate}"] is None
    assert not any(locks.values())
    gate.touch()
    after = start(shop, alice, folder)
    try:
        assert record(after, alice)["state"] == "needs-token"
        path = f"/repos/shop/deployments/{number}"
        assert after.ask("POST", f"{path}/resume", bearer(alice), json={}).status_code == 202
        log = after.ask("GET", f"{path}/log?follow=true", bearer(alice))
        assert json.loads(log.text.splitlines()[-1])["text"].startswith("deployed"), log.text
        assert record(after, alice)["state"] == "deployed"
        assert after.end() == 0
    finally:
        after.close()


def record_on_disk(folder: Path) -> dict[str, Any]:
    """The newest record, as the server left it."""
    paths = (folder / "data" / "deployments" / "shop").glob("*.json")
    newest = max(paths, key=lambda path: int(path.stem))
    said: dict[str, Any] = json.loads(newest.read_text())
    return said
