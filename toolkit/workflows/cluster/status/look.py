"""Ask AWS, then the servers, and put both together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.hosted import zones_provider
from toolkit.clients.aws.machines import Machines
from toolkit.clients.aws.parameters import ParameterStore
from toolkit.clients.aws.stacks import Stacks
from toolkit.cluster.ending import is_ours, not_ours
from toolkit.cluster.secrets.needed import CONSUL_MANAGEMENT, NOMAD_MANAGEMENT
from toolkit.cluster.secrets.store import Store
from toolkit.cluster.stack.statuses import standing
from toolkit.cluster.template import alias
from toolkit.errors import ToolkitError
from toolkit.spec.cloudformation import StackView
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_status import (
    ClusterStatusReport,
    PoolRow,
    ServerRow,
    StatusWord,
)
from toolkit.spec.target import Secret
from toolkit.workflows.cluster.apply.naming import is_our_draft
from toolkit.workflows.cluster.files import account_of, open_cluster
from toolkit.workflows.cluster.servers import Servers
from toolkit.workflows.cluster.status import rows
from toolkit.workflows.cluster.status.asking import Asking, seen, told
from toolkit.workflows.cluster.status.inside import SERVERS, Inside, look_inside
from toolkit.workflows.cluster.status.way import Way


@dataclass(frozen=True, slots=True)
class Tools:
    """What `status` uses of the world."""

    way: Way
    connect: Callable[..., Cloud] = Cloud
    now: Callable[[], float] = time.time


def status(folder: Path, name: str, tools: Tools) -> ClusterStatusReport:
    """How the cluster of that name stands in AWS; nothing is changed.

    ConfigError for its file, RefusedError for credentials of another account or a stack that is
    not the cluster's, ApiError when not even the stack can be asked for.
    """
    file = open_cluster(folder, name)
    cluster = file.cluster
    with account_of(file), closing(tools.connect(cluster.region, account=cluster.account)) as cloud:
        account = cloud.identity().account
        stack = Stacks(cloud).find(name)
        if stack is None:
            sentence = f"there is no stack {name} in {cluster.region}"
            ways = standing(None).next_for(name)
            return ClusterStatusReport(name, cluster.region, account, "absent", sentence, next=ways)
        if not is_ours(stack, cluster) and not is_our_draft(Stacks(cloud), stack):
            raise not_ours(stack, cluster)
        return _report(cluster, cloud, account, stack, tools)


def _report(
    cluster: Cluster, cloud: Cloud, account: str, stack: StackView, tools: Tools
) -> ClusterStatusReport:
    unseen: list[str] = []
    machines = Machines(cloud)
    resources = seen(unseen, "the resources", lambda: Stacks(cloud).resources(stack.id), None)
    groups = seen(unseen, "the groups", lambda: machines.groups(cluster.name), None)
    instances = seen(unseen, "the machines", lambda: machines.instances(cluster.name), None)
    store = ParameterStore(cloud, cluster.name, alias(cluster))
    secrets = seen(unseen, "the secrets", store.read_all, None)
    inside = _inside(cluster, cloud, store, secrets or {}, tools.way, unseen)
    certificates = rows.certificate_rows(secrets or {}, cluster, tools.now())
    reasons = () if inside is None else inside.reasons
    wrong = [
        *rows.stack_wrongs(cluster, stack),
        *reasons,
        *(() if secrets is None else rows.secret_wrongs(secrets, cluster)),
        *rows.certificate_wrongs(certificates, cluster),
    ]
    servers: tuple[ServerRow, ...] = ()
    pools: tuple[PoolRow, ...] = ()
    if groups is not None and instances is not None:
        fleet = rows.Fleet.of(groups, instances)
        servers = rows.server_rows(cluster, fleet, inside)
        pools = rows.pool_rows(cluster, fleet, inside)
        wrong += rows.machine_wrongs(cluster, servers, pools)
    report = ClusterStatusReport(
        cluster.name,
        cluster.region,
        account,
        "well",
        "",
        rows.stack_row(stack),
        servers,
        pools,
        certificates=certificates,
        raft=reasons,
    )
    if resources is not None:
        with closing(zones_provider(cloud)) as records:
            asking = Asking(cluster, cloud, records, resources, unseen)
            report = _with_rest(report, cluster, asking, wrong)
    word, sentence = _verdict(report, wrong, unseen)
    return replace(
        report,
        word=word,
        sentence=sentence,
        wrong=tuple(wrong),
        unseen=tuple(unseen),
        next=_next(stack, cluster.name, word),
    )


def _inside(
    cluster: Cluster,
    cloud: Cloud,
    store: Store,
    secrets: Mapping[str, Secret],
    way: Way,
    unseen: list[str],
) -> Inside | None:
    """The servers' side; None, with a note of why, when they cannot be reached."""
    tokens = {CONSUL_MANAGEMENT, NOMAD_MANAGEMENT}
    if not tokens <= secrets.keys():
        unseen.append(f"{SERVERS}: there are no tokens to ask them with")
        return None
    with ExitStack() as opened:
        try:
            access = opened.enter_context(way(cluster, store, cloud))
        except ToolkitError as error:
            unseen.append(told(SERVERS, error))
            return None
        asked = opened.enter_context(Servers(cluster, access, secrets))
        found = look_inside(cluster, asked, access.proxy)
    unseen += found.unseen
    return found


def _with_rest(
    report: ClusterStatusReport, cluster: Cluster, asking: Asking, wrong: list[str]
) -> ClusterStatusReport:
    """With what the stack's resources lead to: balancer, zones, alarms, queue."""
    before = len(asking.unseen)
    balancer = asking.balancer()
    balancer_seen = len(asking.unseen) == before
    targets = asking.targets()
    zones = asking.private_zone()
    if balancer_seen:
        zones += asking.public_zone(balancer)
    elif cluster.edge.names:
        asking.unseen.append("the public names: where they have to lead is the balancer's to say")
    alarms = asking.alarms()
    if balancer_seen:
        wrong += rows.balancer_wrongs(balancer)
    if targets is not None:
        wrong += rows.target_wrongs(targets, cluster.edge.pool)
    wrong += (*rows.zone_wrongs(zones), *rows.alarm_wrongs(alarms))
    return replace(
        report,
        edge=targets or (),
        balancer="" if balancer is None else balancer.dns,
        zones=zones,
        alarms=alarms,
        queue=asking.queue(),
    )


def _verdict(
    report: ClusterStatusReport, wrong: list[str], unseen: list[str]
) -> tuple[StatusWord, str]:
    if wrong:
        return "unwell", wrong[0]
    machines = len(report.servers) + sum(each.in_service for each in report.pools)
    healthy = sum(each.state == "healthy" for each in report.edge)
    seen_so_far = f"{machines} machines are in service, {healthy} behind the balancer get requests"
    if unseen:
        return "unseen", f"{seen_so_far}, and not all of it could be seen"
    return "well", f"{seen_so_far}, and every server has a vote"


def _next(stack: StackView, name: str, word: StatusWord) -> tuple[str, ...]:
    said = standing(stack.status)
    if word == "well":
        return ()
    if not said.well:
        return tuple(each for each in said.next_for(name) if " status " not in each)
    return (f"toolkit cluster up {name}",) if word == "unwell" else ()
