"""What every room of tests shares."""

from __future__ import annotations

from tests.agents.dev_fixtures import acl_cluster, cluster, data_cluster, machine
from tests.scheduling import pytest_xdist_make_scheduler

__all__ = ["acl_cluster", "cluster", "data_cluster", "machine", "pytest_xdist_make_scheduler"]
