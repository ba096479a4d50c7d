"""Golden files: `pytest tests/golden --regenerate-golden` writes them anew; read the diff."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from toolkit.clients.nomad import Nomad


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate-golden", action="store_true", help="write the golden files anew")


@pytest.fixture
def regenerate(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--regenerate-golden", default=False))


@pytest.fixture
def nomad(cluster: LocalCluster) -> Iterator[Nomad]:
    with Nomad(cluster.target().nomad) as client:
        yield client
