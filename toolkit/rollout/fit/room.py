"""What is left on a node, and how often an instance goes into it; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from toolkit.rollout.fit.facts import AllocationFacts, Asked, NodeFacts
from toolkit.spec.fit import Cell

YES = Cell("yes")


@dataclass(frozen=True, slots=True)
class Room:
    """What a node has left after what runs on it."""

    cpu: int
    memory: int
    disk: int
    cores: tuple[int, ...]
    """Ids of those that nobody has reserved, sorted."""
    ports: frozenset[tuple[str, int]]
    """Taken: host address and port."""
    allocations: int


def room(node: NodeFacts, allocations: Iterable[AllocationFacts]) -> Room:
    """What `node` has left beside `allocations`; less than nothing when it is overcommitted."""
    cpu, memory, disk = node.total.cpu, node.total.memory, node.total.disk
    cores: set[int] = set(node.total.cores)
    ports: list[tuple[str, int]] = []
    number = 0
    for allocation in allocations:
        taken = allocation.taken
        cpu -= taken.cpu + taken.core_cpu
        memory -= taken.memory
        disk -= taken.disk
        cores.difference_update(taken.cores)
        ports += allocation.ports
        number += 1
    return Room(cpu, memory, disk, tuple(sorted(cores)), frozenset(ports), number)


def cpu_needed(asked: Asked, left: Room, node: NodeFacts) -> int:
    """MHz that one instance counts for there: reserved cores bring their own speed."""
    wanted = sum(asked.cores)
    return asked.cpu + sum(node.core_speeds.get(core, 0) for core in left.cores[:wanted])


def cpu_cell(asked: Asked, left: Room, node: NodeFacts) -> Cell:
    """Whether there is enough CPU for one more instance."""
    return _cell(cpu_needed(asked, left, node), left.cpu, "MHz of CPU")


def cores_cell(asked: Asked, left: Room) -> Cell:
    """Whether there are enough cores to reserve for one more instance."""
    word = "core" if sum(asked.cores) - len(left.cores) == 1 else "cores"
    return _cell(sum(asked.cores), len(left.cores), f"{word} to reserve")


def memory_cell(asked: Asked, left: Room) -> Cell:
    """Whether there is enough memory; `memory_max` never counts."""
    return _cell(asked.memory, left.memory, "MiB of memory")


def disk_cell(asked: Asked, left: Room) -> Cell:
    """Whether there is enough disk for the instance's `ephemeral_disk`."""
    return _cell(asked.disk, left.disk, "MiB of disk")


def _cell(asked: int, left: int, what: str) -> Cell:
    if asked <= left:
        return YES
    return Cell("no", f"lacks {asked - left} {what}", (asked - left) / max(asked, 1))


def times(asked: Asked, left: Room, node: NodeFacts, limit: int) -> int:
    """How many instances go into `left`, at most `limit`; ports are not looked at."""
    if limit <= 0 or min(left.cpu, left.memory, left.disk) < 0:
        return 0
    if node.most:
        limit = min(limit, node.most - left.allocations)
    for wanted, there in ((asked.memory, left.memory), (asked.disk, left.disk)):
        if wanted > 0:
            limit = min(limit, there // wanted)
    if not asked.cores:
        return max(0, min(limit, left.cpu // asked.cpu) if asked.cpu > 0 else limit)
    number, now = 0, left
    while number < limit and len(now.cores) >= sum(asked.cores):
        needed = cpu_needed(asked, now, node)
        if needed > now.cpu:
            break
        now = take(asked, now, node)
        number += 1
    return number


def take(asked: Asked, left: Room, node: NodeFacts, number: int = 1) -> Room:
    """What is left with `number` more instances, fitting or not; ports are not looked at."""
    for _ in range(number if asked.cores else 1):
        each = 1 if asked.cores else number
        left = replace(
            left,
            cpu=left.cpu - cpu_needed(asked, left, node) * each,
            memory=left.memory - asked.memory * each,
            disk=left.disk - asked.disk * each,
            cores=left.cores[sum(asked.cores) :],
            allocations=left.allocations + each,
        )
    return left
