"""Autoscaling groups, and the balancer before one."""

from __future__ import annotations

from typing import Any

from tests.cluster.aws.kind import Kind, Made, Place, Properties, Tags, listed, with_own, without


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
