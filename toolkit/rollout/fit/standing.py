"""Whether a node takes work of this job at all: its state, datacenter and pool; pure."""

from __future__ import annotations

from toolkit.rollout.fit.facts import NodeFacts
from toolkit.rollout.fit.room import YES
from toolkit.spec.fit import Cell


def ready_cell(node: NodeFacts) -> Cell:
    """Ready, eligible and not draining."""
    if node.status != "ready":
        return Cell("no", f"is {node.status or 'of unknown status'}", 0.95)
    if node.draining:
        return Cell("no", "is draining", 0.95)
    if not node.eligible:
        return Cell("no", "is not eligible for new work", 0.95)
    return YES


def datacenter_cell(datacenters: tuple[str, ...], node: NodeFacts) -> Cell:
    """In one of the datacenters; `*` stands for any text."""
    if any(globbed(pattern, node.datacenter) for pattern in datacenters):
        return YES
    return Cell("no", f"is in datacenter {node.datacenter}", 2.0)


def pool_cell(pool: str, node: NodeFacts) -> Cell:
    """In the node pool; the pool `all` has every node."""
    if pool in {"all", node.pool}:
        return YES
    return Cell("no", f"is in pool {node.pool}", 2.0)


def globbed(pattern: str, text: str) -> bool:
    """Nomad's own matching: each part is looked for from the left, the last at the end."""
    if pattern == "*":
        return True
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    if not text.startswith(first):
        return False
    text = text[len(first) :]
    for part in rest[:-1]:
        found = text.find(part)
        if found < 0:
            return False
        text = text[found + len(part) :]
    return text.endswith(rest[-1])
