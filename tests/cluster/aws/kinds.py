"""What CloudFormation does with each type of resource, as calls of the services' own APIs.

Properties go to the API nearly as they are, so botocore checks their shape on the way.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

Properties = dict[str, Any]
Tags = dict[str, str]


@dataclass
class Place:
    """Where a resource is made: its stack, its logical id, and the clients of the region."""

    stack: str
    logical: str
    client: Callable[[str], Any]

    def name(self, most: int = 64) -> str:
        """A physical name as CloudFormation makes them."""
        end = uuid.uuid4().hex[:12].upper()
        return f"{self.stack}-{self.logical}"[: most - 13] + f"-{end}"


@dataclass
class Made:
    """A resource that is there."""

    physical: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """One type: `only` are the properties that make another resource, `perhaps` those that may."""

    create: Callable[[Place, Properties, Tags], Made]
    delete: Callable[[Place, Made, Properties], object]
    update: Callable[[Place, Made, Properties, Properties, Tags], object] | None = None
    only: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()
    tagged: bool = True


GONE = (
    "NotFound", "NoSuchEntity", "NoSuchHostedZone", "ParameterNotFound", "NonExistentQueue",
    "NotFoundException", "ResourceNotFoundException", "InvalidAssociationID.NotFound",
)  # fmt: skip


def is_gone(error: ClientError) -> bool:
    """Whether a deletion failed for want of what is deleted."""
    code = error.response["Error"]["Code"]
    message = error.response["Error"]["Message"]
    return code.endswith(GONE) or "not found" in message


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """As most APIs want them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def with_own(properties: Properties, tags: Tags, key: str = "Tags") -> Tags:
    """The stack's tags under the resource's own."""
    own = properties.get(key, [])
    if isinstance(own, dict):
        return {**tags, **own}
    return {**tags, **{each["Key"]: each["Value"] for each in own}}


def without(properties: Properties, *keys: str) -> Properties:
    """All but some."""
    return {key: value for key, value in properties.items() if key not in keys}


# --- EC2 ---------------------------------------------------------------------------------------


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


# --- Auto Scaling ------------------------------------------------------------------------------


def _group_parameters(properties: Properties) -> Properties:
    own = without(
        properties, "Tags", "VPCZoneIdentifier", "LifecycleHookSpecificationList",
        "TargetGroupARNs", "InstanceMaintenancePolicy",
    )  # fmt: skip
    for key in ("MinSize", "MaxSize", "DesiredCapacity"):
        if key in own:
            own[key] = int(own[key])
    if "VPCZoneIdentifier" in properties:
        own["VPCZoneIdentifier"] = ",".join(properties["VPCZoneIdentifier"])
    return own


def _group_tags(properties: Properties, tags: Tags) -> list[dict[str, Any]]:
    name = properties["AutoScalingGroupName"]
    own = {each["Key"]: each for each in properties.get("Tags", [])}
    whole = {
        **{
            key: {"Key": key, "Value": value, "PropagateAtLaunch": True}
            for key, value in tags.items()
        },
        **own,
    }
    where = {"ResourceId": name, "ResourceType": "auto-scaling-group"}
    return [{**each, **where} for each in whole.values()]


def _group(place: Place, properties: Properties, tags: Tags) -> Made:
    groups = place.client("autoscaling")
    own = _group_parameters(properties)
    if "VPCZoneIdentifier" not in own:
        own["VPCZoneIdentifier"] = _subnet_of_interface(place, properties)
    groups.create_auto_scaling_group(
        **own,
        Tags=_group_tags(properties, tags),
        TargetGroupARNs=properties.get("TargetGroupARNs", []),
    )
    _hooks(groups, properties)
    return Made(properties["AutoScalingGroupName"])


def _subnet_of_interface(place: Place, properties: Properties) -> str:
    """Where its launch template's network interface is: a group of a zone has no subnet to say."""
    ec2 = place.client("ec2")
    said = properties["LaunchTemplate"]
    version = ec2.describe_launch_template_versions(
        LaunchTemplateId=said["LaunchTemplateId"], Versions=[said["Version"]]
    )["LaunchTemplateVersions"][0]
    interface = version["LaunchTemplateData"]["NetworkInterfaces"][0]["NetworkInterfaceId"]
    seen = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])
    return str(seen["NetworkInterfaces"][0]["SubnetId"])


def _hooks(groups: Any, properties: Properties) -> None:
    for hook in properties.get("LifecycleHookSpecificationList", []):
        groups.put_lifecycle_hook(AutoScalingGroupName=properties["AutoScalingGroupName"], **hook)


def _new_group(place: Place, _made: Made, _old: Properties, new: Properties, tags: Tags) -> None:
    groups = place.client("autoscaling")
    groups.update_auto_scaling_group(**without(_group_parameters(new), "AvailabilityZones"))
    groups.create_or_update_tags(Tags=_group_tags(new, tags))
    _hooks(groups, new)


GROUP = Kind(
    _group,
    lambda place, made, _: place.client("autoscaling").delete_auto_scaling_group(
        AutoScalingGroupName=made.physical, ForceDelete=True
    ),
    _new_group,
    frozenset({"AutoScalingGroupName"}),
    frozenset({"VPCZoneIdentifier", "LaunchTemplate", "MixedInstancesPolicy"}),
)


# --- the balancer ------------------------------------------------------------------------------


def _balancer(place: Place, properties: Properties, tags: Tags) -> Made:
    elb = place.client("elbv2")
    own = without(properties, "Tags", "LoadBalancerAttributes")
    made = elb.create_load_balancer(
        Name=own.pop("Name", place.name(32)), **own, Tags=listed(with_own(properties, tags))
    )["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    _balancer_attributes(place, Made(arn), {}, properties, tags)
    return Made(
        arn, {"DNSName": made["DNSName"], "CanonicalHostedZoneID": made["CanonicalHostedZoneId"]}
    )


def _balancer_attributes(
    place: Place, made: Made, _old: Properties, new: Properties, _tags: Tags
) -> None:
    if new.get("LoadBalancerAttributes"):
        place.client("elbv2").modify_load_balancer_attributes(
            LoadBalancerArn=made.physical, Attributes=new["LoadBalancerAttributes"]
        )


def _targets(place: Place, properties: Properties, tags: Tags) -> Made:
    elb = place.client("elbv2")
    own = without(properties, "Tags", "TargetGroupAttributes")
    made = elb.create_target_group(
        Name=own.pop("Name", place.name(32)), **own, Tags=listed(with_own(properties, tags))
    )["TargetGroups"][0]
    found = Made(made["TargetGroupArn"])
    _target_attributes(place, found, {}, properties, tags)
    return found


def _target_attributes(
    place: Place, made: Made, _old: Properties, new: Properties, _tags: Tags
) -> None:
    if new.get("TargetGroupAttributes"):
        place.client("elbv2").modify_target_group_attributes(
            TargetGroupArn=made.physical, Attributes=new["TargetGroupAttributes"]
        )


def _listener(place: Place, properties: Properties, tags: Tags) -> Made:
    elb = place.client("elbv2")
    made = elb.create_listener(**properties)["Listeners"][0]
    return Made(made["ListenerArn"])


def _new_listener(place: Place, made: Made, _old: Properties, new: Properties, _tags: Tags) -> None:
    place.client("elbv2").modify_listener(
        ListenerArn=made.physical, **without(new, "LoadBalancerArn", "Tags")
    )


BALANCING: dict[str, Kind] = {
    "LoadBalancer": Kind(
        _balancer,
        lambda place, made, _: place.client("elbv2").delete_load_balancer(
            LoadBalancerArn=made.physical
        ),
        _balancer_attributes,
        frozenset({"Name", "Type", "Scheme"}),
    ),
    "TargetGroup": Kind(
        _targets,
        lambda place, made, _: place.client("elbv2").delete_target_group(
            TargetGroupArn=made.physical
        ),
        _target_attributes,
        frozenset({"TargetType", "ProtocolVersion", "Port", "Name", "VpcId", "Protocol"}),
    ),
    "Listener": Kind(
        _listener,
        lambda place, made, _: place.client("elbv2").delete_listener(ListenerArn=made.physical),
        _new_listener,
        frozenset({"LoadBalancerArn"}),
    ),
}


# --- names -------------------------------------------------------------------------------------


def _zone(place: Place, properties: Properties, tags: Tags) -> Made:
    names = place.client("route53")
    private = properties.get("VPCs", [])
    config = {"PrivateZone": bool(private), **properties.get("HostedZoneConfig", {})}
    first = {"VPC": private[0]} if private else {}
    made = names.create_hosted_zone(
        Name=properties["Name"], CallerReference=uuid.uuid4().hex, HostedZoneConfig=config, **first
    )["HostedZone"]
    zone = made["Id"].rpartition("/")[2]
    names.change_tags_for_resource(
        ResourceType="hostedzone",
        ResourceId=zone,
        AddTags=listed(with_own(properties, tags, "HostedZoneTags")),
    )
    return Made(zone, {"Id": zone})


def _zone_of(names: Any, properties: Properties) -> str:
    if "HostedZoneId" in properties:
        return str(properties["HostedZoneId"])
    wanted = properties["HostedZoneName"]
    found = [
        each["Id"].rpartition("/")[2]
        for each in names.list_hosted_zones()["HostedZones"]
        if each["Name"] == wanted and not each["Config"]["PrivateZone"]
    ]
    if len(found) != 1:
        raise ValueError(f"No hosted zones named {wanted} found")
    return str(found[0])


def _record(said: Properties) -> Properties:
    own = dict(said)
    if "ResourceRecords" in own:
        own["ResourceRecords"] = [{"Value": each} for each in own["ResourceRecords"]]
        own["TTL"] = int(own["TTL"])
    if "AliasTarget" in own:
        own["AliasTarget"] = {"EvaluateTargetHealth": False, **own["AliasTarget"]}
    return own


def _records(place: Place, properties: Properties, _tags: Tags) -> Made:
    names = place.client("route53")
    zone = _zone_of(names, properties)
    steps = [
        {"Action": "CREATE", "ResourceRecordSet": _record(each)}
        for each in properties["RecordSets"]
    ]
    names.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": steps})
    return Made(place.name(), {"Zone": zone})


def _no_records(place: Place, made: Made, properties: Properties) -> None:
    names = place.client("route53")
    zone = made.attributes["Zone"]
    there = {
        (each["Name"], each["Type"])
        for page in names.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        for each in page["ResourceRecordSets"]
    }
    steps = [
        {"Action": "DELETE", "ResourceRecordSet": _record(each)}
        for each in properties["RecordSets"]
        if (each["Name"], each["Type"]) in there
    ]
    if steps:
        names.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": steps})


def _new_records(place: Place, made: Made, old: Properties, new: Properties, tags: Tags) -> None:
    _no_records(place, made, old)
    _records(place, new, tags)


NAMES: dict[str, Kind] = {
    "HostedZone": Kind(
        _zone,
        lambda place, made, _: place.client("route53").delete_hosted_zone(Id=made.physical),
        only=frozenset({"Name"}),
    ),
    "RecordSetGroup": Kind(
        _records,
        _no_records,
        _new_records,
        frozenset({"HostedZoneName", "HostedZoneId"}),
        tagged=False,
    ),
}


# --- rights ------------------------------------------------------------------------------------


def _role(place: Place, properties: Properties, tags: Tags) -> Made:
    iam = place.client("iam")
    name = properties.get("RoleName") or place.name()
    bound = {key: properties[key] for key in ("PermissionsBoundary", "Path") if key in properties}
    made = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
        Tags=listed(with_own(properties, tags)),
        **bound,
    )["Role"]
    _role_policies(iam, name, properties)
    return Made(name, {"Arn": made["Arn"]})


def _role_policies(iam: Any, name: str, properties: Properties) -> None:
    for policy in properties.get("Policies", []):
        iam.put_role_policy(
            RoleName=name,
            PolicyName=policy["PolicyName"],
            PolicyDocument=json.dumps(policy["PolicyDocument"]),
        )


def _no_role(place: Place, made: Made, properties: Properties) -> None:
    iam = place.client("iam")
    own = {each["PolicyName"] for each in properties.get("Policies", [])}
    for policy in iam.list_role_policies(RoleName=made.physical)["PolicyNames"]:
        # What others put there keeps the role.
        if policy in own:
            iam.delete_role_policy(RoleName=made.physical, PolicyName=policy)
    iam.delete_role(RoleName=made.physical)


def _profile(place: Place, properties: Properties, _tags: Tags) -> Made:
    iam = place.client("iam")
    name = properties.get("InstanceProfileName") or place.name()
    made = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    for role in properties["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return Made(name, {"Arn": made["Arn"]})


def _no_profile(place: Place, made: Made, properties: Properties) -> None:
    iam = place.client("iam")
    for role in properties["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=made.physical, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=made.physical)


def _policy(place: Place, properties: Properties, _tags: Tags) -> Made:
    for role in properties["Roles"]:
        _role_policies(place.client("iam"), role, {"Policies": [properties]})
    return Made(place.name())


def _no_policy(place: Place, _made: Made, properties: Properties) -> None:
    for role in properties["Roles"]:
        place.client("iam").delete_role_policy(RoleName=role, PolicyName=properties["PolicyName"])


RIGHTS: dict[str, Kind] = {
    "Role": Kind(
        _role,
        _no_role,
        lambda place, made, _old, new, _tags: _role_policies(
            place.client("iam"), made.physical, new
        ),
        frozenset({"Path", "RoleName"}),
    ),
    "InstanceProfile": Kind(
        _profile, _no_profile, only=frozenset({"InstanceProfileName", "Path"}), tagged=False
    ),
    "Policy": Kind(
        _policy,
        _no_policy,
        lambda place, _made, _old, new, tags: _policy(place, new, tags),
        tagged=False,
    ),
}


# --- the rest ----------------------------------------------------------------------------------


def _parameter(place: Place, properties: Properties, tags: Tags) -> Made:
    place.client("ssm").put_parameter(
        **without(properties, "Tags"), Tags=listed(with_own(properties, tags))
    )
    return Made(properties["Name"])


def _queue(place: Place, properties: Properties, tags: Tags) -> Made:
    sqs = place.client("sqs")
    own = {
        key: json.dumps(value) if not isinstance(value, str) else value
        for key, value in without(properties, "Tags", "QueueName").items()
    }
    url = sqs.create_queue(
        QueueName=properties.get("QueueName") or place.name(80),
        Attributes=own,
        tags=with_own(properties, tags),
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return Made(url, {"Arn": arn["QueueArn"], "QueueName": url.rpartition("/")[2]})


def _queue_policy(place: Place, properties: Properties, _tags: Tags) -> Made:
    text = json.dumps(properties["PolicyDocument"])
    for url in properties["Queues"]:
        place.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    return Made(place.name())


def _no_queue_policy(place: Place, _made: Made, properties: Properties) -> None:
    for url in properties["Queues"]:
        place.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def _event_rule(place: Place, properties: Properties, tags: Tags) -> Made:
    events = place.client("events")
    name = properties.get("Name") or place.name()
    made = events.put_rule(
        Name=name,
        Description=properties["Description"],
        EventPattern=json.dumps(properties["EventPattern"]),
        Tags=listed(tags),
    )
    events.put_targets(Rule=name, Targets=properties["Targets"])
    return Made(name, {"Arn": made["RuleArn"]})


def _no_event_rule(place: Place, made: Made, properties: Properties) -> None:
    events = place.client("events")
    events.remove_targets(Rule=made.physical, Ids=[each["Id"] for each in properties["Targets"]])
    events.delete_rule(Name=made.physical)


def _alarm(place: Place, properties: Properties, tags: Tags) -> Made:
    name = properties.get("AlarmName") or place.name()
    place.client("cloudwatch").put_metric_alarm(
        AlarmName=name, **without(properties, "AlarmName", "Tags"), Tags=listed(tags)
    )
    return Made(name)


REST: dict[str, Kind] = {
    "SSM::Parameter": Kind(
        _parameter,
        lambda place, made, _: place.client("ssm").delete_parameter(Name=made.physical),
        only=frozenset({"Name"}),
    ),
    "SQS::Queue": Kind(
        _queue,
        lambda place, made, _: place.client("sqs").delete_queue(QueueUrl=made.physical),
        only=frozenset({"QueueName"}),
    ),
    "SQS::QueuePolicy": Kind(_queue_policy, _no_queue_policy, tagged=False),
    "Events::Rule": Kind(_event_rule, _no_event_rule, only=frozenset({"Name"})),
    "CloudWatch::Alarm": Kind(
        _alarm,
        lambda place, made, _: place.client("cloudwatch").delete_alarms(AlarmNames=[made.physical]),
        only=frozenset({"AlarmName"}),
    ),
}

KINDS: Mapping[str, Kind] = {
    **{f"AWS::EC2::{name}": kind for name, kind in EC2.items()},
    "AWS::AutoScaling::AutoScalingGroup": GROUP,
    **{f"AWS::ElasticLoadBalancingV2::{name}": kind for name, kind in BALANCING.items()},
    **{f"AWS::Route53::{name}": kind for name, kind in NAMES.items()},
    **{f"AWS::IAM::{name}": kind for name, kind in RIGHTS.items()},
    **{f"AWS::{name}": kind for name, kind in REST.items()},
}
