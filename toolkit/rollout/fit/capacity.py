"""How many instances of one group find a place; pure.

Two numbers: as many as certainly do, and as many as might. Where nodes are only of interest one by
one, both are the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from toolkit.rollout.fit import ports, room
from toolkit.rollout.fit.columns import Place
from toolkit.rollout.fit.distinct import Property
from toolkit.rollout.fit.facts import GroupFacts
from toolkit.rollout.fit.interpolate import resolve
from toolkit.rollout.fit.room import Room
from toolkit.spec.fit import Mark


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node as far as demands go that do not run out."""

    place: Place
    mark: Mark
    """Of those demands."""
    unsure: bool = False
    """True when something that runs out could not be told there."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many instances have a place."""

    certain: int
    possible: int

    def of(self, wanted: int) -> Mark:
        """Whether `wanted` of them have."""
        if self.certain >= wanted:
            return "yes"
        return "no" if self.possible < wanted else "unknown"


def on_node(
    group: GroupFacts, left: Room, candidate: Candidate, wanted: int, limit: str | None
) -> int:
    """How many instances go on one node, at most `wanted`; `distinct_property` not looked at."""
    place = candidate.place
    if limit is not None:
        taken = place.same_job if limit == "job" else place.same_group
        wanted = min(wanted, 0 if taken else 1)
    wanted = room.times(group.asked, left, place.node, wanted)
    return ports.times(group, left, place.node, wanted)


def count(
    group: GroupFacts,
    candidates: Iterable[Candidate],
    wanted: int,
    limit: str | None,
    properties: tuple[Property, ...],
    *,
    lefts: Mapping[str, Room] | None = None,
) -> Count:
    """The two numbers; `lefts` is what is left where it is not the candidates' own."""
    certain: dict[str, int] = {}
    possible: dict[str, int] = {}
    nodes = {}
    for candidate in candidates:
        node = candidate.place.node
        nodes[node.id] = node
        if candidate.mark == "no":
            continue
        left = candidate.place.left if lefts is None else lefts[node.id]
        number = on_node(group, left, candidate, wanted, limit)
        if candidate.mark == "yes" and not candidate.unsure:
            certain[node.id] = possible[node.id] = number
        else:
            # What is hidden can only take room; what preemption stops can only give some.
            more = candidate.unsure and candidate.place.emptied is not None
            possible[node.id] = wanted if more else number

    def capped(numbers: Mapping[str, int], each: Property) -> int:
        by_value: dict[str, int] = defaultdict(int)
        most: dict[str, int] = {}
        for name, number in numbers.items():
            value = resolve(each.rule.left, nodes[name])
            by_value[value.text] += number
            most[value.text] = each.left_at(nodes[name]) if value.read else number
        return sum(min(number, most[value]) for value, number in by_value.items())

    def total(numbers: Mapping[str, int]) -> int:
        return min([sum(numbers.values()), *(capped(numbers, each) for each in properties)])

    known = total(certain)
    if len(properties) > 1 and min(known, 2) == 2:
        # Which pairs of values are taken first is Nomad's choice.
        known = 1
    return Count(known, total(possible))
