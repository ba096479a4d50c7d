"""Service and batch jobs: a number of instances, wherever there is room; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from toolkit.rollout.fit import distinct
from toolkit.rollout.fit.advice import advice, nearest
from toolkit.rollout.fit.capacity import Count, count
from toolkit.rollout.fit.cluster import Cluster
from toolkit.rollout.fit.columns import Place
from toolkit.rollout.fit.facts import AllocationFacts, GroupFacts, NodeFacts, Step
from toolkit.rollout.fit.rows import CROWDED, Held, columns_of, counted, hold, node_fit, room_for
from toolkit.rollout.fit.together import Old, Wanted, beside_others, packing_exists, replacing
from toolkit.spec.fit import GroupFit, Mark

STOPS = "instances that stop first make room, and which they are only Nomad knows"
ORDER = "whether all of it has a place depends on the order in which Nomad places it"


def somewhere(cluster: Cluster, steps: Mapping[str, Step]) -> tuple[GroupFit, ...]:
    """Every group, and how many of its instances have a place."""
    parts, counts, helds = [], {}, {}
    for group in cluster.job.groups:
        step = steps[group.name]
        old = cluster.ours(group.name) if step.replace or step.stops else []
        leaving = {each.id for each in old}
        limit = distinct.hosts_limit(cluster.job, group)
        nodes, allocations = cluster.nodes, cluster.allocations
        gone = distinct.properties(cluster.job, group, nodes, allocations, leaving=leaving)

        def place(
            node: NodeFacts, group: GroupFacts = group, leaving: Collection[str] = leaving
        ) -> Place:
            return cluster.place(node, group, leaving)

        held = hold(cluster, columns_of(cluster, group, gone), place)
        helds[group.name] = held
        number = step.place + step.replace
        part = Wanted(group, number, held.candidates, limit, gone)
        if old:
            counts[group.name] = _replaced(cluster, part, held, step, old)
        parts.append(part)
    fresh = [part for part in parts if part.group.name not in counts]
    if len([part for part in parts if part.number]) > 1:
        counts |= beside_others(fresh)
        if len(fresh) < len(parts):
            counts = {name: Count(0, each.possible) for name, each in counts.items()}
    else:
        for part in fresh:
            counts[part.group.name] = count(
                part.group, part.candidates, part.number, part.limit, part.properties
            )
    counts = {
        part.group.name: _with_freed(cluster, part, steps, counts[part.group.name])
        for part in parts
    }
    stopping = any(step.replace or step.stops for step in steps.values())
    crowded = set() if stopping else _crowded(parts, counts)
    return tuple(
        _group_fit(
            cluster,
            part,
            steps[part.group.name],
            helds[part.group.name],
            counts[part.group.name],
            crowded=part.group.name in crowded,
        )
        for part in parts
    )


def _with_freed(cluster: Cluster, part: Wanted, steps: Mapping[str, Step], counted: Count) -> Count:
    """What might have a place when the other groups' instances that stop have made room."""
    others = [name for name, step in steps.items() if step.replace or step.stops]
    if not part.number or not set(others) - {part.group.name}:
        return counted
    leaving = {each.id for name in others for each in cluster.ours(name)}
    freed = tuple(
        replace(each, place=cluster.place(each.place.node, part.group, leaving))
        for each in part.candidates
    )
    most = count(part.group, freed, part.number, part.limit, part.properties).possible
    return Count(counted.certain, max(counted.possible, most))


def _crowded(parts: Sequence[Wanted], counts: Mapping[str, Count]) -> set[str]:
    """The groups that are in each other's way, in whatever order they are placed."""
    asking = [part for part in parts if part.number]
    marks = {part.group.name: counts[part.group.name].of(part.number) for part in asking}
    unsettled = {name for name, mark in marks.items() if mark == "unknown"}
    if not unsettled or "no" in marks.values() or packing_exists(asking) is not False:
        return set()
    return unsettled


def _replaced(
    cluster: Cluster,
    emptied: Wanted,
    held: Held,
    step: Step,
    old: Sequence[AllocationFacts],
) -> Count:
    group = emptied.group
    properties = distinct.properties(cluster.job, group, cluster.nodes, cluster.allocations)
    now = replace(
        emptied,
        candidates=tuple(
            replace(candidate, place=cluster.place(candidate.place.node, group))
            for candidate in held.candidates
        ),
        properties=properties,
    )
    by_node = {candidate.place.node.id: candidate for candidate in held.candidates}
    alone = [
        Old(each, replace(by_node[each.node],
                          place=cluster.place(cluster.nodes[each.node], group, {each.id})))
        for each in old if each.node in by_node
    ]  # fmt: skip
    return replacing(
        now, emptied, place=step.place, number=step.replace, old=alone, stops=bool(step.stops)
    )


def _group_fit(
    cluster: Cluster, part: Wanted, step: Step, held: Held, number: Count, *, crowded: bool
) -> GroupFit:
    group, wanted = part.group, part.number
    mark: Mark = "no" if crowded else number.of(wanted)
    by_node = {candidate.place.node.id: candidate for candidate in held.candidates}
    running = Counter(each.node for each in cluster.ours(group.name))
    nodes = nearest(
        node_fit(group, node, held, room_for(part, by_node[name]), running[name])
        for name, node in cluster.nodes.items()
    )
    # Of those that take over from another how many do is Nomad's choice until all of them do.
    sure = mark == "no" and not (step.replace or step.stops)
    placed = min(wanted, number.possible if sure else number.certain)
    unclear = [text for node in nodes if node.mark == "unknown" for text in node.unclear]
    reason = ""
    if mark == "unknown":
        reason = unclear[0] if unclear else STOPS if step.stops else ORDER
    elif crowded:
        reason = CROWDED
    elif mark == "no" and placed:
        reason = f"{wanted} wanted, room for {placed}"
    demands = counted(held, nodes)
    return GroupFit(
        group=group.name,
        mark=mark,
        wanted=wanted,
        placed=placed,
        stays=step.stays,
        canaries=step.canaries,
        replaced=step.replace,
        demands=demands,
        nodes=nodes,
        reason=reason,
        crowded=crowded,
        advice="" if mark == "yes" else advice(demands, nodes),
    )
