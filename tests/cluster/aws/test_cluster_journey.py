"""The whole way of a cluster, as a user types it: AWS's side is moto's, its machines are real.

The machines are those of a rehearsal of the same cluster file: hardened servers and workers that
answer by their names through its relay. The account holds the rehearsal's secrets, as a run of `up`
leaves them that was killed after it had made them.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.agents.cluster import pinned_machine
from tests.agents.shop import Said
from tests.cluster.aws.account import ACCOUNT, REGION, Aws
from tests.cluster.aws.leftovers import leftovers
from tests.cluster.cluster_files import SUM
from tests.cluster.rehearsing import Project, make_project
from tests.docs.schemas import check_printed
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.keys import Keys
from toolkit.clients.aws.parameters import ParameterStore
from toolkit.cluster.rehearsal.machines import clear
from toolkit.cluster.secrets.folder import FolderStore
from toolkit.cluster.template import alias, key_policy, stack_tags
from toolkit.spec.cluster_access import Access
from toolkit.workflows.cluster.files import open_cluster

pytestmark = [
    pytest.mark.root,
    pytest.mark.agents,
    pytest.mark.edge,
    pytest.mark.timeout(420),
]

LIMIT = 200.0
CLUSTER = f"""\
region = "{REGION}"
account = "{ACCOUNT}"
protected = false
[domain]
public = "example.com"
[edge]
names = ["shop.example.com"]
[pools.frontend]
type = "t3.small"
[pools.worker]
type = "t3.medium"
max = 4
[images]
amd64 = "ami-0123456789abcdef0"
arm64 = "ami-0123456789abcdef1"
"""
BINARIES = "".join(
    f"""\
[binaries.{name}]
version = "{version}"
amd64 = {{ sha256 = "{SUM}" }}
arm64 = {{ sha256 = "{SUM}" }}
"""
    for name, version in (("nomad", "1.11.3"), ("consul", "1.22.7"), ("cni", "1.6.2"))
)
PROJECT = """\
[stack]
jobs = ["traefik", "backend"]
[environments.dev]
local = true
[environments.prod]
driver = "raw_exec"
proxy = "{proxy}"
"""


@dataclass(frozen=True)
class Site:
    """A project whose cluster's machines run, and an account that knows nothing of them."""

    own: Project
    aws: Aws

    def cluster(self, *arguments: str) -> Said:
        """`toolkit cluster …` as a process; what it prints with --json is what is documented."""
        process = self.own.process("cluster", *arguments)
        try:
            out, err = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
        assert "Traceback" not in err, err
        if "--json" in arguments:
            check_printed(out)
        return Said(process.returncode, out, err)

    def shell(self, line: str) -> Said:
        """A line of sh, in which `toolkit` is the command."""
        tool = f'toolkit() {{ {shlex.quote(sys.executable)} -m toolkit "$@"; }}'
        paths = os.pathsep.join(path for path in sys.path if path)
        done = subprocess.run(
            ["/bin/sh", "-c", f"{tool}; {line}"],
            cwd=self.own.root,
            env={**self.own.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def write(self, **changes: str) -> None:
        """The cluster file, with some lines changed."""
        text = CLUSTER
        for old, new in changes.items():
            assert f"[pools.{old}]" in text
            text = text.replace(f"[pools.{old}]\n", f"[pools.{old}]\n{new}\n")
        (self.own.root / "clusters/prod.toml").write_text(text + BINARIES)


@pytest.fixture
def site(aws: Aws, tmp_path: Path) -> Iterator[Site]:
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
    made = make_project(tmp_path / "project", programs)
    own = replace(made, environ={**made.environ, **aws.environ})
    site = Site(own, aws)
    site.write()
    (own.root / "toolkit.toml").write_text(PROJECT.format(proxy="socks5h://127.0.0.1:1"))
    with (own.root / "jobs/traefik/job.toml").open("a") as file:
        file.write(f'[env.prod.driver.raw_exec]\ncommand = "{machine.traefik_bin}"\n')
    try:
        said = own.toolkit("cluster", "rehearse", "up", "prod", "--json")
        assert said.code == 0, said.out + said.err
        access = Access.from_json(own.places.access.read_text())
        (own.root / "toolkit.toml").write_text(PROJECT.format(proxy=access.proxy))
        aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="x")
        # Machines in AWS call themselves by their ids.
        names = {"frontend": 1, "worker": 2, "control": 1}
        aws.knobs(
            names={
                f"prod-pool-{pool}": [f"{pool}-{at}" for at in range(1, count + 1)]
                for pool, count in names.items()
            }
        )
        _hand_over(own)
        aws.forget()
        yield site
    finally:
        clear(own.places)


def _hand_over(own: Project) -> None:
    """The rehearsal's secrets into the account, below the key that `up` makes first."""
    cluster, cloud = open_cluster(own.root, "prod").cluster, Cloud(REGION)
    Keys(cloud).make(alias(cluster), key_policy(cluster, ACCOUNT), stack_tags(cluster))
    there = ParameterStore(cloud, cluster.name, alias(cluster))
    here = FolderStore(own.places.store)
    for name in here.names():
        value = here.get(name)
        assert value is not None
        there.put_new(name, value)
    cloud.close()


def test_from_a_file_to_a_cluster_and_back_to_nothing(site: Site) -> None:
    aws, own = site.aws, site.own
    plan = site.cluster("plan", "prod", "--json")
    assert plan.code == 10, plan.out + plan.err
    assert len(aws.calls()) <= 12

    # A worker group that cannot be made: what there is stays, and why is said.
    why = "You have requested more vCPU capacity than your limit"
    aws.knobs(fails={"PoolWorker": why})
    failed = site.cluster("up", "prod", "--json")
    assert failed.code == 3, failed.out + failed.err
    assert [each["reason"] for each in failed.report["failures"]] == [why]

    # The same command again, when there is nothing in its way.
    aws.knobs(fails={})
    up = site.cluster("up", "prod", "--json")
    assert up.code == 0, up.out + up.err
    assert {(each["job"], each["word"]) for each in up.report["equipment"]["jobs"]} == {
        ("traefik", "deployed")
    }
    again = site.cluster("up", "prod", "--json")
    assert (again.code, again.report["word"]) == (0, "unchanged"), again.out + again.err

    # All of it is seen: AWS's side, and through the proxy the servers'.
    look = site.cluster("status", "prod", "--json")
    assert look.code == 0, look.out + look.err
    assert look.report["unseen"] == []

    # A shell that leads into it.
    shell = site.shell('eval "$(toolkit cluster env prod)" && toolkit verify -e prod traefik')
    assert shell.code == 0, shell.out + shell.err

    # One worker more.
    site.write(worker="min = 2")
    grown = own.toolkit("cluster", "rehearse", "up", "prod", "--json")
    assert grown.code == 0, grown.out + grown.err
    up = site.cluster("up", "prod", "--json")
    assert up.code == 0, up.out + up.err
    assert [each["logical"] for each in up.report["changes"]] == ["PoolWorker"]
    groups = aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    desired = {each["AutoScalingGroupName"]: each["DesiredCapacity"] for each in groups}
    assert desired["prod-pool-worker"] == 2

    # Other machines: none is replaced by that, and that those which run are earlier ones is said.
    path = own.root / "clusters/prod.toml"
    path.write_text(path.read_text().replace("t3.medium", "m5.large"))
    up = site.cluster("up", "prod", "--yes", "--json")
    assert up.code == 0, up.out + up.err
    assert {each["name"] for each in up.report["earlier"]} == {"worker"}

    # And nothing is left.
    down = site.cluster("down", "prod", "--yes", "--json")
    assert down.code == 0, down.out + down.err
    assert leftovers(aws) == []
