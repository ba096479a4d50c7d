"""Several instances that compete for the same nodes; pure.

Nomad places one instance after the other, where it scores best, and takes nothing back. Its order
is random in part, so a packing that exists may be missed: what depends on the order is not a yes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from toolkit.rollout.fit import ports, room
from toolkit.rollout.fit.capacity import Candidate, Count, count, on_node
from toolkit.rollout.fit.distinct import Property
from toolkit.rollout.fit.facts import AllocationFacts, GroupFacts, NodeFacts
from toolkit.rollout.fit.interpolate import resolve
from toolkit.rollout.fit.room import Room

MOST_INSTANCES = 100
"""With more of them the search is not begun."""
MOST_STATES = 2000
"""Packings that are tried before the search gives up."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One group's part."""

    group: GroupFacts
    number: int
    candidates: tuple[Candidate, ...]
    limit: str | None
    properties: tuple[Property, ...]


def beside_others(parts: Sequence[Wanted]) -> dict[str, Count]:
    """For each group the two numbers when the others may have taken the worst places."""
    found = {}
    for part in parts:
        alone = count(part.group, part.candidates, part.number, part.limit, part.properties)
        others = [other for other in parts if other is not part and other.number]
        worst = _certain(part, others)
        shared = any(each.whole_job for each in part.properties) or part.limit == "job"
        certain = 0 if shared and others else worst
        found[part.group.name] = Count(min(certain, alone.certain), alone.possible)
    return found


def _certain(part: Wanted, others: Sequence[Wanted]) -> int:
    """How many have a place whatever the others take; no more nodes are looked at than needed."""
    by_node = [{each.place.node.id: each for each in other.candidates} for other in others]
    lefts: dict[str, Room] = {}
    alone = certain = 0
    losses: list[int] = []
    for candidate in part.candidates:
        if certain >= part.number and not part.properties:
            return certain
        name = candidate.place.node.id
        theirs = [(other, known[name]) for other, known in zip(others, by_node, strict=True)]
        lefts[name] = _worst(candidate, theirs)
        if candidate.mark == "yes" and not candidate.unsure:
            left = candidate.place.left
            most = on_node(part.group, left, candidate, part.number, part.limit)
            least = on_node(part.group, lefts[name], candidate, part.number, part.limit)
            alone, certain = alone + most, certain + least
            losses.append(most - least)
    if part.properties:
        found = count(
            part.group, part.candidates, part.number, part.limit, part.properties, lefts=lefts
        )
        return found.certain
    # Each instance of the others is on one node only.
    hurt = sorted(losses, reverse=True)[: sum(other.number for other in others)]
    return max(certain, alone - sum(hurt))


def _worst(candidate: Candidate, others: Iterable[tuple[Wanted, Candidate]]) -> Room:
    """What is left of a node when as many of the others as can are on it."""
    left = candidate.place.left
    for other, same in others:
        if same.mark == "no":
            continue
        number = on_node(other.group, candidate.place.left, same, other.number, other.limit)
        left = room.take(other.group.asked, left, candidate.place.node, number)
        for _ in range(number if other.group.ports else 0):
            left = ports.take(other.group, left, candidate.place.node)
    return left


def packing_exists(parts: Sequence[Wanted]) -> bool | None:
    """Whether any order places everything; None when there are too many to try."""
    if sum(part.number for part in parts) > MOST_INSTANCES:
        return None
    if any(each.unsure or each.mark == "unknown" for part in parts for each in part.candidates):
        return None
    order = [part for part in parts for _ in range(part.number)]
    lefts = {each.place.node.id: each.place.left for part in parts for each in part.candidates}
    nodes = {each.place.node.id: each.place.node for part in parts for each in part.candidates}
    return _Search(parts, order, nodes).run(lefts)


@dataclass(slots=True)
class _Search:
    parts: Sequence[Wanted]
    order: list[Wanted]
    nodes: Mapping[str, NodeFacts]
    tried: int = 0

    def run(self, lefts: dict[str, Room]) -> bool | None:
        return self._place(0, lefts, {}, set())

    def _place(
        self,
        index: int,
        lefts: dict[str, Room],
        placed: dict[str, tuple[str, ...]],
        seen: set[tuple[int, frozenset[tuple[str, tuple[str, ...]]]]],
    ) -> bool | None:
        if index == len(self.order):
            return True
        key = (index, frozenset((node, tuple(sorted(names))) for node, names in placed.items()))
        if key in seen:
            return False
        seen.add(key)
        self.tried += 1
        if self.tried > MOST_STATES:
            return None
        part = self.order[index]
        for candidate in part.candidates:
            name = candidate.place.node.id
            if candidate.mark == "no" or not self._goes(part, candidate, lefts[name], placed):
                continue
            taken = ports.take(part.group, lefts[name], candidate.place.node)
            taken = room.take(part.group.asked, taken, candidate.place.node)
            found = self._place(
                index + 1,
                {**lefts, name: taken},
                {**placed, name: (*placed.get(name, ()), part.group.name)},
                seen,
            )
            if found is not False:
                return found
        return False

    def _goes(
        self,
        part: Wanted,
        candidate: Candidate,
        left: Room,
        placed: Mapping[str, tuple[str, ...]],
    ) -> bool:
        there = placed.get(candidate.place.node.id, ())
        place = candidate.place
        now = replace(
            candidate,
            place=replace(
                place,
                same_job=place.same_job + len(there),
                same_group=place.same_group + there.count(part.group.name),
            ),
        )
        if not on_node(part.group, left, now, 1, part.limit):
            return False
        for each in part.properties:
            value = _value(each, candidate.place.node)
            used = sum(
                1
                for name, groups in placed.items()
                for group in groups
                if (each.whole_job or group == part.group.name)
                and _value(each, self.nodes[name]) == value
            )
            if used >= each.left_at(candidate.place.node):
                return False
        return True


def _value(each: Property, node: NodeFacts) -> str:
    return resolve(each.rule.left, node).text


@dataclass(frozen=True, slots=True)
class Old:
    """An instance that stops before its replacement is placed."""

    allocation: AllocationFacts
    candidate: Candidate
    """Its own node as it is once this one is gone."""


def replacing(
    now: Wanted,
    emptied: Wanted,
    *,
    place: int,
    number: int,
    old: Sequence[Old],
    stops: bool = False,
) -> Count:
    """The two numbers when `number` of the `old` stop one by one, and `place` more come.

    `stops` says that others of them stop as well, which only Nomad knows. `now` has every old
    instance on its nodes, `emptied` none of them.
    """
    group, wanted = now.group, place + number
    beside = count(group, now.candidates, wanted, now.limit, now.properties)
    most = count(group, emptied.candidates, wanted, emptied.limit, emptied.properties).possible
    certain = beside.certain
    smaller = all(each.candidate.mark == "yes" and _no_more(group, each.allocation) for each in old)
    if smaller and not now.properties and len(old) >= number:
        # Whatever is done first, the next one's own place is free when its turn comes.
        certain = max(certain, number + min(place, beside.certain))
    if number == 1 and not place and old and not now.properties and not stops:
        # Which of them is first is Nomad's choice.
        each_way = [
            count(group, _with(now.candidates, each.candidate), 1, now.limit, ()) for each in old
        ]
        certain = max(certain, min(way.certain for way in each_way))
        most = min(most, max(way.possible for way in each_way))
    return Count(min(certain, wanted), min(most, wanted))


def _with(candidates: Iterable[Candidate], changed: Candidate) -> list[Candidate]:
    name = changed.place.node.id
    return [*(each for each in candidates if each.place.node.id != name), changed]


def _no_more(group: GroupFacts, old: AllocationFacts) -> bool:
    asked, taken = group.asked, old.taken
    if asked.cores or taken.cores:
        return False
    held = {port for _, port in old.ports}
    return (
        asked.cpu <= taken.cpu
        and asked.memory <= taken.memory
        and asked.disk <= taken.disk
        and len(group.ports) <= len(old.ports)
        and all(port.shared or port.value in held for port in group.ports if port.value)
    )
