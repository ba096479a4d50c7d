"""Groups that somebody took below what the file says, such as a `down` that was ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from toolkit.clients.aws.machines import Machines
from toolkit.cluster.network import slots
from toolkit.cluster.template import group_name, pool_group
from toolkit.spec.aws import GroupView
from toolkit.spec.cluster import Cluster
from toolkit.views.text import counted
from toolkit.workflows.cluster.apply.work import Work


def restore_groups(work: Work) -> None:
    """Let every group have as many machines as the file says at least.

    CloudFormation does not see that: to it, a group is as it was told. Server slots keep their own
    least of none, for their roll takes one machine away.
    """
    machines = Machines(work.cloud)
    for name, least, desired in below(work.cluster, machines.groups(work.name)):
        machines.resize(name, min=least, desired=desired)
        work.say("note", f"{name} was at fewer: {counted(desired, 'machine')} again")


def below(cluster: Cluster, groups: Iterable[GroupView]) -> Iterator[tuple[str, int, int]]:
    """Groups that have to have more, each with its least and its number of machines; pure."""
    found = {each.name: each for each in groups}
    for slot in slots(cluster):
        own = found.get(group_name(cluster, slot))
        if own is not None and own.desired < 1:
            yield own.name, 0, 1
    for pool in cluster.all_pools:
        own = found.get(pool_group(cluster, pool.name))
        if own is not None and (own.min < pool.min or own.desired < pool.min):
            yield own.name, pool.min, max(own.desired, pool.min)
