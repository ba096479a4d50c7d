"""The edge and the demonstration services as containers of a cluster that a cluster file makes.

Consul answers on each machine's loopback and wants a token, so that edge and frontend are on the
network of their machine, and the backend in one of its own.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from contextlib import closing
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
    pytest.mark.edge,
    pytest.mark.soak,
    # The first test of the session that needs the images waits for their build too.
    pytest.mark.timeout(400),
]

JOBS = Path(__file__).parents[2] / "jobs"
MORE = """\
[env.prod.check]
interval = "1s"
[env.prod.rollout]
min_healthy_time = "1s"
healthy_deadline = "60s"
progress_deadline = "90s"
shutdown_delay = "0s"
kill_timeout = "2s"
"""


def make_project(root: Path, agents: LocalCluster) -> None:
    """All three as equipment."""
    (root / "clusters").mkdir()
    ports = agents.state.ports
    edge = {
        "traefik_port": ports.edge_public,
        "private_port": ports.edge_private,
        "ping_port": ports.traefik_api,
    }
    lines = "\n".join(f"{name} = {port}" for name, port in edge.items())
    (root / "clusters/prod.toml").write_text(f"{PLAIN}[edge]\n{lines}\n")
    (root / "toolkit.toml").write_text("[environments.dev]\nlocal = true\n")
    # This machine's own port; a machine of a cluster has 8500.
    consul = {
        "traefik": agents.consul_address.removeprefix("http://"),
        "backend": "",
        "frontend": agents.consul_address,
    }
    for name, address in consul.items():
        shutil.copytree(JOBS / name, root / "jobs" / name)
        with (root / "jobs" / name / "job.toml").open("a") as file:
            one = "" if name == "traefik" else "count = 1\n"
            file.write(f"\n[env.prod]\nsystem = true\n{one}{MORE}")
            if address:
                file.write(f'[env.prod.variables]\nconsul_address = "{address}"\n')


@pytest.fixture
def edge_image(engine: Engine, machine: Machine) -> str:
    """An image of our Traefik, called as the one that the shipped job asks for."""
    import docker

    assert machine.traefik_bin is not None
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.add(machine.traefik_bin.resolve(), "traefik")
    with closing(docker.DockerClient(base_url=engine.host)) as client:
        client.api.import_image_from_data(
            tar.getvalue(), repository="traefik", tag="v3.7.15",
            changes=['ENTRYPOINT ["/traefik"]'],
        )  # fmt: skip
    return "traefik:v3.7.15"


def put_into_pool(agents: LocalCluster) -> None:
    """The only node says the pool that the cluster file has the edge on."""
    with agents.nomad() as nomad:
        [node] = nomad.nodes()
    made = httpx.post(
        f"{agents.nomad_address}/v1/client/metadata",
        params={"node_id": str(node["ID"])},
        json={"Meta": {"pool": "frontend"}},
        headers={"X-Nomad-Token": agents.state.nomad_token},
        trust_env=False,
    )
    assert made.status_code == 200, made.text


def test_the_edge_leads_to_a_frontend_that_finds_its_backend(
    engine: Engine, images: dict[str, str], edge_image: str, machine: Machine
) -> None:
    assert set(images) >= {"backend", "frontend"}
    root = Path(tempfile.mkdtemp(prefix="containers-"))
    try:
        with local_cluster(root, acl=True, docker_endpoint=engine.host, machine=machine) as agents:
            make_project(root, agents)
            put_into_pool(agents)
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
                traefik_user="toolkit",
                traefik_password=store.values[needed.TRAEFIK_API].reveal(),
            )
            report = equip(root, cluster, access, store)
            assert report.code is ExitCode.OK, report
            # Routes are verified at Traefik's API, which asks for the password of the store.
            assert {each.job: each.word for each in report.jobs} == dict.fromkeys(
                ("traefik", "backend", "frontend"), "deployed"
            )
            at = f"http://127.0.0.1:{agents.state.ports.edge_public}/"
            host = {"Host": "frontend.localhost"}
            answer = httpx.get(at, headers=host, trust_env=False, timeout=30)
            assert (answer.status_code, answer.headers["X-Backend-Release"]) == (200, "1.0.0")
            assert user_of(engine, edge_image) == "65532:65532"
    finally:
        shutil.rmtree(root, ignore_errors=True)


def user_of(engine: Engine, image: str) -> str:
    """As whom the only container of an image runs."""
    import docker

    with closing(docker.DockerClient(base_url=engine.host)) as client:
        [box] = client.containers.list(filters={"ancestor": image})
        return str(box.attrs["Config"]["User"])
