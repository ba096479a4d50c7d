"""What a constraint's side stands for on one node; pure."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from toolkit.rollout.fit.facts import NodeFacts


class Value(NamedTuple):
    """A side of a constraint on one node."""

    text: str
    found: bool
    read: bool = True
    """False: it is an attribute of a node whose attributes could not be read."""


MISSING = Value("", False)
UNREAD = Value("", False, read=False)


def resolve(target: str, node: NodeFacts) -> Value:
    """The value of `target`: a literal, or one whole `${…}`; Nomad knows nothing in between.

    A name that Nomad's scheduler does not know, such as `${node.region}`, is not found.
    """
    if not target.startswith("${"):
        return Value(target, True)
    match target:
        case "${node.unique.id}":
            return Value(node.id, True)
        case "${node.unique.name}":
            return Value(node.name, True)
        case "${node.datacenter}":
            return Value(node.datacenter, True)
        case "${node.class}":
            return Value(node.node_class, True)
        case "${node.pool}":
            return Value(node.pool, True)
    key = asked_of(target)
    if key is None:
        return MISSING
    kind, name = key
    values = node.attributes if kind == "attr" else node.meta
    if values is None:
        return UNREAD
    return Value(values[name], True) if name in values else MISSING


@lru_cache(maxsize=1024)
def asked_of(target: str) -> tuple[str, str] | None:
    """`attr` or `meta` and the key, where the target is one; else None."""
    for word in ("attr", "meta"):
        if target.startswith(f"${{{word}."):
            return word, target.removeprefix(f"${{{word}.").removesuffix("}")
    return None
