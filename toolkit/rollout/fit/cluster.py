"""A job's nodes and what runs on them, as the groups of the job share them; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from toolkit.rollout.fit import room
from toolkit.rollout.fit.columns import Place
from toolkit.rollout.fit.facts import (
    AllocationFacts,
    GroupFacts,
    JobFacts,
    NodeFacts,
    SchedulerFacts,
)
from toolkit.rollout.fit.room import Room

PRIORITY_GAP = 10
"""Preemption only stops work whose priority is at least this much lower."""


@dataclass(frozen=True)
class Cluster:
    """What the groups share."""

    job: JobFacts
    nodes: Mapping[str, NodeFacts]
    scheduler: SchedulerFacts
    allocations: Sequence[AllocationFacts]
    on: Mapping[str, Sequence[AllocationFacts]]
    lefts: Mapping[str, Room]
    emptied: Mapping[str, Room]

    @classmethod
    def of(
        cls,
        job: JobFacts,
        nodes: Sequence[NodeFacts],
        allocations: Sequence[AllocationFacts],
        scheduler: SchedulerFacts,
    ) -> Cluster:
        """What is left on each node, worked out once."""
        on: dict[str, list[AllocationFacts]] = defaultdict(list)
        for allocation in allocations:
            on[allocation.node].append(allocation)
        lefts = {node.id: room.room(node, on.get(node.id, ())) for node in nodes}
        known = {node.id: node for node in nodes}
        made = cls(job, known, scheduler, allocations, on, lefts, {})
        return replace(made, emptied=made._preempted())

    def _preempted(self) -> dict[str, Room]:
        """What is left where preemption may stop something."""
        allowed = self.scheduler.preemption
        if allowed is not None and self.job.kind not in allowed:
            return {}
        found = {}
        for name, there in self.on.items():
            kept = [each for each in there if not self._stoppable(each)]
            if name in self.nodes and len(kept) < len(there):
                found[name] = room.room(self.nodes[name], kept)
        return found

    def _stoppable(self, each: AllocationFacts) -> bool:
        if self.is_ours(each):
            return False
        priority = self.scheduler.priorities.get((each.namespace, each.job))
        return priority is None or priority <= self.job.priority - PRIORITY_GAP

    def is_ours(self, each: AllocationFacts) -> bool:
        """Whether it is an instance of the job."""
        return (each.namespace, each.job) == (self.job.namespace, self.job.id)

    def ours(self, group: str) -> list[AllocationFacts]:
        """The group's instances that run and should."""
        return [
            each
            for each in self.allocations
            if each.wanted and each.group == group and self.is_ours(each)
        ]

    def place(self, node: NodeFacts, group: GroupFacts, leaving: Collection[str] = ()) -> Place:
        """The node as the group finds it once `leaving` are gone."""
        there = self.on.get(node.id, ())
        mine = [each for each in there if self.is_ours(each)]
        left, emptied = self.lefts[node.id], self.emptied.get(node.id)
        if any(each.id in leaving for each in mine):
            left = room.room(node, [each for each in there if each.id not in leaving])
            if emptied is not None:
                kept = [e for e in there if e.id not in leaving and not self._stoppable(e)]
                emptied = room.room(node, kept)
            mine = [each for each in mine if each.id not in leaving]
        same = sum(1 for each in mine if each.group == group.name)
        return Place(node, left, len(mine), same, emptied)
