"""A pusher's repository, and a registry with one to push to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repos.source import Source
from toolkit.repos.registry import Registry


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """An empty repository of a pusher."""
    return Source(tmp_path / "source.git")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry without repositories."""
    return Registry(tmp_path / "data", now=lambda: 1_800_000_000.0)


@pytest.fixture
def bare(registry: Registry) -> Path:
    """Where the repository `shop` is."""
    return registry.path(registry.create("shop", creator="ann")[0])
