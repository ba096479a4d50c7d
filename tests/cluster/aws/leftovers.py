"""What an account still has of a cluster: asked kind by kind, with no code of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.cluster.aws.account import Aws

NAME = "prod"


def leftovers(aws: Aws) -> list[str]:
    """Everything there is that only a cluster makes; a key that waits for its end is none."""
    return sorted(
        [
            *_ec2(aws.client("ec2")),
            *_others(aws),
            *_keys(aws.client("kms")),
            *_names(aws.client("route53")),
        ]
    )


def _ec2(ec2: Any) -> Iterator[str]:
    asked = (
        ("describe_vpcs", "Vpcs", "VpcId"),
        ("describe_subnets", "Subnets", "SubnetId"),
        ("describe_security_groups", "SecurityGroups", "GroupId"),
        ("describe_volumes", "Volumes", "VolumeId"),
        ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
        ("describe_addresses", "Addresses", "AllocationId"),
        ("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
        ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    )
    default = {each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if each["IsDefault"]}
    for operation, key, name in asked:
        for each in getattr(ec2, operation)()[key]:
            if each.get("VpcId") not in default and each.get("State") != "deleted":
                yield f"{key} {each[name]}"
    for each in ec2.describe_nat_gateways()["NatGateways"]:
        if each["State"] != "deleted":
            yield f"NatGateways {each['NatGatewayId']}"
    for reservation in ec2.describe_instances()["Reservations"]:
        for each in reservation["Instances"]:
            if each["State"]["Name"] != "terminated":
                yield f"Instances {each['InstanceId']}"


def _others(aws: Aws) -> Iterator[str]:
    asked = (
        ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
        ("elbv2", "describe_load_balancers", "LoadBalancers"),
        ("elbv2", "describe_target_groups", "TargetGroups"),
        ("iam", "list_roles", "Roles"),
        ("iam", "list_instance_profiles", "InstanceProfiles"),
        ("sqs", "list_queues", "QueueUrls"),
        ("events", "list_rules", "Rules"),
        ("cloudwatch", "describe_alarms", "MetricAlarms"),
        ("ssm", "describe_parameters", "Parameters"),
        ("cloudformation", "describe_stacks", "Stacks"),
    )
    for service, operation, key in asked:
        for each in getattr(aws.client(service), operation)().get(key, []):
            yield f"{key} {each if isinstance(each, str) else sorted(each.values(), key=str)[0]}"


def _keys(kms: Any) -> Iterator[str]:
    for each in kms.list_aliases()["Aliases"]:
        if not each["AliasName"].startswith("alias/aws/"):
            yield f"Aliases {each['AliasName']}"
    aws_own = {
        each.get("TargetKeyId")
        for each in kms.list_aliases()["Aliases"]
        if each["AliasName"].startswith("alias/aws/")
    }
    for each in kms.list_keys()["Keys"]:
        said = kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
        if said["KeyState"] != "PendingDeletion" and each["KeyId"] not in aws_own:
            yield f"Keys {each['KeyId']}"


def _names(names: Any) -> Iterator[str]:
    for zone in names.list_hosted_zones()["HostedZones"]:
        if zone["Config"]["PrivateZone"]:
            yield f"HostedZones {zone['Name']}"
        for each in names.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            if each["Type"] not in {"NS", "SOA"}:
                yield f"Records {each['Name']} {each['Type']}"


def living_keys(aws: Aws) -> list[str]:
    """Keys that nobody lets end."""
    return [each for each in _keys(aws.client("kms")) if each.startswith("Keys ")]
