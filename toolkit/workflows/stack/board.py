"""Whose turn it is; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from toolkit.spec.depends import Need
from toolkit.spec.stack import StackJob


@dataclass(frozen=True, slots=True)
class Board:
    """The jobs of a stack and how far each is."""

    jobs: tuple[StackJob, ...]
    """In order: a job after those that it waits for."""
    limit: int
    """Jobs that may have their turn at the same time."""
    stops: bool = True
    """The first failure lets no other job begin; else only those that wait for the failed one."""
    running: frozenset[str] = frozenset()
    good: frozenset[str] = frozenset()
    bad: frozenset[str] = frozenset()

    def ready(self) -> tuple[str, ...]:
        """The jobs that begin now, in order."""
        if self.stops and self.bad:
            return ()
        free = max(self.limit - len(self.running), 0)
        begun = self.running | self.good | self.bad
        found = [
            job.name
            for job in self.jobs
            if job.name not in begun and {need.job for need in job.needs} <= self.good
        ]
        return tuple(found[:free])

    def begun(self, name: str) -> Board:
        """The turn of a job began."""
        return replace(self, running=self.running | {name})

    def ended(self, name: str, *, well: bool) -> Board:
        """The turn of a job ended."""
        left = replace(self, running=self.running - {name})
        if well:
            return replace(left, good=self.good | {name})
        return replace(left, bad=self.bad | {name})

    def waiting(self) -> tuple[StackJob, ...]:
        """The jobs whose turn has not come."""
        begun = self.running | self.good | self.bad
        return tuple(job for job in self.jobs if job.name not in begun)

    def behind(self, name: str) -> tuple[str, ...]:
        """What a job still waits for."""
        job = next(job for job in self.jobs if job.name == name)
        return tuple(need.job for need in job.needs if need.job not in self.good)


def turned(jobs: Sequence[StackJob]) -> tuple[StackJob, ...]:
    """The same jobs the other way round: each waits for those that waited for it."""
    waited: dict[str, tuple[Need, ...]] = {job.name: () for job in jobs}
    for job in jobs:
        for need in job.needs:
            if need.job in waited:
                waited[need.job] = (*waited[need.job], Need(job.name, "verified"))
    return tuple(StackJob(job.name, waited[job.name]) for job in reversed(jobs))


def only(jobs: Sequence[StackJob], names: Collection[str]) -> tuple[StackJob, ...]:
    """Those among `names`; who waited for one that is left out waits for whom that waited."""
    by_name = {job.name: job for job in jobs}

    def nearest(job: StackJob) -> dict[str, None]:
        found: dict[str, None] = {}
        for need in job.needs:
            found |= {need.job: None} if need.job in names else nearest(by_name[need.job])
        return found

    return tuple(
        StackJob(job.name, tuple(Need(name, "verified") for name in nearest(job)))
        for job in jobs
        if job.name in names
    )
