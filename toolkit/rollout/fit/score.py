"""What only prefers: affinities and spreads never forbid a node; pure."""

from __future__ import annotations

from toolkit.rollout.fit.facts import GroupFacts, NodeFacts
from toolkit.rollout.fit.interpolate import resolve
from toolkit.rollout.fit.operators import decide


def affinity(group: GroupFacts, node: NodeFacts) -> float | None:
    """The share of the weights that the node matches, -1 to 1; None without affinities.

    None as well where the node's attributes could not be read.
    """
    weights = sum(abs(rule.weight) for rule in group.affinities)
    if not weights:
        return None
    total = 0
    for rule in group.affinities:
        left, right = resolve(rule.left, node), resolve(rule.right, node)
        if not (left.read and right.read):
            return None
        if decide(rule.operator, left, right):
            total += rule.weight
    return total / weights
