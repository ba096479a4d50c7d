"""What of EC2 still carries a cluster's tag.

EC2 goes on listing the tags of what is gone for up to an hour, so that each kind that it lists is
asked for itself; after a clean end that is one call.
"""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.clients.aws.cloud import Answer, Cloud
from toolkit.spec.aws import CLUSTER_TAG, Tagged


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of thing is asked for."""

    name: str
    operation: str
    items: str
    id: str
    state: str = ""
    """Where its state is; two steps are written with a dot."""
    ended: tuple[str, ...] = ()
    """States of what is gone and still shown."""


_INSTANCE = _Kind(
    "instance", "describe_instances", "Instances", "InstanceId", "State.Name", ("terminated",)
)
_ADDRESS = _Kind("elastic-ip", "describe_addresses", "Addresses", "AllocationId")
_KINDS = {
    "eipalloc": _ADDRESS,
    "eni": _Kind(
        "network-interface",
        "describe_network_interfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
        "Status",
    ),
    "i": _INSTANCE,
    "igw": _Kind(
        "internet-gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    ),
    "lt": _Kind(
        "launch-template", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"
    ),
    "nat": _Kind(
        "natgateway",
        "describe_nat_gateways",
        "NatGateways",
        "NatGatewayId",
        "State",
        ("deleted",),
    ),
    "rtb": _Kind("route-table", "describe_route_tables", "RouteTables", "RouteTableId"),
    "sg": _Kind("security-group", "describe_security_groups", "SecurityGroups", "GroupId"),
    "sgr": _Kind(
        "security-group-rule",
        "describe_security_group_rules",
        "SecurityGroupRules",
        "SecurityGroupRuleId",
    ),
    "sir": _Kind(
        "spot-instances-request",
        "describe_spot_instance_requests",
        "SpotInstanceRequests",
        "SpotInstanceRequestId",
        "State",
        ("closed", "cancelled", "failed"),
    ),
    "snap": _Kind("snapshot", "describe_snapshots", "Snapshots", "SnapshotId", "State"),
    "subnet": _Kind("subnet", "describe_subnets", "Subnets", "SubnetId"),
    "vol": _Kind("volume", "describe_volumes", "Volumes", "VolumeId", "State"),
    "vpc": _Kind("vpc", "describe_vpcs", "Vpcs", "VpcId"),
    "vpce": _Kind(
        "vpc-endpoint",
        "describe_vpc_endpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        "State",
        ("deleted",),
    ),
}
"""By what ids begin with, before the first `-`."""


def tagged_ec2(cloud: Cloud, cluster: str) -> list[Tagged]:
    """Machines, volumes, networks and the like."""
    filters = [
        {"Name": "key", "Values": [CLUSTER_TAG]},
        {"Name": "value", "Values": [cluster]},
    ]
    listed = list(cloud.pages("ec2", "describe_tags", "Tags", Filters=filters))
    beginnings = {str(each["ResourceId"]).partition("-")[0] for each in listed}
    found: list[Tagged] = []
    for beginning in sorted(beginnings & set(_KINDS)):
        found += _there(cloud, cluster, _KINDS[beginning])
    # Of a kind that is not known here, whoever looks at it knows more than silence would say.
    found += [
        Tagged(f"ec2:{each['ResourceType']}", str(each["ResourceId"]))
        for each in listed
        if str(each["ResourceId"]).partition("-")[0] not in _KINDS
    ]
    return found


def _there(cloud: Cloud, cluster: str, kind: _Kind) -> list[Tagged]:
    found = []
    for each in _items(cloud, kind, cluster):
        state = _at(each, kind.state)
        if state not in kind.ended:
            found.append(Tagged(f"ec2:{kind.name}", str(each[kind.id]), state))
    return found


def _items(cloud: Cloud, kind: _Kind, cluster: str) -> list[Answer]:
    tag = [{"Name": f"tag:{CLUSTER_TAG}", "Values": [cluster]}]
    if kind is _ADDRESS:
        return list(cloud.call("ec2", kind.operation, Filters=tag).get(kind.items) or ())
    if kind is _INSTANCE:
        groups = cloud.pages("ec2", kind.operation, "Reservations", Filters=tag)
        return [each for group in groups for each in group.get(kind.items) or ()]
    return list(cloud.pages("ec2", kind.operation, kind.items, Filters=tag))


def _at(each: Answer, path: str) -> str:
    value: object = each
    for step in path.split(".") if path else ():
        value = value.get(step, "") if isinstance(value, dict) else ""
    return value if isinstance(value, str) else ""
