"""One Traefik for all tests of the edge: the shipped job, deployed by the command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.edge.front import Front


@pytest.fixture(scope="session")
def front(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A project behind a running edge."""
    front = Front(cluster, tmp_path_factory.mktemp("fronts") / "front")
    front.made += ["traefik", "backend", "frontend"]
    try:
        said = front.deploy("traefik")
        assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out + said.err
        yield front
    finally:
        front.close()
