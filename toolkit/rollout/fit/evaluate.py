"""Whether a job has a place now: every node against every demand; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toolkit.rollout.fit.cluster import Cluster
from toolkit.rollout.fit.everywhere import everywhere
from toolkit.rollout.fit.facts import (
    AllocationFacts,
    GroupFacts,
    JobFacts,
    NodeFacts,
    SchedulerFacts,
    Step,
)
from toolkit.rollout.fit.rows import worst
from toolkit.rollout.fit.somewhere import somewhere
from toolkit.spec.fit import FitReport


def evaluate(
    job: JobFacts,
    nodes: Sequence[NodeFacts],
    allocations: Sequence[AllocationFacts],
    scheduler: SchedulerFacts,
    steps: Mapping[str, Step] | None = None,
) -> FitReport:
    """Whether the job has a place, group by group, with its nodes nearest fit first.

    `steps` is what Nomad would do with each group's instances; without it every instance that is
    missing is placed, and those that run stay.
    """
    cluster = Cluster.of(job, nodes, allocations, scheduler)
    given = steps or {}
    wanted = {group.name: given.get(group.name) or _missing(cluster, group) for group in job.groups}
    groups = everywhere(cluster) if job.everywhere else somewhere(cluster, wanted)
    return FitReport(
        job=job.id,
        kind=job.kind,
        groups=groups,
        mark=worst(group.mark for group in groups),
        total_nodes=len(nodes),
        namespace=job.namespace,
    )


def _missing(cluster: Cluster, group: GroupFacts) -> Step:
    running = len(cluster.ours(group.name))
    return Step(place=max(0, group.count - running), stays=min(running, group.count))
