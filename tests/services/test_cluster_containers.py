"""The demonstration services as containers of a cluster that a cluster file makes.

Consul answers on each machine's loopback and wants a token, so that the frontend is on the network
of its machine, and the backend in one of its own.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.agents.cluster import LocalCluster, local_cluster
from tests.cluster.cluster_files import PLAIN
from tests.cluster.memory_store import MemoryStore
from tests.services.engine import Engine
from toolkit.cluster.secrets import make_secrets, needed
from toolkit.errors import ExitCode
from toolkit.spec.cluster_access import Access
from toolkit.spec.dev import Machine
from toolkit.spec.target import Secret
from toolkit.workflows.cluster.equip import equip
from toolkit.workflows.cluster.files import open_cluster

pytestmark = [
    pytest.mark.docker,
    pytest.mark.root,
    pytest.mark.agents,
    # The first test of the session that needs the images waits for their build too.
    pytest.mark.timeout(400),
]

JOBS = Path(__file__).parents[2] / "jobs"
MORE = """
[env.prod]
count = 1
system = true
[env.prod.check]
interval = "1s"
[env.prod.rollout]
min_healthy_time = "1s"
shutdown_delay = "0s"
"""


def make_project(root: Path, agents: LocalCluster) -> None:
    """Both services as equipment, without an edge to verify routes at."""
    (root / "clusters").mkdir()
    (root / "clusters/prod.toml").write_text(PLAIN)
    (root / "toolkit.toml").write_text("[environments.dev]\nlocal = true\n")
    for name in ("backend", "frontend", "traefik"):
        shutil.copytree(JOBS / name, root / "jobs" / name)
        path = root / "jobs" / name / "job.toml"
        text = path.read_text()
        if name == "traefik":
            path.write_text(text.replace("system = true", "system = false"))
            continue
        path.write_text(text[: text.index("[route]")] + text[text.index("[check]") :] + MORE)
    # This machine's own port; a machine of a cluster has 8500.
    with (root / "jobs/frontend/job.toml").open("a") as file:
        file.write(f'[env.prod.variables]\nconsul_address = "{agents.consul_address}"\n')


def test_the_frontend_finds_its_backend_without_any_setting(
    engine: Engine, images: dict[str, str], machine: Machine
) -> None:
    assert set(images) >= {"backend", "frontend"}
    root = Path(tempfile.mkdtemp(prefix="containers-"))
    try:
        with local_cluster(root, acl=True, docker_endpoint=engine.host, machine=machine) as agents:
            make_project(root, agents)
            cluster, store = open_cluster(root, "prod").cluster, MemoryStore()
            make_secrets(store, cluster, datetime.now(UTC))
            store.replace(needed.READERS, Secret(agents.state.traefik_token))
            access = Access(
                nomad=agents.nomad_address,
                consul=agents.consul_address,
                proxy="",
                ca_file="",
                nomad_token=agents.state.nomad_token,
                consul_token=agents.state.consul_token,
            )
            report = equip(root, cluster, access, store)
            assert report.code is ExitCode.OK, report
            assert [each.job for each in report.jobs] == ["backend", "frontend"]
            with agents.consul() as consul:
                [instance] = consul.service("frontend").value
            at = f"http://{instance['Service']['Address']}:{instance['Service']['Port']}/"
            answer = httpx.get(at, trust_env=False, timeout=30)
            assert (answer.status_code, answer.headers["X-Backend-Release"]) == (200, "1.0.0")
    finally:
        shutil.rmtree(root, ignore_errors=True)
