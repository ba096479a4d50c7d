"""Nomad's nodes as the machines of pools: what the two have in common. Pure.

Nomad knows nothing of a pool, but its machines' class and node pool; pools that say the same of
both are one to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from toolkit.spec.cluster import Pool

Place = tuple[str, str]
"""Nomad's node class and node pool."""


def place_of(pool: Pool) -> Place:
    """Where Nomad has the machines of a pool."""
    return pool.node_class or pool.name, pool.node_pool


def ready_nodes(nodes: Iterable[Mapping[str, object]]) -> Mapping[Place, int]:
    """How many nodes of each place are ready, of a list as Nomad gives it."""
    return Counter(
        (str(node.get("NodeClass") or ""), str(node.get("NodePool") or "default"))
        for node in nodes
        if node.get("Status") == "ready"
    )
