"""Machines, zones and what is left: by their tag, by their very name, and as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.cluster.aws.account import REGION, Aws
from tests.cluster.aws.asking import Asking, asking
from toolkit.clients.aws.balancers import Balancers
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.hosted import HostedZones
from toolkit.clients.aws.inventory import tagged
from toolkit.clients.aws.keys import Keys
from toolkit.clients.aws.machines import Machines
from toolkit.clients.aws.notices import Notices
from toolkit.errors import (
    DeniedError,
    InvalidRequestError,
    NotFoundError,
)

ALIAS = "alias/toolkit/prod"
TAGS = {"toolkit:cluster": "prod", "team": "shop"}
POLICY: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}
NO_ARN = f"arn:aws:elasticloadbalancing:{REGION}:123456789012"


@pytest.fixture(scope="module")
def those(aws_server: Aws) -> Iterator[Asking]:
    with asking(aws_server) as those:
        yield those


@pytest.fixture
def cloud(aws: Aws, those: Asking) -> Cloud:
    return those.patient


@pytest.fixture
def hasty(aws: Aws, those: Asking) -> Cloud:
    """Asks once."""
    return those.hasty


@pytest.fixture
def theirs(those: Asking) -> Callable[[str], Any]:
    """What others do and see, by boto3's client for a service."""
    return those.theirs


# --- what is left -------------------------------------------------------------------------------


def test_what_the_tagging_api_alone_names_is_looked_at(
    cloud: Cloud, theirs: Callable[[str], Any]
) -> None:
    """It goes on naming what is gone."""
    key = Keys(cloud).make(ALIAS, POLICY, TAGS)
    Keys(cloud).schedule_deletion(ALIAS, "prod")
    here = f"{REGION}:123456789012"
    vault = f"arn:aws:backup:{here}:backup-vault:ours"
    arns = [
        key.arn, f"arn:aws:cloudformation:{here}:stack/prod/1",
        f"{NO_ARN}:listener/app/prod-Edge/50dc6c495c0c9188/f2f7dc8efc522ab2",
        f"{NO_ARN}:targetgroup/prod-Targets/50dc6c495c0c9188", f"arn:aws:sqs:{here}:prod-Notices-1",
        f"arn:aws:ec2:{here}:instance/i-0123456789abcdef0", f"arn:aws:ssm:{here}:parameter/x",
        f"arn:aws:cloudwatch:{here}:alarm:prod-QuorumLost", f"arn:aws:events:{here}:rule/prod-Spot",
        vault,
    ]  # fmt: skip
    rows = [{"ResourceARN": arn, "Tags": []} for arn in arns]
    with Stubber(theirs("resourcegroupstaggingapi")) as stubber:
        for some, more in ((rows[:4], "2"), (rows[4:], "")):
            answer = {"ResourceTagMappingList": some, "PaginationToken": more}
            stubber.add_response("get_resources", answer)
        found = tagged(cloud, "prod")
        stubber.assert_no_pending_responses()
    assert [(each.kind, each.id) for each in found] == [("backup:backup-vault", vault)]


def test_one_that_went_meanwhile_hides_no_other(
    aws: Aws, cloud: Cloud, theirs: Callable[[str], Any]
) -> None:
    """Tags are asked for ten zones at once, and all are refused where one is gone."""
    dns = theirs("route53")
    for number in range(3):
        made = dns.create_hosted_zone(Name=f"z{number}.internal", CallerReference=str(number))
    ours = made["HostedZone"]["Id"].rpartition("/")[2]
    dns.change_tags_for_resource(
        ResourceType="hostedzone", ResourceId=ours,
        AddTags=[{"Key": "toolkit:cluster", "Value": "prod"}],
    )  # fmt: skip
    aws.fault("own", "ListTagsForResources", code="NoSuchHostedZone", message="one of them")
    assert [(each.kind, each.id) for each in tagged(cloud, "prod")] == [
        ("route53:hostedzone", ours)
    ]


def test_another_regions_cluster_of_that_name_is_not_this_one(
    cloud: Cloud, theirs: Callable[[str], Any]
) -> None:
    """Zones and roles are the same in every region."""
    stack = "arn:aws:cloudformation:{}:123456789012:stack/prod/1"
    ours = []
    for region in (REGION, "us-east-1"):
        said = {"toolkit:cluster": "prod", "aws:cloudformation:stack-id": stack.format(region)}
        tags = [{"Key": key, "Value": text} for key, text in said.items()]
        role = f"prod-{region}-kick"
        theirs("iam").create_role(RoleName=role, AssumeRolePolicyDocument="{}", Tags=tags)
        made = theirs("route53").create_hosted_zone(Name="prod.internal", CallerReference=region)
        zone = made["HostedZone"]["Id"].rpartition("/")[2]
        theirs("route53").change_tags_for_resource(
            ResourceType="hostedzone", ResourceId=zone, AddTags=tags
        )
        ours.append({("iam:role", role), ("route53:hostedzone", zone)})
    assert {(each.kind, each.id) for each in tagged(cloud, "prod")} == ours[0]


def test_a_denial_that_speaks_of_something_absent_is_a_denial(
    aws: Aws, cloud: Cloud, theirs: Callable[[str], Any]
) -> None:
    theirs("iam").create_role(RoleName="prod-NoSuchRole", AssumeRolePolicyDocument="{}")
    message = "no permission for iam:ListRoleTags on role/prod-NoSuchRole"
    aws.fault("own", "ListRoleTags", code="AccessDenied", message=message)
    with pytest.raises(DeniedError):
        tagged(cloud, "prod")


def test_machines_that_are_terminated_are_gone(cloud: Cloud, theirs: Callable[[str], Any]) -> None:
    """EC2 shows them, and their tags, for an hour."""
    ec2 = theirs("ec2")
    tags = [{"Key": "toolkit:cluster", "Value": "prod"}]
    [one] = ec2.run_instances(
        ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, InstanceType="t3.micro",
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )["Instances"]  # fmt: skip
    assert [(each.kind, each.state) for each in tagged(cloud, "prod")] == [
        ("ec2:instance", "running")
    ]
    assert [each.id for each in Machines(cloud).instances("prod")] == [one["InstanceId"]]
    ec2.terminate_instances(InstanceIds=[one["InstanceId"]])
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [one["InstanceId"]]}])[
        "Tags"
    ]
    assert tagged(cloud, "prod") == ()
    assert Machines(cloud).instances("prod") == ()


# --- machines -----------------------------------------------------------------------------------


@pytest.fixture
def stubbed(cloud: Cloud, theirs: Callable[[str], Any]) -> Iterator[tuple[Machines, Stubber]]:
    with Stubber(theirs("autoscaling")) as stubber:
        yield Machines(cloud), stubber
        stubber.assert_no_pending_responses()


def test_a_machine_that_waits_at_its_hook_is_let_go_once(
    stubbed: tuple[Machines, Stubber],
) -> None:
    machines, stubber = stubbed
    asked = {
        "LifecycleHookName": "drain", "AutoScalingGroupName": "prod-pool-worker",
        "InstanceId": "i-1", "LifecycleActionResult": "CONTINUE",
    }  # fmt: skip
    stubber.add_response("complete_lifecycle_action", {}, asked)
    machines.let_go("prod-pool-worker", "i-1")
    gone = "No active Lifecycle Action found with instance ID i-1"
    stubber.add_client_error("complete_lifecycle_action", "ValidationError", gone)
    machines.let_go("prod-pool-worker", "i-1")
    stubber.add_client_error("complete_lifecycle_action", "ValidationError", "other")
    with pytest.raises(InvalidRequestError, match=r"\(i-1\): other"):
        machines.let_go("prod-pool-worker", "i-1")


def test_groups_come_with_all_of_their_pages(stubbed: tuple[Machines, Stubber]) -> None:
    machines, stubber = stubbed
    filters = [{"Name": "tag:toolkit:cluster", "Values": ["prod"]}]
    for number, more in ((2, {"NextToken": "n"}), (1, {})):
        group = {
            "AutoScalingGroupName": f"prod-{number}", "MinSize": 0, "MaxSize": 1,
            "DesiredCapacity": 1, "DefaultCooldown": 1, "AvailabilityZones": ["eu-west-1a"],
            "HealthCheckType": "EC2", "CreatedTime": "2026-01-01T00:00:00Z",
            "Instances": [
                {
                    "InstanceId": "i-1", "AvailabilityZone": "eu-west-1a",
                    "LifecycleState": "Terminating:Wait", "HealthStatus": "HEALTHY",
                    "ProtectedFromScaleIn": False,
                }
            ],
        }  # fmt: skip
        asked: dict[str, Any] = {"Filters": filters}
        asked |= {} if more else {"NextToken": "n"}
        stubber.add_response(
            "describe_auto_scaling_groups", {"AutoScalingGroups": [group], **more}, asked
        )
    first, second = machines.groups("prod")
    assert (first.name, second.name) == ("prod-1", "prod-2")
    [one] = first.instances
    assert (one.health, one.going, one.in_service) == ("Healthy", True, False)


def test_nothing_of_the_kind(cloud: Cloud) -> None:
    machines = Machines(cloud)
    machines.delete_volume("vol-0123456789abcdef0")
    with pytest.raises(NotFoundError, match="prod-pool-x"):
        machines.resize("prod-pool-x", min=0, desired=0)
    assert machines.volumes("prod") == ()
    assert Balancers(cloud).find(f"{NO_ARN}:loadbalancer/app/x/50dc6c495c0c9188") is None
    assert Balancers(cloud).target_health(f"{NO_ARN}:targetgroup/x/50dc6c495c0c9188") == ()
    assert Notices(cloud).queue(f"https://sqs.{REGION}.amazonaws.com/123456789012/x") is None
    assert Notices(cloud).alarms(["x"]) == ()
    assert Notices(cloud).alarms([]) == ()
    assert tagged(cloud, "prod") == ()


# --- zones --------------------------------------------------------------------------------------


def test_zones_are_found_by_their_very_name(cloud: Cloud, theirs: Callable[[str], Any]) -> None:
    dns = theirs("route53")
    for number, name in enumerate(("example.com", "a.example.com", "example.com", "example.org")):
        dns.create_hosted_zone(Name=name, CallerReference=str(number))
    zones = HostedZones(cloud)
    found = zones.by_domain("example.com")
    assert [zone.name for zone in found] == ["example.com"] * 2
    assert zones.by_domain("xample.com") == ()
    whole = zones.by_id(found[0].id)
    assert whole is not None
    assert (whole.name, whole.private) == ("example.com", False)
    assert len(whole.name_servers) == 4
    assert zones.by_id("Z0123456789") is None
    assert zones.records("Z0123456789") == ()


def test_a_zone_is_emptied_of_records_of_every_form(
    aws: Aws, cloud: Cloud, theirs: Callable[[str], Any]
) -> None:
    dns = theirs("route53")
    id_ = dns.create_hosted_zone(Name="prod.internal", CallerReference="1")["HostedZone"]["Id"]
    sets: list[dict[str, Any]] = [
        {"Name": "*.prod.internal", "Type": "TXT", "TTL": 5, "ResourceRecords": [{"Value": '"y"'}]},
        {"Name": "t.prod.internal", "Type": "TXT", "TTL": 5, "ResourceRecords": [{"Value": '"x"'}]},
        {
            "Name": "alias.prod.internal", "Type": "A",
            "AliasTarget": {
                "HostedZoneId": id_.rpartition("/")[2], "DNSName": "t.prod.internal",
                "EvaluateTargetHealth": False,
            },
        },
        *(
            {
                "Name": "w.prod.internal", "Type": "A", "TTL": 5, "SetIdentifier": name,
                "Weight": 1, "ResourceRecords": [{"Value": "10.0.0.2"}],
            }
            for name in ("blue", "green")
        ),
    ]  # fmt: skip
    dns.change_resource_record_sets(
        HostedZoneId=id_,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": each} for each in sets]},
    )
    zones = HostedZones(cloud)
    [zone] = zones.by_domain("prod.internal")
    aws.fault("throttle", "ChangeResourceRecordSets")
    records = [each for each in zones.records(zone.id) if each.type not in {"NS", "SOA"}]
    assert {(each.name, each.type, each.identifier, each.alias) for each in records} == {
        ("*.prod.internal", "TXT", "", False), ("t.prod.internal", "TXT", "", False),
        ("alias.prod.internal", "A", "", True), ("w.prod.internal", "A", "blue", False),
        ("w.prod.internal", "A", "green", False),
    }  # fmt: skip
    zones.delete_records(zone.id, records)
    assert {each.type for each in zones.records(zone.id)} == {"NS", "SOA"}
    # As AWS says it of a batch that deletes what is not so, or no longer.
    aws.fault("own", "ChangeResourceRecordSets", code="InvalidChangeBatch", message="not found")
    with pytest.raises(InvalidRequestError, match=zone.id):
        zones.delete_records(zone.id, records[:1])
    aws.forget()
    zones.delete_records(zone.id, [])
    assert aws.calls() == ()
