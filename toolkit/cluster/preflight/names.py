"""What has a name of ours already, in an account where two of one name cannot be."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.cluster.boot import boot_parameters
from toolkit.cluster.network import slots
from toolkit.cluster.preflight.saying import Findings, listed
from toolkit.cluster.template.forms import CLUSTER_TAG
from toolkit.cluster.template.key import alias
from toolkit.cluster.template.pools import pool_group
from toolkit.cluster.template.roles import CONTROLLED, role_name
from toolkit.cluster.template.servers import group_name
from toolkit.spec.cluster import Cluster
from toolkit.spec.preflight import Seen, Unseen

BOUNDARY = ("permission_boundary",)


def group_names(cluster: Cluster) -> tuple[str, ...]:
    """Autoscaling groups of the cluster; a bastion's too."""
    pools = (pool_group(cluster, pool.name) for pool in cluster.all_pools)
    found = [*(group_name(cluster, slot) for slot in slots(cluster)), *pools]
    return (*found, *([f"{cluster.name}-bastion"] if cluster.bastion else []))


def role_names(cluster: Cluster) -> tuple[str, ...]:
    """Roles with a name of their own; CloudFormation names the others."""
    return tuple(role_name(cluster, name) for name in CONTROLLED)


def parameter_names(cluster: Cluster) -> tuple[str, ...]:
    """Parameters of the boot scripts."""
    return tuple(each.name for each in boot_parameters(cluster))


def judge_stack(cluster: Cluster, seen: Seen, found: Findings) -> None:
    """The stack of the cluster's name is the cluster's."""
    if seen.stack == "others":
        message = (
            f"there is a stack {cluster.name} in {cluster.region} that is not this cluster's: it"
            f" has no tag {CLUSTER_TAG} = {cluster.name}"
        )
        found.stops("stack", message, "give the cluster's file, and so the cluster, another name")


def judge_boundary(cluster: Cluster, seen: Seen, found: Findings) -> None:
    """The policy that bounds every role is there."""
    arn = cluster.permission_boundary
    if arn is None:
        return
    owner = arn.split(":")[4]
    if owner not in {"aws", seen.account}:
        message = f"the policy is of account {owner}, the credentials are of {seen.account}"
        found.stops("boundary", message, "a role is bounded by one of its own account", BOUNDARY)
    elif isinstance(seen.boundary, Unseen):
        found.unchecked("boundary", "the permission boundary", seen.boundary)
    elif seen.boundary is False:
        message = f"account {seen.account} has no policy {arn}"
        hint = "aws iam list-policies --scope Local shows those there are"
        found.stops("boundary", message, hint, BOUNDARY)


def judge_names(cluster: Cluster, seen: Seen, found: Findings) -> None:
    """Nothing of a name of ours is in the way of a stack that has yet to be made."""
    _judge_key(cluster, seen, found)
    if isinstance(seen.parameters, Mapping):
        there = [name for name in parameter_names(cluster) if name in seen.parameters]
        if there and seen.stack == "none":
            message = f"parameters of boot scripts are there without the stack: {listed(there)}"
            hint = f"toolkit cluster down {cluster.name} --keep-data removes them"
            found.stops("clash", message, f"left of an earlier cluster: {hint}")
    if isinstance(seen.groups, Unseen):
        found.unchecked("clash", "the names of the autoscaling groups", seen.groups)
    elif seen.groups is not None:
        ours = [name for name, owner in seen.groups.items() if owner == cluster.name]
        others = {name: who for name, who in seen.groups.items() if who != cluster.name}
        if ours and seen.stack == "none":
            message = (
                f"autoscaling groups of this cluster are there without its stack: {listed(ours)}"
            )
            hint = (
                f"left of an earlier cluster: delete them in {cluster.region}, their machines too"
            )
            found.stops("clash", message, hint)
        for name, who in others.items():
            of = f"of cluster {who}" if who else "of somebody else"
            hint = "give the pool, or the cluster, another name"
            found.stops("clash", f"there is an autoscaling group {name} {of}", hint)
    if isinstance(seen.roles, Unseen):
        found.unchecked("clash", "the names of the roles", seen.roles)
    elif seen.roles and seen.stack == "none":
        message = f"the account has a role of each of these names already: {listed(seen.roles)}"
        hint = "left of an earlier cluster, delete them; else give this one another name"
        found.stops("clash", message, hint)


def _judge_key(cluster: Cluster, seen: Seen, found: Findings) -> None:
    name = alias(cluster)
    if isinstance(seen.key, Unseen):
        found.unchecked("clash", f"the key {name}", seen.key)
    elif seen.key:
        key = seen.key[0]
        if key.tags.get(CLUSTER_TAG) != cluster.name:
            message = f"{name} leads to a key that is not this cluster's: {key.id}"
            found.stops("clash", message, "remove the alias, or give the cluster another name")
