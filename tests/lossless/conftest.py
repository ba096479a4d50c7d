"""A cluster for each file: they run beside each other, and some take their edge away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import local_cluster
from tests.lossless.shop_site import Site
from toolkit.spec.dev import Machine


@pytest.fixture(scope="module")
def site(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site behind the shipped edge."""
    root = tmp_path_factory.mktemp("lossless")
    with local_cluster(root / "cluster", machine=machine) as running:
        site = Site(running, root / "site")
        site.made.append("traefik")
        try:
            site.must("deploy", "traefik")
            yield site
        finally:
            site.close()


@pytest.fixture(
    scope="module",
    params=[pytest.param(1, id="once"), pytest.param(10, id="often", marks=pytest.mark.soak)],
)
def rounds(request: pytest.FixtureRequest) -> int:
    """How often a scene is played in one load."""
    number: int = request.param
    return number
