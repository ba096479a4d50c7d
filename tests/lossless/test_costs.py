"""What cannot be nothing: how much it is, so that the documentation can say so.

Nothing here protects: a service of one instance, an edge of one machine, a process that is killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from tests.lossless.shop_site import Callers, Site, play

pytestmark = [pytest.mark.agents, pytest.mark.edge, pytest.mark.soak]

ROUNDS = 5


def alone_bumped(site: Site, rounds: int) -> Callers:
    """One instance, and a canary beside it: this one costs nothing."""
    web = site.service("one", number=1)
    with site.callers(web) as callers:
        for _ in range(rounds):
            site.must("deploy", web, "--release", site.next_release())
            site.settled(web)
    return callers


def alone_bumped_without_canary(site: Site, rounds: int) -> Callers:
    """It stops before the next one starts."""
    web = site.service("bare", number=1, progress_deadline='"90s"\ncanaries = 0')
    with site.callers(web) as callers:
        for _ in range(rounds):
            site.must("deploy", web, "--release", site.next_release())
            site.settled(web)
    return callers


def alone_restarted(site: Site, rounds: int) -> Callers:
    web = site.service("only", number=1)
    with site.callers(web) as callers:
        for _ in range(rounds):
            site.must("restart", web)
    return callers


def bumped_without_canaries(site: Site, rounds: int) -> Callers:
    """Three instances, replaced one after the other: the others serve meanwhile."""
    web = site.service("turns", progress_deadline='"90s"\ncanaries = 0')
    with site.callers(web) as callers:
        for _ in range(rounds):
            site.must("deploy", web, "--release", site.next_release())
            site.settled(web)
    return callers


def reverted_without_canaries(site: Site, rounds: int) -> Callers:
    """Nomad's revert replaces every instance at once, healthy or not."""
    web = site.service("back", progress_deadline='"90s"\ncanaries = 0')
    with site.callers(web) as callers:
        for _ in range(rounds):
            wrong = ("--release", site.next_release(), "--var", "environment.DB_URL=")
            site.must("deploy", web, *wrong, ends=8)
            site.settled(web)
    return callers


def killed(site: Site, rounds: int) -> Callers:
    """An instance that dies takes along what it was doing."""
    web = site.service("killed")
    with site.callers(web) as callers:
        for _ in range(rounds):
            callers.wait_for(60)
            [victim, *_] = site.running(web)
            path = f"/v1/client/allocation/{victim['ID']}/signal"
            site.nomad(path, {"Signal": "SIGKILL", "Task": "app"})
            site.until("it is away", lambda: len(site.passing(web)) == 2)
            site.until("three serve", lambda: len(site.servers(web)) == 3)
    return callers


SCENES = (
    killed, alone_bumped_without_canary, alone_restarted, alone_bumped, bumped_without_canaries,
    reverted_without_canaries,
)  # fmt: skip

LOSES_NOTHING = {"alone_bumped", "bumped_without_canaries"}
LOSES_SOMETIMES = {"reverted_without_canaries"}


@pytest.fixture(scope="module")
def played(site: Site) -> Mapping[str, Future[Callers]]:
    return play(site, ROUNDS, SCENES)


@pytest.mark.parametrize("name", [scene.__name__ for scene in SCENES])
def test_what_it_costs(played: Mapping[str, Future[Callers]], name: str) -> None:
    callers = played[name].result()
    if name in LOSES_NOTHING:
        callers.lost_none(name)
    elif name in LOSES_SOMETIMES:
        callers.say(name)
    else:
        callers.lost_some(name)


def test_the_only_edge_replaced(site: Site) -> None:
    """Nobody answers until the new one has its port."""
    web = site.service("web")
    with site.callers(web) as callers:
        for number in range(ROUNDS):
            change = ("--var", f"throttle={200 + number}ms")
            site.must("deploy", "traefik", *change, "--allow-edge-restart")
            callers.wait_for(60)
    callers.lost_some("the only edge replaced")
