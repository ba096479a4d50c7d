"""An AWS account for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.aws.account import Aws, account


@pytest.fixture(scope="session")
def aws_server() -> Iterator[Aws]:
    """One server for all tests of a worker."""
    with account() as aws:
        yield aws


@pytest.fixture
def aws(aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An empty account; this process has its credentials as well."""
    aws_server.reset()
    for name, value in aws_server.environ.items():
        monkeypatch.setenv(name, value)
    yield aws_server
    aws_server.calm()
