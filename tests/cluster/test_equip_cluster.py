"""A rehearsed cluster equipped as one in AWS is, with every name and port of its edge its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.agents.cluster import pinned_machine
from tests.cluster.rehearsing import JOBS, TRAEFIK, Project, make_project
from tests.services.running import until
from toolkit.clients.socks import connect
from toolkit.cluster.rehearsal import plan
from toolkit.cluster.rehearsal.machines import clear
from toolkit.cluster.secrets import read_secrets
from toolkit.cluster.secrets.folder import FolderStore
from toolkit.errors import ExitCode
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_access import Access
from toolkit.spec.equip import EquipReport
from toolkit.spec.target import Secret
from toolkit.workflows.cluster.equip import equip
from toolkit.workflows.cluster.files import open_cluster
from toolkit.workflows.cluster.servers import Servers

pytestmark = [pytest.mark.root, pytest.mark.agents, pytest.mark.edge]

LIMIT = 30.0
# Both pools are of one class: it is the pool that says where the edge is.
CLUSTER = """\
region = "eu-west-1"
[edge]
kind = "nlb"
pool = "web"
traefik_port = 8000
private_port = 8001
ping_port = 8002
[pools.web]
type = "t3.small"
node_class = "small"
node_pool = "entrance"
[pools.worker]
type = "t3.large"
node_class = "small"
[binaries.nomad]
version = "1.11.3"
[binaries.consul]
version = "1.22.7"
"""
PROJECT = """\
[stack]
jobs = ["traefik"]
[environments.dev]
local = true
[environments.prod]
driver = "raw_exec"
"""
KICK = """\
cluster = "prod"
[[zone]]
name = "apps.internal"
visibility = "private"
provider = "local"
[targets]
private = ["10.0.0.0/8"]
[[policy.person]]
management = true
[[policy.person.grants]]
names = ["*.apps.internal"]
types = ["A"]
zones = ["private"]
most = 10
"""
QUICK = """
[env.prod.check]
interval = "1s"
[env.prod.rollout]
min_healthy_time = "1s"
"""


@dataclass(frozen=True)
class Site:
    """A rehearsal, and how it is equipped."""

    project: Project
    cluster: Cluster

    @property
    def access(self) -> Access:
        return Access.from_json(self.project.places.access.read_text())

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.project.places.store)

    @property
    def secrets(self) -> Mapping[str, Secret]:
        return read_secrets(self.store, self.cluster)

    def equip(self) -> EquipReport:
        return equip(self.project.root, self.cluster, self.access, self.store)

    def get(self, host: str) -> bytes:
        """What the world is answered at the balancer."""
        place = (plan.balancer_address(self.cluster), self.cluster.edge.http or 80)
        with closing(connect(urlsplit(self.access.proxy), place, LIMIT)) as line:
            line.sendall(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            heard = b""
            while data := line.recv(65536):
                heard += data
        return heard


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if os.geteuid() != 0:
        pytest.skip("root: machines of a rehearsal are namespaces and cgroups")
    machine = pinned_machine()
    assert machine.nomad_bin is not None
    assert machine.consul_bin is not None
    assert machine.traefik_bin is not None
    programs = {
        "nomad": machine.nomad_bin,
        "consul": machine.consul_bin,
        "traefik": machine.traefik_bin,
    }
    project = make_project(tmp_path_factory.mktemp("equipped") / "project", programs)
    jobs = project.root / "jobs"
    (project.root / "toolkit.toml").write_text(PROJECT)
    (project.root / "clusters/prod.toml").write_text(CLUSTER)
    shutil.copytree(JOBS / "kick", jobs / "kick")
    (jobs / "kick/kick.prod.toml").write_text(KICK)
    traefik = f'[env.prod.driver.raw_exec]\ncommand = "{machine.traefik_bin}"\n'
    for name, text in (
        ("traefik", TRAEFIK + traefik), ("kick", QUICK),
    ):  # fmt: skip
        shipped = (JOBS / name / "job.toml").read_text()
        (jobs / name / "job.toml").write_text(shipped + text)
    try:
        said = project.toolkit("cluster", "rehearse", "up", "prod", "--json")
        assert said.code == 0, said.out + said.err
        own = Site(project, open_cluster(project.root, "prod").cluster)
        report = own.equip()
        assert report.code is ExitCode.OK, report
        assert {each.job: each.word for each in report.jobs} == {
            "kick": "deployed", "traefik": "deployed",
        }  # fmt: skip
        yield own
    finally:
        clear(project.places)


def test_each_job_is_where_the_cluster_file_says_and_nothing_is_done_twice(site: Site) -> None:
    report = site.equip()
    assert [each.word for each in report.jobs] == ["unchanged", "unchanged"]
    with Servers(site.cluster, site.access, site.secrets, origin="a test") as asked:
        nodes = {
            job: [each["NodeName"] for each in asked.nomad.allocations(job).value]
            for job in ("traefik", "kick")
        }
        control = next(each for each in asked.nomad.nodes() if each["Name"] == "control-1")
        volumes = (asked.nomad.node(str(control["ID"])) or {})["HostVolumes"]
    assert nodes == {"traefik": ["web-1"], "kick": ["control-1"]}
    assert {name: volumes[name]["Path"] for name in ("kick", "hook")} == {
        "kick": "/opt/state/kick", "hook": "/opt/state/hook",
    }  # fmt: skip


def test_the_balancer_takes_the_edge_in_by_a_check_that_begins_with_the_proxy_protocol(
    site: Site,
) -> None:
    # Its own answer to a name that no job has a route for.
    answer = until(lambda: site.get("nobody.example.com"), "the balancer took the edge in")
    assert answer.split()[1] == b"404", answer
