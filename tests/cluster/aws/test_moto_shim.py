"""The tests' AWS does what the commands depend on, and breaks as it is told to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.cluster.aws.account import Aws
from tests.cluster.aws.leftovers import leftovers
from tests.cluster.templates import KICK_POLICY, MATRIX, cluster
from toolkit.cluster.template import render_template
from toolkit.spec.cluster import Arch, Cluster, Pool
from toolkit.spec.cluster_template import Template

PATIENCE = 60.0


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def rendered(own: Cluster) -> Template:
    """With images that are there, and no certificate, which moto does not have."""
    images: Mapping[Arch, str] = {
        "amd64": "ami-0123456789abcdef0",
        "arm64": "ami-0123456789abcdef1",
    }
    edge = replace(own.edge, http=80, https=None, certificate=None, redirect=False)
    return render_template(replace(own, images=images, edge=edge, public_zone=None), KICK_POLICY)


def change(aws: Aws, template: Template, kind: str, **more: Any) -> str:
    """Make a change set and execute it; the stack's id."""
    stacks = aws.client("cloudformation")
    made = stacks.create_change_set(
        StackName="prod",
        ChangeSetName=f"{kind.lower()}-{template.size}",
        ChangeSetType=kind,
        TemplateBody=template.body,
        Tags=[{"Key": key, "Value": value} for key, value in template.tags.items() if value],
        Capabilities=list(template.capabilities),
        **more,
    )
    until(lambda: described(aws, made["Id"])["ExecutionStatus"] == "AVAILABLE")
    stacks.execute_change_set(ChangeSetName=made["Id"])
    return str(made["StackId"])


def described(aws: Aws, change_set: str) -> dict[str, Any]:
    found: dict[str, Any] = aws.client("cloudformation").describe_change_set(
        ChangeSetName=change_set
    )
    return found


def status(aws: Aws, stack: str) -> str:
    found = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return str(found["StackStatus"])


def settled(aws: Aws, stack: str) -> str:
    until(lambda: not status(aws, stack).endswith("IN_PROGRESS"))
    return status(aws, stack)


def events(aws: Aws, stack: str) -> list[tuple[str, str]]:
    """Logical id and status, oldest first."""
    pages = aws.client("cloudformation").get_paginator("describe_stack_events")
    found = [
        (each["LogicalResourceId"], each["ResourceStatus"])
        for page in pages.paginate(StackName=stack)
        for each in page["StackEvents"]
    ]
    return found[::-1]


def test_a_stack_is_made_changed_and_deleted(aws: Aws) -> None:
    own = cluster()
    aws.knobs(held=["Server2"])
    stack = change(aws, rendered(own), "CREATE", OnStackFailure="DO_NOTHING")
    until(lambda: ("Server2", "CREATE_IN_PROGRESS") in events(aws, stack))
    assert status(aws, stack) == "CREATE_IN_PROGRESS"
    aws.knobs(held=[])
    assert settled(aws, stack) == "CREATE_COMPLETE"
    ec2 = aws.client("ec2")
    mine = [{"Name": "tag:toolkit:cluster", "Values": ["prod"]}]
    volumes = ec2.describe_volumes(Filters=mine)["Volumes"]
    assert len(volumes) == 3 + 3 + 1 + 1 + 2
    assert all(each["Encrypted"] for each in volumes)
    servers = {
        each["PrivateIpAddress"]
        for reservation in ec2.describe_instances(Filters=mine)["Reservations"]
        for each in reservation["Instances"]
        if {"Key": "toolkit:role", "Value": "server"} in each["Tags"]
    }
    assert servers == {"10.40.0.11", "10.40.32.12", "10.40.64.13"}
    groups = aws.client("autoscaling")
    hooks = groups.describe_lifecycle_hooks(AutoScalingGroupName="prod-pool-worker")
    assert [each["HeartbeatTimeout"] for each in hooks["LifecycleHooks"]] == [300]

    pool = Pool("worker", "m5.large", min=3, max=6, node_pool="batch")
    more = replace(own, pools={**own.pools, "worker": pool})
    change(aws, rendered(more), "UPDATE")
    until(lambda: ("prod", "UPDATE_IN_PROGRESS") in events(aws, stack))
    assert settled(aws, stack) == "UPDATE_COMPLETE"
    found = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["prod-pool-worker"])
    assert len(found["AutoScalingGroups"][0]["Instances"]) == 3

    stacks = aws.client("cloudformation")
    stacks.update_termination_protection(StackName="prod", EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        stacks.delete_stack(StackName="prod")
    stacks.update_termination_protection(StackName="prod", EnableTerminationProtection=False)
    stacks.delete_stack(StackName="prod")
    assert settled(aws, stack) == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="Stack with id prod does not exist"):
        status(aws, "prod")
    assert {each.split()[0] for each in leftovers(aws)} == {"Volumes"}
    assert ("Data1", "DELETE_SKIPPED") in events(aws, stack)


def test_a_failed_creation_is_taken_back_with_its_volumes_unless_told_otherwise(aws: Aws) -> None:
    aws.knobs(fails={"PoolControl": "no capacity"})
    stack = change(aws, rendered(cluster()), "CREATE")
    assert settled(aws, stack) == "ROLLBACK_COMPLETE"
    assert {each.split()[0] for each in leftovers(aws)} == {"Stacks"}
    stacks = aws.client("cloudformation")
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        change(aws, rendered(cluster()), "UPDATE")
    with pytest.raises(ClientError, match="already exists"):
        change(aws, rendered(cluster()), "CREATE")
    stacks.delete_stack(StackName="prod")
    assert settled(aws, stack) == "DELETE_COMPLETE"


@pytest.mark.soak
@pytest.mark.parametrize("shape", MATRIX)
def test_every_shape_of_a_cluster_is_made_and_deleted(shape: str, aws: Aws) -> None:
    own = replace(
        MATRIX[shape], region="eu-west-1", zones=("eu-west-1a", "eu-west-1b", "eu-west-1c")
    )
    aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="x")
    stack = change(aws, rendered(own), "CREATE", OnStackFailure="DO_NOTHING")
    assert settled(aws, stack) == "CREATE_COMPLETE", events(aws, stack)[-3:]
    aws.client("cloudformation").delete_stack(StackName="prod")
    assert settled(aws, stack) == "DELETE_COMPLETE", events(aws, stack)[-3:]
    assert {each.split()[0] for each in leftovers(aws)} == {"Volumes"}


def test_calls_are_counted_and_broken_as_told(aws: Aws) -> None:
    ec2 = aws.client("ec2")
    aws.forget()
    aws.fault("throttle", "DescribeVpcs", skip=1, times=-1)
    ec2.describe_vpcs()
    with pytest.raises(ClientError, match="Throttling"):
        ec2.describe_vpcs()
    assert {each.operation for each in aws.calls()} == {"DescribeVpcs"}
    assert [each.fault for each in aws.calls()][:2] == ["", "throttle"]
    aws.calm()
    aws.fault("lost", "CreateVpc", times=-1)
    before = len(ec2.describe_vpcs()["Vpcs"])
    with pytest.raises(ConnectionClosedError):
        ec2.create_vpc(CidrBlock="10.9.0.0/16")
    aws.calm()
    # Done as often as boto3 asked for it, and never answered.
    asked = aws.operations().count("CreateVpc")
    assert len(ec2.describe_vpcs()["Vpcs"]) == before + asked
