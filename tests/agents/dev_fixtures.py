"""Fixtures of the local cluster; `tests/conftest.py` hands them to every room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster, local_cluster, pinned_machine
from toolkit.spec.dev import Machine


@pytest.fixture(scope="session")
def machine() -> Machine:
    """This machine with our pinned agents; builds them when the cache has none."""
    return pinned_machine()


@pytest.fixture(scope="session")
def cluster(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """The session's cluster in dev mode: never stop its agents, purge the jobs you register."""
    with local_cluster(tmp_path_factory.mktemp("cluster"), machine=machine) as running:
        yield running


@pytest.fixture
def data_cluster(machine: Machine, tmp_path: Path) -> Iterator[LocalCluster]:
    """A cluster of the test's own whose agents can be stopped, killed and started again."""
    with local_cluster(tmp_path / "data", data=True, machine=machine) as running:
        yield running


@pytest.fixture
def acl_cluster(machine: Machine, tmp_path: Path) -> Iterator[LocalCluster]:
    """A cluster of the test's own that asks for tokens."""
    with local_cluster(tmp_path / "acl", acl=True, machine=machine) as running:
        yield running
