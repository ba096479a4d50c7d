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

    operation: str
    items: str
    id: str
    state: str = ""
    """Where its state is; two steps are written with a dot."""
    ended: tuple[str, ...] = ()
    """States of what is gone and still shown."""


_KINDS = {
    "elastic-ip": _Kind("describe_addresses", "Addresses", "AllocationId"),
    "internet-gateway": _Kind(
        "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    ),
    "launch-template": _Kind("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    "natgateway": _Kind(
        "describe_nat_gateways", "NatGateways", "NatGatewayId", "State", ("deleted",)
    ),
    "network-interface": _Kind(
        "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId", "Status"
    ),
    "route-table": _Kind("describe_route_tables", "RouteTables", "RouteTableId"),
    "security-group": _Kind("describe_security_groups", "SecurityGroups", "GroupId"),
    "security-group-rule": _Kind(
        "describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId"
    ),
    "snapshot": _Kind("describe_snapshots", "Snapshots", "SnapshotId", "State"),
    "spot-instances-request": _Kind(
        "describe_spot_instance_requests",
        "SpotInstanceRequests",
        "SpotInstanceRequestId",
        "State",
        ("closed", "cancelled", "failed"),
    ),
    "subnet": _Kind("describe_subnets", "Subnets", "SubnetId"),
    "volume": _Kind("describe_volumes", "Volumes", "VolumeId", "State"),
    "vpc": _Kind("describe_vpcs", "Vpcs", "VpcId"),
    "vpc-endpoint": _Kind(
        "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "State", ("deleted",)
    ),
}
_INSTANCE = _Kind("describe_instances", "Instances", "InstanceId", "State.Name", ("terminated",))
_UNPAGED = frozenset({"describe_addresses"})


def tagged_ec2(cloud: Cloud, cluster: str) -> list[Tagged]:
    """Machines, volumes, networks and the like."""
    filters = [
        {"Name": "key", "Values": [CLUSTER_TAG]},
        {"Name": "value", "Values": [cluster]},
    ]
    listed: dict[str, set[str]] = {}
    for each in cloud.pages("ec2", "describe_tags", "Tags", Filters=filters):
        listed.setdefault(str(each["ResourceType"]), set()).add(str(each["ResourceId"]))
    found: list[Tagged] = []
    for kind, ids in listed.items():
        if kind == "instance" or kind in _KINDS:
            found += _there(cloud, cluster, kind)
        else:
            # Whoever looks at it knows it better than silence would.
            found += [Tagged(f"ec2:{kind}", each) for each in ids]
    return found


def _there(cloud: Cloud, cluster: str, name: str) -> list[Tagged]:
    kind = _KINDS.get(name, _INSTANCE)
    found = []
    for each in _items(cloud, kind, cluster):
        state = _at(each, kind.state)
        if state not in kind.ended:
            found.append(Tagged(f"ec2:{name}", str(each[kind.id]), state))
    return found


def _items(cloud: Cloud, kind: _Kind, cluster: str) -> list[Answer]:
    tag = [{"Name": f"tag:{CLUSTER_TAG}", "Values": [cluster]}]
    if kind.operation in _UNPAGED:
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
