"""The three server slots: each a network interface, a volume, and a group of one that uses both.

A slot's address and data stay when its machine goes. An update of the stack changes launch
templates only: it is the servers' roll that replaces machines, one by one.
"""

from __future__ import annotations

from collections.abc import Collection

from toolkit.cluster.boot import group_id
from toolkit.cluster.network import slots
from toolkit.cluster.template.forms import Resources, letter, named, ref, resource, tags
from toolkit.cluster.template.machines import (
    Kind,
    group_tags,
    latest,
    launch_template,
)
from toolkit.spec.cluster import Cluster, Slot

PATIENCE = "PT15M"
"""A machine's start: the boot script gives up and says why two minutes earlier."""
GRACE = 600
"""Seconds until a machine that is not well is replaced."""


def server_groups(cluster: Cluster) -> tuple[str, ...]:
    """Logical ids of the slots' groups."""
    return tuple(group_id(slot.name) for slot in slots(cluster))


def group_name(cluster: Cluster, slot: Slot) -> str:
    """Name of a slot's autoscaling group: `prod-server-1`."""
    return f"{cluster.name}-{slot.name}"


def servers(cluster: Cluster, kind: Kind, kept: Collection[str] = ()) -> Resources:
    """All of the slots; `kind` is what their machines are.

    `kept`: names of slots whose data volumes outlived an earlier stack. A machine finds its volume
    by tags, so there must not be a second one.
    """
    found: Resources = {}
    for slot in slots(cluster):
        found |= _slot(cluster, slot, kind)
        if slot.name in kept:
            del found[data_id(slot)]
            found[group_id(slot.name)]["DependsOn"].remove(data_id(slot))
    return found


def data_id(slot: Slot) -> str:
    """Logical id of a slot's data volume."""
    return f"Data{slot.number}"


def _slot(cluster: Cluster, slot: Slot, kind: Kind) -> Resources:
    interface, volume, template = (
        f"Eni{slot.number}",
        data_id(slot),
        f"ServerLt{slot.number}",
    )
    at = letter(slot.zone)
    pinned = {"NetworkInterfaceId": ref(interface), "DeleteOnTermination": False}
    return {
        interface: resource(
            "EC2::NetworkInterface",
            {
                "SubnetId": ref(f"PrivateSubnet{at}"),
                "PrivateIpAddress": slot.address,
                "GroupSet": [ref("SgServer")],
                "Tags": named(cluster, slot.name),
            },
        ),
        volume: resource(
            "EC2::Volume",
            {
                "AvailabilityZone": slot.zone,
                "Size": cluster.servers.volume,
                "VolumeType": "gp3",
                "Encrypted": True,
                "Tags": tags(cluster, slot.name, slot=slot.name),
            },
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
        ),
        template: launch_template(cluster, kind, "ServerProfile", pinned),
        group_id(slot.name): resource(
            "AutoScaling::AutoScalingGroup",
            {
                "AutoScalingGroupName": group_name(cluster, slot),
                "MinSize": "0",
                "MaxSize": "1",
                "DesiredCapacity": "1",
                "AvailabilityZones": [slot.zone],
                "LaunchTemplate": latest(template),
                "HealthCheckType": "EC2",
                "HealthCheckGracePeriod": GRACE,
                # The one that goes has the interface and the volume that the new one needs.
                "InstanceMaintenancePolicy": {
                    "MinHealthyPercentage": 0,
                    "MaxHealthyPercentage": 100,
                },
                "Tags": group_tags(
                    cluster, slot.name, role="server", slot=slot.name, digest=kind.digest
                ),
            },
            CreationPolicy={"ResourceSignal": {"Count": 1, "Timeout": PATIENCE}},
            DependsOn=[volume, "Hosts", "MachineRights"],
        ),
    }
