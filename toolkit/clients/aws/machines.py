"""EC2 and Auto Scaling: a cluster's groups, machines, volumes and interfaces, by their tag.

The number of calls does not grow with the number of machines, but for pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from toolkit.clients.aws.cloud import Answer, Cloud, tags_of
from toolkit.spec.aws import (
    CLUSTER_TAG,
    GroupInstance,
    GroupView,
    InstanceView,
    InterfaceView,
    VolumeView,
)

EC2 = "ec2"
GROUPS = "autoscaling"
ALIVE = ("pending", "running", "shutting-down", "stopping", "stopped")
"""EC2 goes on showing a machine for an hour after it was terminated."""
DRAIN_HOOK = "drain"

_NO_VOLUME = re.compile(r"^InvalidVolume\.NotFound")
_LET_GO = re.compile(r"^ValidationError: No active Lifecycle Action found", re.IGNORECASE)


class Machines:
    """The machines of one account in one region."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def groups(self, cluster: str) -> tuple[GroupView, ...]:
        """The cluster's autoscaling groups, sorted by name."""
        listed = self._cloud.pages(
            GROUPS, "describe_auto_scaling_groups", "AutoScalingGroups", Filters=_by(cluster)
        )
        return tuple(sorted(map(_group, listed), key=lambda group: group.name))

    def instances(self, cluster: str) -> tuple[InstanceView, ...]:
        """The cluster's machines that are not terminated, sorted by id."""
        filters = [*_by(cluster), {"Name": "instance-state-name", "Values": list(ALIVE)}]
        listed = self._cloud.pages(EC2, "describe_instances", "Reservations", Filters=filters)
        found = [_instance(each) for group in listed for each in group.get("Instances") or ()]
        return tuple(sorted(found, key=lambda instance: instance.id))

    def resize(self, group: str, *, min: int, desired: int) -> None:  # noqa: A002 - AWS's word
        """Say how many machines a group has to have; the same again: nothing."""
        self._cloud.call(
            GROUPS,
            "update_auto_scaling_group",
            about=group,
            AutoScalingGroupName=group,
            MinSize=min,
            DesiredCapacity=desired,
        )

    def let_go(self, group: str, instance: str, *, hook: str = DRAIN_HOOK) -> None:
        """Let a machine that waits at its hook be terminated; one that no longer waits: nothing."""
        self._cloud.ask(
            GROUPS,
            "complete_lifecycle_action",
            unless=_LET_GO,
            about=instance,
            LifecycleHookName=hook,
            AutoScalingGroupName=group,
            InstanceId=instance,
            LifecycleActionResult="CONTINUE",
        )

    def volumes(self, cluster: str) -> tuple[VolumeView, ...]:
        """The cluster's volumes, sorted by id: its servers' data, and its machines' own disks."""
        listed = self._cloud.pages(EC2, "describe_volumes", "Volumes", Filters=_by(cluster))
        return tuple(sorted(map(_volume, listed), key=lambda volume: volume.id))

    def delete_volume(self, id: str) -> None:  # noqa: A002 - AWS's word
        """Delete a volume for good; one that is gone: nothing. ConflictError while it is in use."""
        self._cloud.ask(EC2, "delete_volume", unless=_NO_VOLUME, about=id, VolumeId=id)

    def interfaces(self, subnets: Sequence[str]) -> tuple[InterfaceView, ...]:
        """All network interfaces in these subnets, whosever they are, sorted by id."""
        filters = [{"Name": "subnet-id", "Values": list(subnets)}]
        if not subnets:
            return ()
        listed = self._cloud.pages(
            EC2, "describe_network_interfaces", "NetworkInterfaces", Filters=filters
        )
        return tuple(sorted(map(_interface, listed), key=lambda interface: interface.id))

    def send_key(self, instance: str, zone: str, user: str, public_key: str) -> None:
        """Let an SSH key in at a machine for a minute (EC2 Instance Connect)."""
        self._cloud.call(
            "ec2-instance-connect",
            "send_ssh_public_key",
            about=instance,
            InstanceId=instance,
            AvailabilityZone=zone,
            InstanceOSUser=user,
            SSHPublicKey=public_key,
        )


def _by(cluster: str) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{CLUSTER_TAG}", "Values": [cluster]}]


def _group(each: Answer) -> GroupView:
    instances = [
        GroupInstance(
            id=str(one["InstanceId"]),
            zone=str(one.get("AvailabilityZone", "")),
            lifecycle=str(one.get("LifecycleState", "")),
            health=str(one.get("HealthStatus", "")).capitalize(),
            template_version=str((one.get("LaunchTemplate") or {}).get("Version", "")),
        )
        for one in each.get("Instances") or ()
    ]
    return GroupView(
        name=str(each["AutoScalingGroupName"]),
        desired=int(each.get("DesiredCapacity", 0)),
        min=int(each.get("MinSize", 0)),
        max=int(each.get("MaxSize", 0)),
        instances=tuple(sorted(instances, key=lambda one: (one.zone, one.id))),
        tags=tags_of(each.get("Tags")),
        status=str(each.get("Status") or ""),
    )


def _instance(each: Answer) -> InstanceView:
    return InstanceView(
        id=str(each["InstanceId"]),
        state=str((each.get("State") or {}).get("Name", "")),
        type=str(each.get("InstanceType", "")),
        zone=str((each.get("Placement") or {}).get("AvailabilityZone", "")),
        address=str(each.get("PrivateIpAddress") or ""),
        public_address=str(each.get("PublicIpAddress") or ""),
        launched=each.get("LaunchTime"),
        spot=each.get("InstanceLifecycle") == "spot",
        tags=tags_of(each.get("Tags")),
    )


def _volume(each: Answer) -> VolumeView:
    return VolumeView(
        id=str(each["VolumeId"]),
        state=str(each.get("State", "")),
        zone=str(each.get("AvailabilityZone", "")),
        size=int(each.get("Size", 0)),
        encrypted=bool(each.get("Encrypted")),
        attached=tuple(
            str(one["InstanceId"])
            for one in each.get("Attachments") or ()
            if one.get("InstanceId") and one.get("State") != "detached"
        ),
        created=each.get("CreateTime"),
        tags=tags_of(each.get("Tags")),
    )


def _interface(each: Answer) -> InterfaceView:
    return InterfaceView(
        id=str(each["NetworkInterfaceId"]),
        state=str(each.get("Status", "")),
        address=str(each.get("PrivateIpAddress") or ""),
        description=str(each.get("Description") or ""),
        attached=str((each.get("Attachment") or {}).get("InstanceId") or ""),
        tags=tags_of(each.get("TagSet")),
    )
