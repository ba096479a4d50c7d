"""Networks, addresses, disks and launch templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cluster.aws.kind import Kind, Made, Place, Properties, Tags, listed, with_own, without


def _ec2(create: Callable[[Any, Properties], str | Made], delete: Callable[[Any, str], object],
         only: str = "", *, tagged: bool = True,
         update: Callable[..., object] | None = None) -> Kind:  # fmt: skip
    def made(place: Place, properties: Properties, tags: Tags) -> Made:
        ec2 = place.client("ec2")
        found = create(ec2, without(properties, "Tags"))
        made_ = found if isinstance(found, Made) else Made(found)
        if tagged:
            tag = str(made_.attributes.get("AllocationId", made_.physical))
            ec2.create_tags(Resources=[tag], Tags=listed(with_own(properties, tags)))
        return made_

    def gone(place: Place, made_: Made, properties: Properties) -> object:
        return delete(place.client("ec2"), str(made_.attributes.get("Handle", made_.physical)))

    def changed(place: Place, made_: Made, old: Properties, new: Properties, tags: Tags) -> object:
        ec2 = place.client("ec2")
        if update is not None:
            update(ec2, made_, new)
        if tagged:
            tag = str(made_.attributes.get("AllocationId", made_.physical))
            ec2.create_tags(Resources=[tag], Tags=listed(with_own(new, tags)))
        return None

    return Kind(made, gone, changed, frozenset(only.split()), tagged=tagged)


def _vpc(ec2: Any, properties: Properties) -> str:
    made = str(ec2.create_vpc(CidrBlock=properties["CidrBlock"])["Vpc"]["VpcId"])
    for key in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=made, **{key: {"Value": properties.get(key, False)}})
    return made


def _subnet(ec2: Any, properties: Properties) -> str:
    public = properties.pop("MapPublicIpOnLaunch", False)
    made = str(ec2.create_subnet(**properties)["Subnet"]["SubnetId"])
    ec2.modify_subnet_attribute(SubnetId=made, MapPublicIpOnLaunch={"Value": public})
    return made


def _address(ec2: Any, properties: Properties) -> Made:
    made = ec2.allocate_address(**properties)
    allocation = made["AllocationId"]
    return Made(made["PublicIp"], {"AllocationId": allocation, "Handle": allocation})


def _no_subnet(ec2: Any, subnet: str) -> None:
    where = [{"Name": "subnet-id", "Values": [subnet]}]
    there = ec2.describe_network_interfaces(Filters=where)["NetworkInterfaces"]
    if there:
        # moto lets it go.
        raise ValueError(
            f"The subnet '{subnet}' has dependencies and cannot be deleted. (Service: Ec2, Status"
            " Code: 400, Error Code: DependencyViolation)"
        )
    ec2.delete_subnet(SubnetId=subnet)


def _nat(ec2: Any, properties: Properties) -> Made:
    made = ec2.create_nat_gateway(**properties)["NatGateway"]
    interface = made["NatGatewayAddresses"][0].get("NetworkInterfaceId", "")
    return Made(made["NatGatewayId"], {"Handle": f"{made['NatGatewayId']} {interface}"})


def _no_nat(ec2: Any, both: str) -> None:
    gateway, interface = both.split(" ")
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    if interface:
        # moto leaves it.
        ec2.delete_network_interface(NetworkInterfaceId=interface)


def _endpoint(ec2: Any, properties: Properties) -> str:
    return str(ec2.create_vpc_endpoint(**properties)["VpcEndpoint"]["VpcEndpointId"])


def _interface(ec2: Any, properties: Properties) -> str:
    groups = properties.pop("GroupSet", [])
    made = ec2.create_network_interface(Groups=groups, **properties)["NetworkInterface"]
    return str(made["NetworkInterfaceId"])


def _no_interface(ec2: Any, interface: str) -> None:
    seen = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    attachment = seen[0].get("Attachment", {}).get("AttachmentId")
    if attachment:
        ec2.detach_network_interface(AttachmentId=attachment, Force=True)
    ec2.delete_network_interface(NetworkInterfaceId=interface)


def _rule(ec2: Any, properties: Properties) -> Made:
    group = properties["GroupId"]
    permission: Properties = {
        "IpProtocol": properties["IpProtocol"],
        "FromPort": properties["FromPort"],
        "ToPort": properties["ToPort"],
    }
    if "CidrIp" in properties:
        permission["IpRanges"] = [{"CidrIp": properties["CidrIp"]}]
    if "CidrIpv6" in properties:
        permission["Ipv6Ranges"] = [{"CidrIpv6": properties["CidrIpv6"]}]
    if "SourceSecurityGroupId" in properties:
        permission["UserIdGroupPairs"] = [{"GroupId": properties["SourceSecurityGroupId"]}]
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    rule = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    return Made(rule, {"Handle": f"{group} {rule}"})


def _no_rule(ec2: Any, both: str) -> None:
    group, rule = both.split()
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule])


def _route(ec2: Any, properties: Properties) -> Made:
    ec2.create_route(**properties)
    table, to = properties["RouteTableId"], properties["DestinationCidrBlock"]
    return Made(f"{table}|{to}")


def _no_route(ec2: Any, both: str) -> None:
    table, to = both.split("|")
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock=to)


def _attachment(ec2: Any, properties: Properties) -> Made:
    gateway, vpc = properties["InternetGatewayId"], properties["VpcId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    return Made(f"IGW|{vpc}", {"Handle": f"{gateway} {vpc}"})


def _no_attachment(ec2: Any, both: str) -> None:
    gateway, vpc = both.split()
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)


def _template(ec2: Any, place: Place, properties: Properties, tags: Tags) -> Made:
    made = ec2.create_launch_template(
        LaunchTemplateName=properties.get("LaunchTemplateName") or place.name(128),
        LaunchTemplateData=properties["LaunchTemplateData"],
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": listed(tags)}],
    )["LaunchTemplate"]
    return Made(made["LaunchTemplateId"], {"LatestVersionNumber": "1", "DefaultVersionNumber": "1"})


def _new_template(place: Place, made: Made, _old: Properties, new: Properties, _tags: Tags) -> None:
    version = place.client("ec2").create_launch_template_version(
        LaunchTemplateId=made.physical, LaunchTemplateData=new["LaunchTemplateData"]
    )["LaunchTemplateVersion"]
    made.attributes["LatestVersionNumber"] = str(version["VersionNumber"])


def _volume(ec2: Any, properties: Properties) -> str:
    return str(ec2.create_volume(**properties)["VolumeId"])


EC2: dict[str, Kind] = {
    "VPC": _ec2(_vpc, lambda ec2, it: ec2.delete_vpc(VpcId=it), "CidrBlock"),
    "Subnet": _ec2(
        _subnet,
        _no_subnet,
        "VpcId AvailabilityZone CidrBlock",
    ),
    "InternetGateway": _ec2(
        lambda ec2, _: ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"],
        lambda ec2, it: ec2.delete_internet_gateway(InternetGatewayId=it),
    ),
    "VPCGatewayAttachment": _ec2(_attachment, _no_attachment, "VpcId", tagged=False),
    "EIP": _ec2(_address, lambda ec2, it: ec2.release_address(AllocationId=it)),
    "NatGateway": _ec2(_nat, _no_nat, "SubnetId AllocationId ConnectivityType"),
    "RouteTable": _ec2(
        lambda ec2, own: ec2.create_route_table(**own)["RouteTable"]["RouteTableId"],
        lambda ec2, it: ec2.delete_route_table(RouteTableId=it),
        "VpcId",
    ),
    "Route": _ec2(_route, _no_route, "RouteTableId DestinationCidrBlock", tagged=False),
    "SubnetRouteTableAssociation": _ec2(
        lambda ec2, own: ec2.associate_route_table(**own)["AssociationId"],
        lambda ec2, it: ec2.disassociate_route_table(AssociationId=it),
        "SubnetId RouteTableId",
        tagged=False,
    ),
    "VPCEndpoint": _ec2(
        _endpoint,
        lambda ec2, it: ec2.delete_vpc_endpoints(VpcEndpointIds=[it]),
        "ServiceName VpcEndpointType VpcId",
    ),
    "SecurityGroup": Kind(
        lambda place, own, tags: Made(
            place.client("ec2").create_security_group(
                GroupName=place.name(128),
                Description=own["GroupDescription"],
                VpcId=own["VpcId"],
                TagSpecifications=[
                    {"ResourceType": "security-group", "Tags": listed(with_own(own, tags))}
                ],
            )["GroupId"]
        ),
        lambda place, made, _: place.client("ec2").delete_security_group(GroupId=made.physical),
        only=frozenset({"GroupDescription", "VpcId"}),
    ),
    "SecurityGroupIngress": _ec2(
        _rule,
        _no_rule,
        "GroupId IpProtocol FromPort ToPort CidrIp CidrIpv6 SourceSecurityGroupId",
        tagged=False,
    ),
    "NetworkInterface": _ec2(_interface, _no_interface, "SubnetId PrivateIpAddress"),
    "Volume": _ec2(
        _volume, lambda ec2, it: ec2.delete_volume(VolumeId=it), "AvailabilityZone Encrypted",
        update=lambda ec2, made, new: ec2.modify_volume(
            VolumeId=made.physical, Size=new["Size"], VolumeType=new["VolumeType"]
        ),
    ),
    "LaunchTemplate": Kind(
        lambda place, own, tags: _template(place.client("ec2"), place, own, tags),
        lambda place, made, _: place.client("ec2").delete_launch_template(
            LaunchTemplateId=made.physical
        ),
        _new_template,
        frozenset({"LaunchTemplateName"}),
        tagged=False,
    ),
}  # fmt: skip
