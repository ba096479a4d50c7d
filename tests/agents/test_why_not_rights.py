"""Nomad leaves out what a token may not read, and does not say so: that is never taken for room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import local_cluster
from tests.agents.guarded import Guarded
from tests.agents.made_jobs import group, job, task
from toolkit.spec.dev import Machine

pytestmark = pytest.mark.agents

NODES = 'node { policy = "read" }'
MAY_PLAN = 'namespace "default" { policy = "write" }\n' + NODES
MAY_READ = 'namespace "default" { policy = "read" }\n' + NODES
MAY_NOT_SEE_NODES = 'namespace "default" { policy = "write" }'


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A cluster most of whose memory is taken by a job in a namespace of its own."""
    folder = tmp_path_factory.mktemp("hidden")
    with local_cluster(folder / "agents", acl=True, machine=machine) as cluster:
        shop = Guarded(cluster, folder / "project")
        shop.as_nobody()
        shop.nomad("/v1/namespace/hidden", {"Name": "hidden"})
        [node] = shop.nomad("/v1/nodes?resources=true")
        total = node["NodeResources"]["Memory"]["MemoryMB"]
        hcl = job(group(tasks=task(resources=f"cpu = 10\nmemory = {total - 500}")), name="big")
        parsed = shop.nomad("/v1/jobs/parse", {"JobHCL": hcl, "Canonicalize": True}, "POST")
        parsed |= {"Namespace": "hidden", "Datacenters": ["*"]}
        shop.nomad("/v1/jobs", {"Job": parsed}, "POST")
        shop.until("the hidden job runs", lambda: bool(_running(shop)))
        yield shop
        shop.nomad("/v1/job/big?namespace=hidden&purge=true", method="DELETE")
        shop.close()


def _running(shop: Guarded) -> list[dict[str, object]]:
    found = shop.nomad("/v1/job/big/allocations?namespace=hidden") or []
    return [each for each in found if each["ClientStatus"] == "running"]


@pytest.fixture(scope="module")
def wanted(shop: Guarded) -> str:
    """A registered job of 1000 MiB, for which there is no room."""
    name = shop.name("wanted")
    hcl = job(group(tasks=task(resources="cpu = 10\nmemory = 1000")), name=name, pool="default")
    parsed = shop.nomad("/v1/jobs/parse", {"JobHCL": hcl, "Canonicalize": True}, "POST")
    shop.nomad("/v1/jobs", {"Job": parsed}, "POST")
    return name


@pytest.mark.parametrize(
    ("rules", "code", "mark"),
    [(None, 4, "no"), (MAY_PLAN, 4, "unknown"), (MAY_READ, 5, "unknown")],
)
def test_the_less_a_token_may_the_less_is_claimed(
    shop: Guarded, wanted: str, rules: str | None, code: int, mark: str
) -> None:
    state = shop.cluster.state
    token = state.nomad_token if rules is None else shop.nomad_token(rules)["SecretID"]
    shop.given = {"NOMAD_TOKEN": token, "CONSUL_HTTP_TOKEN": state.consul_token}
    said = shop.toolkit("why-not", wanted, "--live", "--json")
    assert said.code == code, said.out + said.err
    [node] = said.report["groups"][0]["nodes"]
    assert node["mark"] == mark
    if rules is None:
        assert node["lacks"][0].endswith("MiB of memory")
    else:
        assert "namespaces that the token may not read" in " ".join(node["unclear"])


def test_without_the_nodes_there_is_nothing_to_say(shop: Guarded, wanted: str) -> None:
    token = shop.nomad_token(MAY_NOT_SEE_NODES)["SecretID"]
    shop.given = {"NOMAD_TOKEN": token, "CONSUL_HTTP_TOKEN": ""}
    said = shop.toolkit("why-not", wanted, "--live", "--json")
    assert (said.code, said.error["kind"]) == (1, "DeniedError")
