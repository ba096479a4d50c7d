"""`toolkit explain` with a weak token, on a node that drains, and when Nomad has forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import local_cluster
from tests.agents.foreign import plain
from tests.agents.guarded import Guarded
from tests.agents.test_explain import explained, facts, first, until_failed
from toolkit.spec.dev import Machine

pytestmark = pytest.mark.agents

NO_LOGS = """
namespace "default" {
  capabilities = ["list-jobs", "parse-job", "read-job"]
}
"""
OTHERS = 'namespace "others" { policy = "read" }'


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("hidden")
    with local_cluster(folder / "agents", acl=True, machine=machine) as cluster:
        shop = Guarded(cluster, folder / "project")
        shop.as_nobody()
        yield shop
        shop.close()


@pytest.fixture(autouse=True)
def ourselves(shop: Guarded) -> None:
    """Each test begins with all rights."""
    state = shop.cluster.state
    shop.given = {"NOMAD_TOKEN": state.nomad_token, "CONSUL_HTTP_TOKEN": state.consul_token}


@pytest.fixture(scope="module")
def crashed(shop: Guarded) -> str:
    name = plain(shop, "crashed", "echo no such thing as luck >&2; exit 7")
    until_failed(shop, name)
    return name


def weak(shop: Guarded, rules: str) -> None:
    """Come with a token that may do only this in Nomad."""
    shop.given["NOMAD_TOKEN"] = str(shop.nomad_token(rules)["SecretID"])


def test_a_token_that_may_not_read_logs_names_the_capability(shop: Guarded, crashed: str) -> None:
    assert "stderr: no such thing as luck" in first(explained(shop, crashed))["evidence"]
    weak(shop, NO_LOGS)
    cause = first(explained(shop, crashed))
    assert (cause["kind"], "exited 7" in cause["summary"]) == ("crash", True)
    assert "the capability read-logs in namespace default" in cause["evidence"][0]
    assert "no such thing as luck" not in str(cause)


def test_a_token_that_may_see_nothing_is_told_so(shop: Guarded, crashed: str) -> None:
    weak(shop, OTHERS)
    said = shop.toolkit("explain", crashed, "--json")
    # The search shows such a token nothing: it is never told that there is nothing.
    assert said.code in {1, 5}, said.out
    assert "as far as the token may see" in said.out or "ermission denied" in said.out
    shop.given["NOMAD_TOKEN"] = "00000000-0000-0000-0000-000000000000"
    said = shop.toolkit("explain", crashed, "--json")
    assert (said.code, said.error["kind"]) == (5, "DeniedError")


def test_a_cluster_that_does_not_answer_is_unknown(shop: Guarded, crashed: str) -> None:
    said = shop.toolkit("explain", crashed, "--nomad-addr", "http://127.0.0.1:9", "--json")
    assert (said.code, said.error["kind"]) == (5, "UnreachableError")


def test_history_that_was_collected_is_said(shop: Guarded, crashed: str) -> None:
    [view] = shop.nomad(f"/v1/job/{crashed}/allocations")
    gone = view["ID"][:8]

    def collected() -> bool:
        # Nomad collects what is over; the job itself goes with the last of it.
        shop.nomad("/v1/system/gc", {}, "PUT")
        return not shop.nomad(f"/v1/job/{crashed}/allocations")

    shop.until("its allocations are collected", collected)
    said = shop.toolkit("explain", gone, "--json")
    assert (said.code, said.error["kind"]) == (1, "NotFoundError")
    assert "forgets" in said.error["hint"]
    said = shop.toolkit("explain", crashed, "--json")
    if said.code == 0:
        assert said.report["word"] in {"absent", "unknown", "unwell"}
        assert "exited 7" not in said.out
    else:
        assert (said.code, said.error["kind"]) == (1, "NotFoundError")


def test_a_node_that_drains(shop: Guarded) -> None:
    name = plain(shop, "moved")
    shop.until_running(name, 1)
    [view] = shop.running(name)
    drain = {"DrainSpec": {"Deadline": 60_000_000_000}, "MarkEligible": False}
    shop.nomad(f"/v1/node/{view['NodeID']}/drain", drain, "POST")
    try:
        shop.until(
            "the allocation left",
            lambda: shop.nomad(f"/v1/allocation/{view['ID']}")["ClientStatus"] == "complete",
        )
        node = explained(shop, view["NodeID"][:8])
        assert node["word"] in {"waiting", "stopped"}
        assert "drain" in facts(node, "drain") or "ineligible" in facts(node, "work")
        told = explained(shop, view["ID"][:8])
        assert (told["word"], first(told)["kind"]) == ("stopped", "drained")
        assert view["NodeName"] in first(told)["summary"]
        job = explained(shop, name)
        assert job["word"] in {"waiting", "unwell"}
        kinds = [cause["kind"] for cause in job["causes"]]
        assert kinds[0] == "drained", job["causes"]
        assert "unplaced" in kinds
    finally:
        shop.nomad(
            f"/v1/node/{view['NodeID']}/drain", {"DrainSpec": None, "MarkEligible": True}, "POST"
        )
