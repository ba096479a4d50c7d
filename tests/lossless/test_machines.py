"""Two machines: one is emptied, and the edge of both is replaced, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import local_cluster
from tests.lossless.balancer import Target, balancer
from tests.lossless.machines import LOOPBACK, OTHER, SecondMachine, on_both, second_machine
from tests.lossless.shop_site import Site
from toolkit.config.tree import builtin_tree
from toolkit.spec.dev import Machine

pytestmark = [pytest.mark.agents, pytest.mark.edge, pytest.mark.timeout(600)]

ACCEPT_GRACE = 4
"""Seconds that an edge still answers after its signal: the balancer needs one to notice."""
EDGE = f"""
kind = "system"
[driver.raw_exec]
[resources]
cpu = 20
memory = 64
[ports.public]
static = 80
[ports.private]
static = 81
[ports.api]
static = 82
[check]
path = "/ping"
port = "api"
interval = "1s"
timeout = "5s"
[rollout]
min_healthy_time = "5s"      # the balancer takes three to trust an edge
healthy_deadline = "60s"
progress_deadline = "90s"
timeout = "120s"
shutdown_delay = "1s"
kill_timeout = "20s"
[variables]
throttle = "100ms"
accept_grace = "{ACCEPT_GRACE}s"
drain_grace = "10s"
"""


@pytest.fixture(scope="module")
def both(
    machine: Machine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, SecondMachine]]:
    """A site on two machines, with an edge on each."""
    root = tmp_path_factory.mktemp("machines")
    with (
        local_cluster(root / "cluster", machine=machine) as running,
        second_machine(running, root / "second") as second,
    ):
        site = Site(running, root / "site")
        site.made.append("traefik")
        template = builtin_tree().read("jobs/traefik/job.nomad.hcl.j2").decode()
        site.job_file("traefik", EDGE, {}, on_both(template))
        try:
            site.must("deploy", "traefik")
            yield site, second
        finally:
            site.close()


@pytest.fixture(scope="module")
def web(both: tuple[Site, SecondMachine]) -> str:
    return both[0].service("web", number=2)


def edges(site: Site) -> list[Target]:
    """The edge of each machine, as a balancer is told of them: fixed places."""
    ports = site.cluster.state.ports
    return [
        Target((address, ports.edge_public), (address, ports.traefik_api))
        for address in (LOOPBACK, OTHER)
    ]


def test_a_drained_node(both: tuple[Site, SecondMachine], web: str, rounds: int) -> None:
    site, second = both
    with site.callers(web) as callers:
        for number in range(rounds):
            if number:
                # What moved away comes back with the next release only.
                site.must("deploy", web, "--release", site.next_release())
                site.settled(web)
            assert [a for a in site.running(web) if a["NodeID"] == second.node]
            second.drain()
            site.until("the node is empty", second.drained)
            site.until_running(web, 2)
            second.open()
    callers.lost_none("node drained")


def test_the_edge_replaced_on_both_machines(
    both: tuple[Site, SecondMachine], web: str, rounds: int
) -> None:
    """Behind a balancer that asks /ping: each edge leaves it before it stops to answer."""
    site, _ = both
    targets = edges(site)
    site.until("both edges are up", lambda: len(site.running("traefik")) == 2)
    with balancer(targets) as address:
        site.until("both edges are well", lambda: all(each.healthy for each in targets))
        with site.callers(web, address=address) as callers:
            for number in range(rounds):
                before = {a["ID"] for a in site.running("traefik")}
                site.must("deploy", "traefik", "--var", f"throttle={200 + number}ms")
                site.settled("traefik")
                after = {a["ID"] for a in site.running("traefik")}
                assert len(after) == 2
                assert not before & after
            site.until("both edges are well", lambda: all(each.healthy for each in targets))
    callers.lost_none("edge replaced on two machines behind a balancer")
    # Each was away in its turn, and the balancer knew.
    for target in targets:
        assert target.changes == [True, *[False, True] * rounds]
