"""What a constraint's side stands for on one node; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from toolkit.rollout.fit.facts import NodeFacts


class Value(NamedTuple):
    """A side of a constraint on one node."""

    text: str
    found: bool
    read: bool = True
    """False: it is an attribute of a node whose attributes could not be read."""


MISSING = Value("", False)


def resolve(target: str, node: NodeFacts) -> Value:
    """The value of `target`: a literal, or one whole `${…}`; Nomad knows nothing in between.

    A name that Nomad's scheduler does not know, such as `${node.region}`, is not found.
    """
    if not target.startswith("${"):
        return Value(target, True)
    known = {
        "${node.unique.id}": node.id,
        "${node.unique.name}": node.name,
        "${node.datacenter}": node.datacenter,
        "${node.class}": node.node_class,
        "${node.pool}": node.pool,
    }
    if target in known:
        return Value(known[target], True)
    for prefix, values in (("${attr.", node.attributes), ("${meta.", node.meta)):
        if target.startswith(prefix):
            return _look(values, target.removeprefix(prefix).removesuffix("}"))
    return MISSING


def _look(values: Mapping[str, str] | None, key: str) -> Value:
    if values is None:
        return Value("", False, read=False)
    return Value(values[key], True) if key in values else MISSING


def asked_of(target: str) -> tuple[str, str] | None:
    """`attr` or `meta` and the key, where the target is one; else None."""
    for word in ("attr", "meta"):
        if target.startswith(f"${{{word}."):
            return word, target.removeprefix(f"${{{word}.").removesuffix("}")
    return None
