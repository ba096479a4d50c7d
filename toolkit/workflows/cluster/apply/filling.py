"""What makes a stack a cluster: its servers begun, its machines in, its equipment verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.clients.aws.balancers import Balancers
from toolkit.clients.aws.machines import Machines
from toolkit.cluster.bootstrap import Patience, bootstrap, mark_begun
from toolkit.cluster.nodes import Place, place_of, ready_nodes
from toolkit.cluster.secrets import read_secrets
from toolkit.cluster.secrets.store import Store
from toolkit.cluster.template import pool_group
from toolkit.errors import ApiError
from toolkit.spec.aws import GroupView
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_access import Access
from toolkit.spec.equip import EquipReport
from toolkit.workflows.cluster.equip import equip
from toolkit.workflows.cluster.reach import need_programs, reach, ways_of
from toolkit.workflows.cluster.servers import Deadline, Servers, await_servers

if TYPE_CHECKING:
    from toolkit.workflows.cluster.apply.work import Work

EDGE = 120.0
"""Seconds until a balancer that asks every five has found what answers, or there is nothing."""
LOOK = 2.0
Sleep = Callable[[float], None]


def check_way(work: Work) -> None:
    """RefusedError where the programs are missing that a way in is made with.

    Asked before anything is made: machines wait a quarter of an hour for their cluster to begin.
    """
    if not work.proxy:
        bastion = work.cluster.bastion is not None
        need_programs(work.name, work.tools.environ, bastion=bastion)


def enter(work: Work, store: Store) -> AbstractContextManager[Access]:
    """A way in, while the block lasts."""
    ways = ways_of(work.cloud, work.cluster, work.tools.environ, on_event=work.tools.on_event)
    return reach(work.cluster, work.root, store, proxy=work.proxy, ways=ways)


def begin(work: Work, access: Access, store: Store, sleep: Sleep) -> None:
    """Let the servers know everybody whose secret is in the store; again: nothing changes."""
    secrets = read_secrets(store, work.cluster)
    with Servers(work.cluster, access, secrets) as asked:
        patience = Patience(work.left, work.tools.clock, sleep)
        done = bootstrap(work.cluster, secrets, asked.consul, asked.nomad, patience=patience)
    mark_begun(store)
    changed = sum(each.changed for each in done)
    if changed:
        work.say("start", f"access control set up, {changed} of {len(done)} steps")


def settle(work: Work, access: Access, store: Store) -> str:
    """Wait until Nomad has every pool's machines and the servers decide together; in a sentence."""
    wanted = wanted_nodes(work.cluster, Machines(work.cloud).groups(work.name))
    deadline = Deadline(
        work.began, work.tools.timeout, work.tools.clock, work.tools.sleep, work.check
    )
    with Servers(work.cluster, access, read_secrets(store, work.cluster)) as asked:

        def reason() -> str:
            try:
                return missing_nodes(wanted, asked.nomad.nodes())
            except ApiError as error:
                return error.message

        deadline.until(reason)
        await_servers(asked, deadline)
    workers = sum(wanted.values())
    sentence = f"3 servers decide together, {workers} of {workers} workers are ready"
    work.say("verify", sentence)
    return sentence


def fit_out(work: Work, access: Access, store: Store) -> EquipReport:
    """Deploy and verify the jobs that are the cluster's equipment."""
    return equip(
        work.root,
        work.cluster,
        access,
        store,
        environ=work.tools.environ,
        on_event=work.tools.on_event,
        confirm=work.tools.confirm,
        clock=work.tools.clock,
    )


def wait_edge(work: Work) -> str:
    """Wait until the balancer has somebody to send requests to; else why it has nobody."""
    stack = {each.logical: each.physical for each in work.stacks.resources(work.name)}
    balancers, began = Balancers(work.cloud), work.tools.clock()
    while True:
        targets = balancers.target_health(stack.get("Targets", ""))
        if any(each.health == "healthy" for each in targets):
            return ""
        if not work.left or work.tools.clock() - began >= EDGE:
            seen = {" ".join(filter(None, (each.health, each.reason))) for each in targets}
            said = ", ".join(sorted(seen)) or "it has none"
            return f"the balancer calls no machine healthy ({said})"
        work.pause(LOOK)


@dataclass(frozen=True)
class Filling:
    """Each of these steps; tests without machines hand in their own."""

    check_way: Callable[[Work], None] = check_way
    enter: Callable[[Work, Store], AbstractContextManager[Access]] = enter
    begin: Callable[[Work, Access, Store, Sleep], None] = begin
    settle: Callable[[Work, Access, Store], str] = settle
    fit_out: Callable[[Work, Access, Store], EquipReport] = fit_out
    wait_edge: Callable[[Work], str] = wait_edge


def wanted_nodes(cluster: Cluster, groups: Iterable[GroupView]) -> Mapping[Place, int]:
    """How many machines each node class and pool has to have, as the groups are told now."""
    desired = {group.name: group.desired for group in groups}
    wanted: Counter[Place] = Counter()
    for pool in cluster.all_pools:
        wanted[place_of(pool)] += desired.get(pool_group(cluster, pool.name), pool.min)
    return wanted


def missing_nodes(wanted: Mapping[Place, int], nodes: Iterable[Mapping[str, Any]]) -> str:
    """What Nomad has not of them, in words; empty: it has all."""
    ready = ready_nodes(nodes)
    missing = [
        f"{ready.get(place, 0)} of {count} of class {place[0]}"
        for place, count in wanted.items()
        if ready.get(place, 0) < count
    ]
    return f"Nomad has only {', '.join(missing)} as ready" if missing else ""
