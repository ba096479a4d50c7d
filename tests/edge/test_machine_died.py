"""A machine that died: what Consul still lists of it for days is no reason to doubt a deploy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import local_cluster
from tests.agents.mortal import Mortal, mortals, ready, until
from tests.edge.front import Front
from toolkit.spec.dev import Machine

pytestmark = [pytest.mark.agents, pytest.mark.edge]

NOT_THE_SERVER = """
[[constraints]]
attribute = "${node.unique.name}"
operator = "!="
value = "dev-1"
"""


@pytest.fixture(scope="module")
def front(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("died")
    with local_cluster(folder / "agents", machine=machine) as cluster:
        front = Front(cluster, folder / "project")
        said = front.toolkit("deploy", "traefik", "--yes", "--allow-edge-restart")
        assert said.code == 0, said.out + said.err
        yield front
        front.close()


@pytest.fixture(scope="module")
def machines(front: Front, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Mortal]]:
    folder = tmp_path_factory.mktemp("machines")
    with mortals(front.cluster, folder, "worker-1", "worker-2") as machines:
        yield machines


def running(front: Front, name: str) -> dict[str, str]:
    """Allocation -> machine of what runs."""
    return {
        stub["ID"]: stub["NodeName"]
        for stub in front.nomad(f"/v1/job/{name}/allocations")
        if (stub["ClientStatus"], stub["DesiredStatus"]) == ("running", "run")
    }


def test_after_a_machine_died(front: Front, machines: dict[str, Mortal]) -> None:
    name = front.write(count=1, route=True, more=NOT_THE_SERVER)
    assert front.toolkit("deploy", name, "--yes").code == 0
    [(lost, where)] = running(front, name).items()
    machines[where].die()
    until("Nomad has noticed", lambda: where not in ready(front.cluster))
    until("it runs elsewhere", lambda: set(running(front, name)) not in ({lost}, set()))
    until("Consul passes it", lambda: any(
        next(iter(running(front, name))) in entry["Service"]["ID"]
        for entry in front.consul(f"/v1/health/service/{name}?passing=1")
    ))  # fmt: skip
    left = [
        entry["Service"]["ID"]
        for entry in front.consul(f"/v1/health/service/{name}")
        if entry["Node"]["Node"] == where
    ]
    assert any(lost in each for each in left), "Consul forgot the machine, so nothing is tested"

    verified = front.toolkit("verify", name, "--json")
    assert (verified.code, verified.report["verdict"]) == (0, "unchanged"), verified.out
    assert verified.link("consul")["state"] == "holds"
    [extra] = verified.report["verification"]["extras"]
    assert (extra["kind"], where in extra["detail"]) == ("dead", True)

    bumped = front.toolkit("deploy", name, "--release", "1.1.0", "--yes", "--json")
    assert (bumped.code, bumped.report["verdict"]) == (0, "deployed"), bumped.out

    stopped = front.toolkit("stop", name, "--purge", "--yes", "--json")
    assert stopped.code == 0, stopped.out + stopped.err
