"""What is lost when the protection is taken away: the same counting, and it is never 0.

A count of failed requests that cannot rise proves nothing. Each scene takes one thing away and
loses; where it can, the same rollout is watched through the shipped edge, and loses nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.commands import nomad_run
from tests.lossless.careless import careless_edge
from tests.lossless.idle import keeping, pauses
from tests.lossless.shop_site import Site

pytestmark = [pytest.mark.agents, pytest.mark.edge, pytest.mark.soak]


@pytest.fixture(scope="module")
def careless(site: Site) -> str:
    """An edge that takes changes 40 s apart, tries once, keeps idle connections long."""
    return careless_edge(site)


def rendered(site: Site, web: str, *changes: tuple[str, str]) -> str:
    """The job as Nomad would get it, with something taken away."""
    hcl = site.toolkit("render", web, "--release", site.next_release()).out
    for old, new in changes:
        assert old in hcl, old
        hcl = hcl.replace(old, new)
    return hcl


def test_an_edge_that_learns_too_late(site: Site, careless: str) -> None:
    """It has just learned of the old instances, and of nothing else until they are gone."""
    web = site.service("late")
    site.until("it routes", lambda: site.through_at(careless, web) == "1.0.0")
    with site.callers(web, address=careless) as late, site.callers(web) as callers:
        site.must("deploy", web, "--release", site.next_release())
        site.settled(web)
        late.wait_for(60)
    late.lost_some("bump, edge takes changes 40 s apart")
    callers.lost_none("the same bump, shipped edge")


def test_no_time_to_finish(site: Site) -> None:
    web = site.service("killed", shutdown_delay='"0s"', kill_timeout='"100ms"')
    with site.callers(web) as callers:
        site.must("deploy", web, "--release", site.next_release())
        site.settled(web)
    callers.lost_some("bump, no shutdown delay, killed after 0.1 s")


def test_a_router_of_the_same_name(site: Site) -> None:
    """While both rules run under one name, Traefik drops the router: 404 for everybody."""
    web = site.service("named")
    [router] = site.routers(web)
    name = str(router["service"])
    plain = site.root / f"{web}.nomad.hcl"
    plain.write_text(rendered(site, web, (name, web)))
    site.must("stop", web)
    site.must("deploy", str(plain))
    site.until("it routes", lambda: site.through(web).startswith("2."))
    changed = (f"Host(`{web}.localhost`)", f"Host(`{web}.localhost`) || Host(`x.{web}.localhost`)")
    plain.write_text(rendered(site, web, (name, web), changed))
    with site.callers(web) as callers:
        # It never gets there: the router that the gate waits for is the one that is dropped.
        site.toolkit(
            "deploy", str(plain), "--allow", "router-tags", "--yes", "--timeout", "20s"
        )  # fmt: skip
        callers.wait_for(30)
    callers.lost_some("routing rule changed, same router name")


def test_promoted_on_nomads_word(site: Site, tmp_path: Path) -> None:
    """Nomad looks at the tasks alone: they run, and ten seconds later they can serve."""
    web = site.service("word")
    hcl = rendered(
        site,
        web,
        ("auto_promote      = false", "auto_promote      = true"),
        ('health_check      = "checks"', 'health_check      = "task_states"'),
        ('"DB_URL"', '"SLOW_START" = "10"\n"DB_URL"'),
    )
    nomad = site.cluster.process("nomad").binary
    with site.callers(web) as callers:
        code, _ = nomad_run(nomad, site.cluster.nomad_address, hcl, tmp_path)
        assert code == 0
        site.settled(web)
    callers.lost_some("bump, promoted on Nomad's word alone")


def test_idle_connections_kept_longer_than_the_service_does(site: Site, careless: str) -> None:
    web = keeping(site)
    site.until("it routes", lambda: site.through_at(careless, web) == "1.0.0")
    pauses(web, careless, 3).lost_some("POST after a pause, edge keeps connections for 90 s")
