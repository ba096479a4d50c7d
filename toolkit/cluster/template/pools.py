"""The pools: an autoscaling group each, whose machines are drained before they go."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from toolkit.cluster.boot import group_id
from toolkit.cluster.template.forms import Resources, att, letter, ref, resource
from toolkit.cluster.template.machines import (
    Kind,
    group_tags,
    latest,
    launch_template,
)
from toolkit.cluster.template.network import way_out
from toolkit.cluster.template.servers import PATIENCE, server_groups
from toolkit.spec.cluster import SERVERS, Cluster, Pool

HEARTBEAT = 300
"""Seconds that a machine that is to go is kept: more than any pool's `drain`."""


def pools(cluster: Cluster, kinds: Mapping[str, Kind]) -> Resources:
    """Every pool, the control pool first; `kinds`: what its machines are, by its name."""
    found: Resources = {}
    for pool in cluster.all_pools:
        found |= _pool(cluster, pool, kinds[pool.name])
    return found


def pool_group(cluster: Cluster, pool: str) -> str:
    """Name of a pool's autoscaling group: `prod-pool-frontend`; `*` for what all begin with."""
    return f"{cluster.name}-pool-{pool}"


def template_id(pool: Pool) -> str:
    """Logical id of a pool's launch template."""
    return f"Lt{group_id(pool.name)}"


def _pool(cluster: Cluster, pool: Pool, kind: Kind) -> Resources:
    group, template = group_id(pool.name), template_id(pool)
    profile = "ControlProfile" if pool.role == "control" else "WorkerProfile"
    groups = ["SgNode"]
    groups += ["SgControl"] if pool.role == "control" else []
    groups += ["SgFront"] if pool.name == cluster.edge.pool else []
    interface = {
        "AssociatePublicIpAddress": False,
        "Groups": [ref(each) for each in groups],
    }
    return {
        template: launch_template(cluster, kind, profile, interface),
        group: resource(
            "AutoScaling::AutoScalingGroup",
            {
                "AutoScalingGroupName": pool_group(cluster, pool.name),
                "MinSize": str(pool.min),
                "MaxSize": str(pool.max),
                **_machines(pool, template),
                "VPCZoneIdentifier": [
                    ref(f"PrivateSubnet{letter(zone)}") for zone in cluster.zones
                ],
                **({"TargetGroupARNs": [ref("Targets")]} if "SgFront" in groups else {}),
                "LifecycleHookSpecificationList": [_hook(pool)],
                "Tags": group_tags(
                    cluster, pool.name, role=pool.role, pool=pool.name, digest=kind.digest
                ),
            },
            CreationPolicy={"ResourceSignal": {"Count": pool.min, "Timeout": PATIENCE}},
            # Its machines are taken in by servers that lead, and that have their own ways out.
            DependsOn=[
                "WorkerRights",
                *server_groups(cluster),
                *way_out(cluster, cluster.zones[SERVERS:]),
            ],
        ),
    }


def _machines(pool: Pool, template: str) -> dict[str, Any]:
    if not pool.spot:
        return {"LaunchTemplate": latest(template)}
    return {
        "CapacityRebalance": True,
        "MixedInstancesPolicy": {
            "InstancesDistribution": {
                "OnDemandBaseCapacity": 0,
                "OnDemandPercentageAboveBaseCapacity": 100 - pool.spot,
                "SpotAllocationStrategy": "price-capacity-optimized",
            },
            "LaunchTemplate": {"LaunchTemplateSpecification": latest(template)},
        },
    }


def _hook(pool: Pool) -> dict[str, Any]:
    """Within the group: a hook that is a resource of its own goes before the group does."""
    return {
        "LifecycleHookName": "drain",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
        "DefaultResult": "CONTINUE",
        "HeartbeatTimeout": HEARTBEAT,
        "NotificationMetadata": json.dumps({"drain": pool.drain}),
        "NotificationTargetARN": att("Notices", "Arn"),
        "RoleARN": att("NoticeRole", "Arn"),
    }
