"""Which node is nearest, and what to do about it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from toolkit.spec.fit import Demand, NodeFit

_RANK = {"yes": 0, "unknown": 1, "no": 2}
_FAR = 2.0
"""A cell this short is of another place altogether: datacenter, pool."""


def nearest(nodes: Iterable[NodeFit]) -> tuple[NodeFit, ...]:
    """Those that fit first, then the fewest unmet demands, then the smallest gap, then by name."""

    def distance(node: NodeFit) -> tuple[int, float, float, float, str]:
        unmet = [cell for cell in node.cells if cell.mark == "no"]
        number = sum(2 if cell.short >= _FAR else 1 for cell in unmet)
        gap = sum(cell.short for cell in unmet)
        return (_RANK[node.mark], number, gap, -(node.score or 0.0), node.name)

    return tuple(sorted(nodes, key=distance))


def advice(demands: Sequence[Demand], nodes: Sequence[NodeFit]) -> str:
    """What would help the nearest node that does not fit; empty when there is none."""
    if not nodes:
        return "no node has joined: check that the clients run and reach the servers"
    node = next((each for each in nodes if each.mark == "no"), None)
    if node is None:
        return ""
    pairs = zip(demands, node.cells, strict=True)
    unmet = [(demand, cell) for demand, cell in pairs if cell.mark == "no"]
    demand = max(unmet, key=lambda pair: pair[1].short)[0]
    return _for(demand, node)


def _for(demand: Demand, node: NodeFit) -> str:
    match demand.kind:
        case "resource" if demand.label == "number":
            return f"stop something on {node.name}, or add a node"
        case "resource":
            word = "ephemeral_disk.size" if demand.label == "disk" else f"resources.{demand.label}"
            return f"lower {word}, stop something on {node.name}, or add a node"
        case "port":
            return f"use a dynamic port, or free it on {node.name}"
        case "constraint" if demand.implied:
            return f"{node.name} lacks something that Nomad needs for this job: {demand.text}"
        case "constraint":
            return f"change the constraint {demand.text}, or give {node.name} what it asks for"
        case "driver":
            return f"install or repair {demand.text} on {node.name}, or use another driver"
        case "volume":
            return f"create the {demand.text} on {node.name}"
        case "distinct":
            return "add a node, lower the count, or drop the constraint"
        case "node" if demand.label == "dc":
            return f"add {node.datacenter} to datacenters, or add a node in one of them"
        case "node" if demand.label == "pool":
            return f"use node_pool {node.pool}, or add a node to the pool"
        case "node" if demand.label == "allowed":
            return "use another node pool, or allow it in the namespace"
        case "node":
            return (
                f"bring {node.name} back: `toolkit explain {node.id[:8]}` says what keeps it away"
            )
        case _:
            return f"{node.name} needs {demand.text}"
