"""The small clients: secrets, the key, machines, zones, notices and what a region offers."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from botocore.stub import Stubber

from tests.cluster.aws.account import REGION, Aws
from toolkit.clients.aws.balancers import Balancers
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.hosted import HostedZones
from toolkit.clients.aws.inventory import tagged
from toolkit.clients.aws.keys import Keys
from toolkit.clients.aws.machines import Machines
from toolkit.clients.aws.notices import Notices
from toolkit.clients.aws.parameters import ParameterStore
from toolkit.errors import (
    DeniedError,
    InvalidRequestError,
    NotFoundError,
    RefusedError,
    ServerError,
    TakenError,
    UnreachableError,
)
from toolkit.spec.target import Secret

ALIAS = "alias/toolkit/prod"
TAGS = {"toolkit:cluster": "prod", "team": "shop"}
POLICY: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}
NO_ARN = f"arn:aws:elasticloadbalancing:{REGION}:123456789012"


@pytest.fixture(scope="module")
def theirs(aws_server: Aws) -> Callable[[str], Any]:
    """What others do and see, by boto3's client for a service."""
    return cache(aws_server.client)


@pytest.fixture(scope="module")
def clouds(aws_server: Aws, theirs: Callable[[str], Any]) -> Iterator[tuple[Cloud, Cloud]]:
    """One that asks again, and one that does not: making their clients costs most."""
    stubbable = {name: theirs(name) for name in ("resourcegroupstaggingapi", "autoscaling")}
    with pytest.MonkeyPatch.context() as environ:
        for name, value in aws_server.environ.items():
            environ.setenv(name, value)
        with (
            contextlib.closing(Cloud(REGION, clients=stubbable)) as patient,
            contextlib.closing(Cloud(REGION, attempts=1)) as hasty,
        ):
            yield patient, hasty


@pytest.fixture
def cloud(aws: Aws, clouds: tuple[Cloud, Cloud]) -> Cloud:
    return clouds[0]


@pytest.fixture
def hasty(aws: Aws, clouds: tuple[Cloud, Cloud]) -> Cloud:
    """Asks once."""
    return clouds[1]


@pytest.fixture
def store(cloud: Cloud) -> ParameterStore:
    return ParameterStore(cloud, "prod", ALIAS, {"team": "shop"})


# --- secrets ------------------------------------------------------------------------------------


def test_a_value_is_kept_once(store: ParameterStore) -> None:
    assert store.get("ca/key") is None
    store.put_new("ca/key", Secret("one"))
    store.put_new("ca/key", Secret("one"))
    with pytest.raises(TakenError, match="ca/key"):
        store.put_new("ca/key", Secret("two"))
    assert store.get("ca/key") == Secret("one")
    store.replace("ca/key", Secret("two"))
    assert store.get("ca/key") == Secret("two")
    store.remove("ca/key")
    store.remove("ca/key")
    assert store.get("ca/key") is None


def test_a_value_whose_answer_was_lost_is_ours(aws: Aws, store: ParameterStore) -> None:
    aws.fault("lost", "PutParameter")
    store.put_new("ca/key", Secret("one"))
    assert aws.operations().count("PutParameter") == 2
    assert store.get("ca/key") == Secret("one")


def test_how_a_value_is_kept(store: ParameterStore, theirs: Callable[[str], Any]) -> None:
    store.put_new("ca/key", Secret("one"))
    store.replace("server/tls/ca", Secret("two"))
    store.replace("server/tls/ca", Secret("three"))
    ssm = theirs("ssm")
    for name in ("ca/key", "server/tls/ca"):
        [found] = ssm.describe_parameters(
            ParameterFilters=[{"Key": "Name", "Values": [f"/toolkit/prod/{name}"]}]
        )["Parameters"]
        assert (found["Type"], found["KeyId"]) == ("SecureString", ALIAS)
        listed = ssm.list_tags_for_resource(
            ResourceType="Parameter", ResourceId=f"/toolkit/prod/{name}"
        )["TagList"]
        assert {each["Key"]: each["Value"] for each in listed} == TAGS


def test_only_secrets_of_this_cluster_are_named_read_and_cleared(
    store: ParameterStore, theirs: Callable[[str], Any]
) -> None:
    ssm = theirs("ssm")
    boot = "/toolkit/prod/boot/server/1/1"
    for name, kind in ((boot, "String"), ("/toolkit/prod2/ca/key", "SecureString")):
        ssm.put_parameter(Name=name, Value="x", Type=kind)
    names = tuple(f"server/{number:02}" for number in range(12))
    for name in names:
        store.put_new(name, Secret(f"of {name}"))
    assert store.names() == names
    assert store.read_all() == {name: Secret(f"of {name}") for name in names}
    assert store.clear() == names
    assert store.clear() == ()
    assert store.names() == ()
    ssm.get_parameter(Name=boot)
    ssm.get_parameter(Name="/toolkit/prod2/ca/key")


@pytest.mark.parametrize("fault", ["throttle", "denied", "expired"])
def test_not_being_answered_is_not_absence(aws: Aws, hasty: Cloud, fault: str) -> None:
    store = ParameterStore(hasty, "prod", ALIAS)
    store.put_new("ca/key", Secret("one"))
    aws.fault(fault, times=-1)
    questions: tuple[Callable[[], object], ...] = (
        lambda: store.get("ca/key"), store.names, lambda: store.put_new("ca/key", Secret("one")),
        lambda: tagged(hasty, "prod"), lambda: Keys(hasty).find(ALIAS),
        lambda: HostedZones(hasty).records("Z0123456789"), lambda: Machines(hasty).groups("prod"),
    )  # fmt: skip
    for ask in questions:
        with pytest.raises((ServerError, DeniedError)):
            ask()


# --- the key ------------------------------------------------------------------------------------


def test_a_key_is_made_once_and_ends_once(cloud: Cloud, theirs: Callable[[str], Any]) -> None:
    keys = Keys(cloud)
    assert keys.find(ALIAS) is None
    made = keys.make(ALIAS, POLICY, TAGS)
    assert (made.state, made.tags) == ("Enabled", TAGS)
    assert keys.make(ALIAS, POLICY, TAGS) == made
    kms = theirs("kms")
    assert kms.get_key_rotation_status(KeyId=made.id)["KeyRotationEnabled"]
    assert json.loads(kms.get_key_policy(KeyId=made.id, PolicyName="default")["Policy"]) == POLICY
    for _ in range(2):
        [going] = keys.schedule_deletion(ALIAS, "prod")
        assert (going.id, going.state) == (made.id, "PendingDeletion")
        assert going.ends is not None
        assert keys.find(ALIAS) is None
    # Its secrets are gone with it: the next cluster of that name has a key of its own.
    assert keys.make(ALIAS, POLICY, TAGS).id != made.id


@pytest.mark.parametrize("operation", ["CreateAlias", "EnableKeyRotation"])
@pytest.mark.parametrize("fault", ["refused", "lost"])
def test_a_run_that_ends_in_the_middle_leaves_one_key(
    aws: Aws, hasty: Cloud, theirs: Callable[[str], Any], operation: str, fault: str
) -> None:
    aws.fault(fault, operation, times=-1)
    with pytest.raises(UnreachableError):
        Keys(hasty).make(ALIAS, POLICY, TAGS)
    aws.calm()
    made = Keys(hasty).make(ALIAS, POLICY, TAGS)
    assert [each["KeyId"] for each in theirs("kms").list_keys()["Keys"]] == [made.id]


def test_a_lost_answer_about_a_new_key_makes_no_second_one(
    aws: Aws, cloud: Cloud, theirs: Callable[[str], Any]
) -> None:
    aws.fault("lost", "CreateKey")
    with pytest.raises(UnreachableError) as caught:
        Keys(cloud).make(ALIAS, POLICY, TAGS)
    assert caught.value.lost_reply
    made = Keys(cloud).make(ALIAS, POLICY, TAGS)
    assert [each["KeyId"] for each in theirs("kms").list_keys()["Keys"]] == [made.id]


def test_a_deletion_that_was_cut_off_is_gone_on_with(aws: Aws, hasty: Cloud) -> None:
    keys = Keys(hasty)
    made = keys.make(ALIAS, POLICY, TAGS)
    aws.fault("refused", "DeleteAlias")
    with pytest.raises(UnreachableError):
        keys.schedule_deletion(ALIAS, "prod")
    # Instead of ending it may be needed after all.
    kept = keys.make(ALIAS, POLICY, TAGS)
    assert (kept.id, kept.state) == (made.id, "Enabled")
    [going] = keys.schedule_deletion(ALIAS, "prod")
    assert (going.id, going.state) == (made.id, "PendingDeletion")
    assert keys.find(ALIAS) is None


def test_somebody_s_key_is_neither_used_nor_ended(
    cloud: Cloud, theirs: Callable[[str], Any]
) -> None:
    kms = theirs("kms")
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_key(Tags=[{"TagKey": "toolkit:cluster", "TagValue": "prod2"}])
    kms.create_alias(AliasName=ALIAS, TargetKeyId=other)
    with pytest.raises(TakenError, match=other):
        Keys(cloud).make(ALIAS, POLICY, TAGS)
    with pytest.raises(TakenError, match=other):
        Keys(cloud).schedule_deletion(ALIAS, "prod")
    assert {kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]["KeyState"]
            for each in kms.list_keys()["Keys"]} == {"Enabled"}  # fmt: skip


def test_tags_that_may_not_be_read_are_not_somebody_else_s(aws: Aws, hasty: Cloud) -> None:
    Keys(hasty).make(ALIAS, POLICY, TAGS)
    aws.fault("denied", "ListResourceTags", times=-1)
    for ask in (
        lambda: Keys(hasty).make(ALIAS, POLICY, TAGS),
        lambda: Keys(hasty).schedule_deletion(ALIAS, "prod"),
        lambda: tagged(hasty, "prod"),
    ):
        with pytest.raises(DeniedError, match="kms:ListResourceTags"):
            ask()


def test_a_key_that_somebody_switched_off_stays_off(
    cloud: Cloud, theirs: Callable[[str], Any]
) -> None:
    made = Keys(cloud).make(ALIAS, POLICY, TAGS)
    theirs("kms").disable_key(KeyId=made.id)
    with pytest.raises(RefusedError, match="is Disabled") as caught:
        Keys(cloud).make(ALIAS, POLICY, TAGS)
    assert f"enable-key --key-id {made.id}" in (caught.value.hint or "")
    [key] = Keys(cloud).schedule_deletion(ALIAS, "prod")
    assert key.state == "PendingDeletion"


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
