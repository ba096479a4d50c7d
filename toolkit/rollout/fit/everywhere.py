"""System and sysbatch jobs: one instance on every node that meets what does not run out; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from toolkit.rollout.fit import distinct, ports, room
from toolkit.rollout.fit.advice import advice, nearest
from toolkit.rollout.fit.capacity import Candidate
from toolkit.rollout.fit.cluster import Cluster
from toolkit.rollout.fit.columns import Place
from toolkit.rollout.fit.facts import AllocationFacts, GroupFacts, NodeFacts
from toolkit.rollout.fit.room import Room
from toolkit.rollout.fit.rows import (
    CROWDED,
    Held,
    columns_of,
    counted,
    hold,
    node_fit,
    room_for,
    worst,
)
from toolkit.rollout.fit.together import Wanted
from toolkit.spec.fit import GroupFit, Mark


def everywhere(cluster: Cluster) -> tuple[GroupFit, ...]:
    """Every group, and on how many of the nodes that want it it has a place."""
    found = []
    lefts: dict[str, Room] = {}
    takers: dict[str, list[str]] = defaultdict(list)
    crowded: set[str] = set()
    for group in cluster.job.groups:
        if group.count == 0:
            continue
        own = cluster.ours(group.name)
        leaving = {each.id for each in own}
        gone = distinct.properties(
            cluster.job, group, cluster.nodes, cluster.allocations, leaving=leaving
        )

        def place(
            node: NodeFacts, group: GroupFacts = group, leaving: Collection[str] = leaving
        ) -> Place:
            at = cluster.place(node, group, leaving)
            if node.id not in lefts:
                return at
            # The groups before this one come first.
            taken = lefts[node.id]
            mine = [each for each in cluster.on.get(node.id, ()) if each.id in leaving]
            return replace(at, left=_given_back(taken, mine))

        held = hold(cluster, columns_of(cluster, group, gone), place)
        part = Wanted(group, 1, held.candidates, None, gone)
        found.append(_system_fit(cluster, part, held))
        for candidate in held.candidates:
            node = candidate.place.node
            if node.id in lefts and _in_the_way(
                held, candidate, cluster.place(node, group, leaving)
            ):
                # Which of them comes first is Nomad's choice.
                crowded |= {group.name, *takers[node.id]}
            running = any(each.node == node.id for each in own)
            fits = all(cell.mark == "yes" for cell in held.cells[node.id])
            if fits and not running:
                left = ports.take(group, lefts.get(node.id, cluster.lefts[node.id]), node)
                lefts[node.id] = room.take(group.asked, left, node)
                takers[node.id].append(group.name)
    return tuple(
        replace(group, mark="no", crowded=True, reason=CROWDED)
        if group.group in crowded and group.mark != "unknown"
        else group
        for group in found
    )


def _in_the_way(held: Held, candidate: Candidate, alone: Place) -> bool:
    """Whether the group would have its place if the job's other groups were not there."""
    cells = held.cells[alone.node.id]
    return (
        candidate.mark == "yes"
        and any(cell.mark == "no" for cell in cells)
        and all(column.check(alone).mark == "yes" for column in held.columns)
    )


def _given_back(left: Room, mine: Sequence[AllocationFacts]) -> Room:
    for each in mine:
        taken = each.taken
        left = replace(
            left,
            cpu=left.cpu + taken.cpu + taken.core_cpu,
            memory=left.memory + taken.memory,
            disk=left.disk + taken.disk,
            cores=tuple(sorted({*left.cores, *taken.cores})),
            ports=left.ports - set(each.ports),
            allocations=left.allocations - 1,
        )
    return left


def _system_fit(cluster: Cluster, part: Wanted, held: Held) -> GroupFit:
    group = part.group
    running = Counter(each.node for each in cluster.ours(group.name))
    wanted = [each for each in held.candidates if each.mark != "no"]
    nodes = nearest(
        node_fit(group, each.place.node, held, room_for(part, each),
                  running[each.place.node.id])
        for each in held.candidates
    )  # fmt: skip
    marks = {node.id: node.mark for node in nodes}
    new = [marks[each.place.node.id] for each in wanted if not running[each.place.node.id]]
    old = [marks[each.place.node.id] for each in wanted if running[each.place.node.id]]
    mark: Mark = worst([*new, *old]) if wanted else "no"
    unclear = [text for node in nodes if node.mark == "unknown" for text in node.unclear]
    reason = unclear[0] if mark == "unknown" and unclear else ""
    later = "no" in old and "no" not in new
    if later:
        # A roll goes on in steps, and Nomad's plan only tells of the first.
        mark, reason = (
            "unknown",
            f"{old.count('no')} of the nodes that run it have no room for this version",
        )
    demands = counted(held, nodes)
    return GroupFit(
        group=group.name,
        mark=mark,
        wanted=len(new),
        placed=new.count("yes"),
        stays=len(old),
        canaries=0,
        replaced=0,
        demands=demands,
        nodes=nodes,
        reason=reason,
        later=later,
        advice="" if mark == "yes" else advice(demands, nodes),
    )
