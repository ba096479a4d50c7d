"""What a new version costs the callers, whatever becomes of it: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from tests.lossless.shop_site import Callers, Site, play

pytestmark = [pytest.mark.agents, pytest.mark.edge, pytest.mark.timeout(600)]


def bump(site: Site, rounds: int) -> Callers:
    web = site.service("bump")
    with site.callers(web) as callers:
        for _ in range(rounds):
            release = site.next_release()
            site.must("deploy", web, "--release", release)
            site.settled(web)
    assert release in callers.releases
    assert len(callers.releases) == rounds + 1
    return callers


def slow_start(site: Site, rounds: int) -> Callers:
    """Three seconds in which an instance runs, and is not ready."""
    web = site.service("start")
    with site.callers(web) as callers:
        for _ in range(rounds):
            release = site.next_release()
            site.must("deploy", web, "--release", release, "--var", "environment.SLOW_START=3")
            site.settled(web)
    assert release in callers.releases
    return callers


def slow_shutdown(site: Site, rounds: int) -> Callers:
    """The signal comes two seconds after the last new request, which takes three."""
    web = site.service("shutdown", shutdown_delay='"2s"', kill_timeout='"20s"')
    with site.callers(web) as callers:
        for _ in range(rounds):
            release = site.next_release()
            site.must("deploy", web, "--release", release)
            site.settled(web)
    assert release in callers.releases
    return callers


def rollback(site: Site, rounds: int) -> Callers:
    web = site.service("rollback")
    site.must("deploy", web, "--release", site.next_release())
    with site.callers(web) as callers:
        for _ in range(rounds):
            site.must("rollback", web)
            site.settled(web)
    assert len(callers.releases) == 2
    return callers


def rule_changed(site: Site, rounds: int) -> Callers:
    """In place first, then with a new release: the old rule and the new one side by side."""
    web = site.service("rule")
    job = site.root / "jobs" / web / "job.toml"
    text = job.read_text()
    with site.callers(web) as callers:
        for number in range(rounds):
            more = f'hosts = ["{web}.localhost", "{web}-{number}.localhost"'
            job.write_text(text.replace(f'hosts = ["{web}.localhost"', more))
            site.must("deploy", web, "--release", site.release(web))
            assert site.through(f"{web}-{number}") == site.release(web)
            job.write_text(text)
            site.must("deploy", web, "--release", site.next_release())
            site.settled(web)
    assert len(callers.releases) == rounds + 1
    return callers


def auto_revert(site: Site, rounds: int) -> Callers:
    web = site.service("revert")
    with site.callers(web) as callers:
        for _ in range(rounds):
            wrong = ("--release", site.next_release(), "--var", "environment.DB_URL=")
            site.must("deploy", web, *wrong, ends=8)
            site.settled(web)
    assert callers.releases == {"1.0.0"}
    return callers


def canary_aborted(site: Site, rounds: int) -> Callers:
    """The canaries serve beside the old ones by then: sending them away is a scale down."""
    web = site.service("canary")
    with site.callers(web) as callers:
        for _ in range(rounds):
            release = site.next_release()
            site.must("deploy", web, "--release", release, "--no-promote", ends=9)
            site.until("the edge routes to canaries", lambda: len(site.servers(web)) == 6)
            callers.wait_for(30)
            site.must("abort", web)
            site.settled(web)
    assert {"1.0.0", release} <= callers.releases
    assert site.release(web) == "1.0.0"
    return callers


SCENES = (slow_start, canary_aborted, rule_changed, rollback, bump, slow_shutdown, auto_revert)
"""Played beside each other, each with a service and callers of its own; the longest first."""


@pytest.fixture(scope="module")
def played(site: Site, rounds: int) -> Mapping[str, Future[Callers]]:
    return play(site, rounds, SCENES)


@pytest.mark.parametrize("name", sorted(scene.__name__ for scene in SCENES))
def test_nobody_notices(played: Mapping[str, Future[Callers]], name: str) -> None:
    played[name].result().lost_none(name)
