"""Secrets and the key that they are encrypted with: kept once, found again, nobody else's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cluster.aws.account import REGION, Aws
from tests.cluster.aws.asking import Asking, asking
from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.hosted import HostedZones
from toolkit.clients.aws.inventory import tagged
from toolkit.clients.aws.keys import Keys
from toolkit.clients.aws.machines import Machines
from toolkit.clients.aws.parameters import ParameterStore
from toolkit.errors import (
    DeniedError,
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
