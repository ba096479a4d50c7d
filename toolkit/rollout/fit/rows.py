"""A group's nodes, each held against each of its demands; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from toolkit.rollout.fit.capacity import Candidate, on_node
from toolkit.rollout.fit.cluster import Cluster
from toolkit.rollout.fit.columns import Column, Place, columns
from toolkit.rollout.fit.distinct import Property
from toolkit.rollout.fit.facts import GroupFacts, NodeFacts
from toolkit.rollout.fit.score import affinity
from toolkit.rollout.fit.together import Wanted
from toolkit.spec.fit import Cell, Demand, Mark, NodeFit

CROWDED = "it has a place alone, but not together with the job's other groups"


def worst(marks: Iterable[Mark]) -> Mark:
    """No before unknown before yes; yes for nothing."""
    found = set(marks)
    return "no" if "no" in found else "unknown" if "unknown" in found else "yes"


@dataclass(frozen=True, slots=True)
class Held:
    """A group's nodes, each held against each of its columns."""

    columns: tuple[Column, ...]
    cells: dict[str, tuple[Cell, ...]]
    candidates: tuple[Candidate, ...]


def hold(
    cluster: Cluster, all_columns: tuple[Column, ...], place: Callable[[NodeFacts], Place]
) -> Held:
    """Hold every node, as `place` shows it, against every column."""
    cells: dict[str, tuple[Cell, ...]] = {}
    candidates = []
    for node in cluster.nodes.values():
        at = place(node)
        found = tuple(column.check(at) for column in all_columns)
        cells[node.id] = found
        candidates.append(_candidate(at, all_columns, found))
    return Held(all_columns, cells, tuple(candidates))


def _candidate(at: Place, all_columns: tuple[Column, ...], found: tuple[Cell, ...]) -> Candidate:
    pairs = list(zip(all_columns, found, strict=True))
    mark = worst(cell.mark for column, cell in pairs if not column.counted)
    scarce = {cell.mark for column, cell in pairs if column.counted}
    unsure = "unknown" in scarce and "no" not in scarce
    return Candidate(at, mark, unsure)


def columns_of(
    cluster: Cluster, group: GroupFacts, properties: tuple[Property, ...]
) -> tuple[Column, ...]:
    """The demands of a group in this cluster."""
    most = any(node.most for node in cluster.nodes.values())
    return columns(cluster.job, group, cluster.scheduler, properties, most=most)


def room_for(part: Wanted, candidate: Candidate) -> int | None:
    """How many instances go on a node now, at most the number wanted; None: unknown."""
    if candidate.mark == "no":
        return 0
    number = on_node(part.group, candidate.place.left, candidate, max(part.number, 1), part.limit)
    for each in part.properties:
        number = min(number, each.left_at(candidate.place.node))
    if candidate.mark == "unknown" or candidate.unsure:
        return None
    return number


def node_fit(
    group: GroupFacts,
    node: NodeFacts,
    held: Held,
    number: int | None,
    running: int,
) -> NodeFit:
    """One node's row."""
    return NodeFit(
        id=node.id,
        name=node.name,
        datacenter=node.datacenter,
        pool=node.pool,
        node_class=node.node_class,
        cells=held.cells[node.id],
        room=number,
        runs=running,
        score=affinity(group, node),
    )


def counted(held: Held, nodes: Sequence[NodeFit]) -> tuple[Demand, ...]:
    """The demands, each with its nodes counted by mark."""
    marks = [Counter(node.cells[index].mark for node in nodes) for index in
             range(len(held.columns))]  # fmt: skip
    return tuple(
        replace(column.demand, met=found["yes"], unmet=found["no"], unknown=found["unknown"])
        for column, found in zip(held.columns, marks, strict=True)
    )
