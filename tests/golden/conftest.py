"""Golden files: `pytest tests/golden --regenerate-golden` writes them anew; read the diff."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.lab import shared_lab
from toolkit.clients.nomad import Nomad


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate-golden", action="store_true", help="write the golden files anew")


@pytest.fixture
def regenerate(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--regenerate-golden", default=False))


@pytest.fixture
def nomad() -> Iterator[Nomad]:
    with shared_lab().open_nomad() as client:
        yield client
