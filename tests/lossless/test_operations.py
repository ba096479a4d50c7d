"""What else is done to a running service, and what happens to it: nobody notices either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest

from tests.agents.cluster import local_cluster
from tests.lossless.idle import keeping, pauses
from tests.lossless.shop_site import Callers, Site, play
from toolkit.spec.dev import Machine

pytestmark = [pytest.mark.agents, pytest.mark.edge, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose Consul may be restarted."""
    root = tmp_path_factory.mktemp("operations")
    with local_cluster(root / "cluster", data=True, machine=machine) as running:
        site = Site(running, root / "site")
        site.made.append("traefik")
        try:
            site.must("deploy", "traefik")
            yield site
        finally:
            site.close()


def scaled(site: Site, rounds: int) -> Callers:
    web = site.service("scale", number=2)
    with site.callers(web) as callers:
        for _ in range(rounds):
            site.must("scale", web, "4")
            callers.wait_for(20)
            site.must("scale", web, "1")
            site.settled(web)
            site.must("scale", web, "2")
    return callers


def restarted(site: Site, rounds: int) -> Callers:
    """The same release in new processes, one after the other, each in its place."""
    web = site.service("again", number=2)
    with site.callers(web) as callers:
        for _ in range(rounds):
            site.must("restart", web)
    return callers


def keep_alive(site: Site, rounds: int) -> Callers:
    """The service hangs up after four seconds, the edge after three: POSTs after longer pauses."""
    return pauses(keeping(site), site.public, 2 * rounds)


SCENES = (restarted, scaled, keep_alive)


@pytest.fixture(scope="module")
def played(site: Site, rounds: int) -> Mapping[str, Future[Callers]]:
    return play(site, rounds, SCENES)


@pytest.mark.parametrize("name", sorted(scene.__name__ for scene in SCENES))
def test_nobody_notices(played: Mapping[str, Future[Callers]], name: str) -> None:
    played[name].result().lost_none(name)


def test_consul_restarts_during_a_bump(site: Site, rounds: int) -> None:
    """Once before the promotion, once while the old ones leave, with the default of ten seconds.

    The gate waits until it can see again, and the edge keeps the routes that it has. Those who
    leave are still routed to until Consul is back and the edge has asked again, which it does after
    five seconds: what it offers to somebody who is gone by then, it offers to another one.
    """
    web = site.service("consul", shutdown_delay='"10s"')
    with site.callers(web) as callers:
        for _ in range(rounds):
            for moment in ("  healthy", "promoted"):
                release = site.next_release()
                site.toolkit(
                    "deploy", web, "--release", release, "--yes",
                    on={moment: lambda: site.cluster.restart("consul")},
                )  # fmt: skip
                site.settled(web)
                site.until("it serves", lambda: set(site.serves(web)) == {site.release(web)})
                assert site.release(web) == release
    callers.lost_none("Consul restarted during a bump")
    assert release in callers.releases
