"""`toolkit doctor` on a cluster of a test file's own: its nodes and agents are meddled with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.agents.cluster import local_cluster
from tests.agents.shop import Said, Shop
from toolkit.spec.dev import Machine

GONE = "0badc0de-0000-4000-8000-000000000000"

Check = dict[str, Any]


@contextmanager
def own_shop(machine: Machine, folder: Path) -> Iterator[Shop]:
    """A project on agents that keep their state."""
    with local_cluster(folder / "doctor", data=True, machine=machine) as cluster:
        shop = Shop(cluster, folder / "shop")
        yield shop
        shop.close()


def examine(shop: Shop, *arguments: str, **how: Any) -> tuple[Said, dict[str, Check]]:
    """Run it; every check by name."""
    said = shop.toolkit("doctor", "--json", *arguments, **how)
    return said, {check["name"]: check for check in said.report["checks"]}


def only(shop: Shop, name: str, **how: Any) -> Check:
    """One check."""
    said, checks = examine(shop, "--only", name, **how)
    assert list(checks) == [name]
    word = checks[name]["word"]
    assert said.code == {"passed": 0, "failed": 1, "could not tell": 5}[word], said.out
    return checks[name]


def every(check: Check) -> str:
    """All that a check says."""
    return "\n".join([check["summary"], *check["evidence"], *check["notes"], check["advice"] or ""])
