"""Each role may what its machines do, and nothing that is only a step beside it.

Judged by an evaluator of IAM policies, in one process for all; a request that AWS does not have is
an error, never a denial.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cluster.rights import (
    QUEUE,
    REGION,
    STANDIN,
    VOLUMES,
    as_iam,
    named,
    policy_of,
    role_of,
    trust_of,
)
from tests.cluster.templates import ACCOUNT, Rendered, full, rendered
from tests.iam import evaluator
from tests.iam.evaluator import Request
from toolkit.cluster.secrets import needed_secrets, secrets_of
from toolkit.cluster.template import alias, key_policy, pool_group
from toolkit.cluster.template.roles import CONTROLLED
from toolkit.spec.dev import Machine

CLUSTER = full()
ROLES = ("ServerRole", "WorkerRole", "ControlRole", "NoticeRole", "DrainerRole", "HookRole",
         "KickRole")  # fmt: skip
MACHINES = ("ServerRole", "WorkerRole", "ControlRole")
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack"
INSTANCE = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-0123456789abcdef0"
IMAGES = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository"


def parameter(name: str) -> str:
    return f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/toolkit/{name}"


def volume(name: str) -> str:
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{name}"


def group(name: str) -> str:
    number = "11111111-2222-3333-4444-555555555555"
    return (
        f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:{number}"
        f":autoScalingGroupName/{name}"
    )


class Ask(NamedTuple):
    """One thing that a role tries."""

    role: str
    action: str
    resource: str
    allowed: bool
    context: Mapping[str, tuple[str, ...]] = {}
    guard: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        may = "may" if self.allowed else "may not"
        said = " ".join(f"{key}={','.join(value)}" for key, value in self.context.items())
        return f"{self.role} {may} {self.action} {self.resource} {said}"


def decrypt(role: str, name: str, allowed: bool, **changes: str) -> Ask:
    """What a role asks of KMS, by way of SSM unless `changes` say otherwise."""
    said = {"via": f"ssm.{REGION}.amazonaws.com", "alias": alias(CLUSTER), "key": KEY, **changes}
    context = {
        STANDIN: (parameter(name),),
        "kms:ViaService": (said["via"],),
        "kms:ResourceAliases": (said["alias"],),
    }
    if not said["via"]:
        del context["kms:ViaService"]
    return Ask(role, "kms:Decrypt", said["key"], allowed, context, key_policy(CLUSTER, ACCOUNT))


def tagged(cluster: str, role: str = "") -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {"aws:ResourceTag/toolkit:cluster": (cluster,)}
    return {**found, "aws:ResourceTag/toolkit:role": (role,)} if role else found


def machines() -> list[Ask]:
    """What all machines do, and what none does."""
    found: list[Ask] = []
    for role in MACHINES:
        own, other = ("server", "worker") if role == "ServerRole" else ("worker", "server")
        part = own
        found += [Ask(role, "ssm:GetParameter", parameter(f"prod/boot/{each}/0123/1"), True)
                  for each in ("base", part)]  # fmt: skip
        for name in secrets_of(CLUSTER, "server" if own == "server" else "worker"):
            found.append(Ask(role, "ssm:GetParameter", parameter(f"prod/{name}"), True))
            found.append(decrypt(role, f"prod/{name}", True))
        foreign = [
            each.name for each in needed_secrets(CLUSTER) if each.reader not in {own}
        ] + [f"boot/{other}/0123/1"]  # fmt: skip
        for name in foreign:
            found.append(Ask(role, "ssm:GetParameter", parameter(f"prod/{name}"), False))
        some = f"{own}/token/agent"
        found += [
            decrypt(role, f"prod/{other}/token/agent", False),
            decrypt(role, "prod/ca/key", False),
            decrypt(role, f"prod2/{some}", False),
            decrypt(role, f"prod/{some}", False, via=""),
            decrypt(role, f"prod/{some}", False, via=f"secretsmanager.{REGION}.amazonaws.com"),
            decrypt(role, f"prod/{some}", False, alias="alias/toolkit/prod2"),
            decrypt(role, f"prod/{some}", False, key=KEY.replace(ACCOUNT, "210987654321")),
            Ask(role, "ssm:GetParameter", parameter(f"prod2/{some}"), False),
            Ask(role, "ssm:GetParameter", parameter(f"prod/{own}x/token/agent"), False),
            Ask(role, "ssm:GetParametersByPath", parameter(f"prod/{own}"), False),
            Ask(role, "ssm:GetParameterHistory", parameter(f"prod/{some}"), False),
            Ask(role, "ssm:PutParameter", parameter(f"prod/{some}"), False),
            Ask(role, "ssm:DeleteParameter", parameter(f"prod/{some}"), False),
            Ask(role, "cloudformation:SignalResource", f"{STACK}/prod/0123", True),
            Ask(role, "cloudformation:SignalResource", f"{STACK}/prod2/0123", False),
            Ask(role, "cloudformation:DescribeStacks", f"{STACK}/prod/0123", False),
            Ask(role, "cloudformation:UpdateStack", f"{STACK}/prod/0123", False),
            Ask(role, "ssm:UpdateInstanceInformation", INSTANCE, True),
            Ask(role, "ssmmessages:CreateControlChannel", "*", True),
            Ask(role, "ssmmessages:CreateDataChannel", "*", True),
            Ask(role, "ssmmessages:OpenControlChannel", "*", True),
            Ask(role, "ssmmessages:OpenDataChannel", "*", True),
            Ask(role, "ssm:StartSession", INSTANCE, False),
            Ask(role, "ssm:SendCommand", INSTANCE, False),
            Ask(role, "ec2:TerminateInstances", INSTANCE, False),
            Ask(role, "ec2:DetachVolume", volume(VOLUMES["Data1"]), False),
            Ask(role, "ec2:DeleteVolume", volume(VOLUMES["Data1"]), False),
            Ask(role, "ec2:CreateSnapshot", volume(VOLUMES["Data1"]), False),
            Ask(role, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/x", False),
            Ask(role, "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/x", False),
            Ask(role, "route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z", False),
            Ask(role, "s3:GetObject", "arn:aws:s3:::bucket/key", False),
            Ask(role, "sqs:ReceiveMessage", QUEUE, False),
            Ask(role, "autoscaling:SetDesiredCapacity", group("prod-server-1"), False),
        ]
    return found


def servers() -> list[Ask]:
    own, metrics = tagged("prod", "server"), "cloudwatch:PutMetricData"
    found = [Ask("ServerRole", "ec2:AttachVolume", volume(each), True) for each in VOLUMES.values()]
    return [
        *found,
        Ask("ServerRole", "ec2:DescribeVolumes", "*", True),
        Ask("ServerRole", "ec2:AttachVolume", INSTANCE, True, own),
        Ask("ServerRole", "ec2:AttachVolume", volume("vol-0fedcba9876543210"), False),
        Ask("ServerRole", "ec2:AttachVolume", INSTANCE, False, tagged("prod", "worker")),
        Ask("ServerRole", "ec2:AttachVolume", INSTANCE, False, tagged("prod2", "server")),
        Ask("ServerRole", "ec2:AttachVolume", INSTANCE, False),
        Ask("ServerRole", "ec2:DescribeInstances", "*", False),
        Ask("ServerRole", metrics, "*", True, {"cloudwatch:namespace": ("toolkit/prod",)}),
        Ask("ServerRole", metrics, "*", False, {"cloudwatch:namespace": ("toolkit/prod2",)}),
        Ask("ServerRole", metrics, "*", False, {"cloudwatch:namespace": ("AWS/EC2",)}),
        Ask("ServerRole", metrics, "*", False),
        Ask("ServerRole", "ecr:GetAuthorizationToken", "*", False),
    ]


def workers() -> list[Ask]:
    found: list[Ask] = []
    for role in ("WorkerRole", "ControlRole"):
        found += [
            Ask(role, "ecr:GetAuthorizationToken", "*", True),
            Ask(role, "ecr:BatchGetImage", f"{IMAGES}/backend", True),
            Ask(role, "ecr:GetDownloadUrlForLayer", f"{IMAGES}/backend", True),
            Ask(role, "ecr:BatchCheckLayerAvailability", f"{IMAGES}/backend", True),
            Ask(role, "ecr:PutImage", f"{IMAGES}/backend", False),
            Ask(role, "ecr:InitiateLayerUpload", f"{IMAGES}/backend", False),
            Ask(role, "ecr:DeleteRepository", f"{IMAGES}/backend", False),
            Ask(role, "ecr:SetRepositoryPolicy", f"{IMAGES}/backend", False),
            Ask(role, "ec2:DescribeVolumes", "*", False),
            Ask(role, "ec2:DescribeInstances", "*", False),
            Ask(role, "ec2:AttachVolume", volume(VOLUMES["Data1"]), False),
            Ask(role, "cloudwatch:PutMetricData", "*", False,
                {"cloudwatch:namespace": ("toolkit/prod",)}),
        ]  # fmt: skip
    return found


def controlled() -> list[Ask]:
    """Who becomes whom: both the one and the other have to say so."""
    template = template_of()
    found: list[Ask] = []
    for name in CONTROLLED:
        trust = trust_of(template, f"{name.title()}Role")
        for role in ROLES:
            allowed = role == "ControlRole"
            found.append(Ask(role, "sts:AssumeRole", named(CLUSTER, name), allowed, {}, trust))
    # Roles that whoever has the right to may take on: the control machine has none to others.
    anybody = {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **anybody}]}
    for arn in (named(CLUSTER, "kick").replace("/prod-", "/prod2-"), named(CLUSTER, "kick") + "2"):
        found.append(Ask("ControlRole", "sts:AssumeRole", arn, False, {}, trust))
    return found


def drainer() -> list[Ask]:
    own = tagged("prod")
    ends = ("autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat")
    found: list[Ask] = []
    for action in ends:
        found += [
            Ask("DrainerRole", action, group(pool_group(CLUSTER, pool.name)), True, own)
            for pool in CLUSTER.all_pools
        ]
        found += [
            Ask("DrainerRole", action, group("prod-server-1"), False, own),
            Ask("DrainerRole", action, group("prod-pool-worker"), False, tagged("prod-pool")),
            Ask("DrainerRole", action, group("prod-pool-worker"), False),
            Ask("DrainerRole", action, group("other"), False, own),
        ]
    for action in ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility",
                   "GetQueueAttributes", "GetQueueUrl"):  # fmt: skip
        found.append(Ask("DrainerRole", f"sqs:{action}", QUEUE, True))
        found.append(Ask("DrainerRole", f"sqs:{action}", QUEUE.replace("ABC", "XYZ"), False))
    pool = group("prod-pool-frontend")
    return [
        *found,
        Ask("DrainerRole", "sqs:SendMessage", QUEUE, False),
        Ask("DrainerRole", "sqs:PurgeQueue", QUEUE, False),
        Ask("DrainerRole", "sqs:DeleteQueue", QUEUE, False),
        Ask("DrainerRole", "autoscaling:TerminateInstanceInAutoScalingGroup", pool, False, own),
        Ask("DrainerRole", "autoscaling:SetDesiredCapacity", pool, False, own),
        Ask("DrainerRole", "autoscaling:DeleteLifecycleHook", pool, False, own),
        Ask("DrainerRole", "ec2:TerminateInstances", INSTANCE, False),
    ]


def others() -> list[Ask]:
    zone = "arn:aws:route53:::hostedzone"
    return [
        Ask("NoticeRole", "sqs:SendMessage", QUEUE, True),
        Ask("NoticeRole", "sqs:GetQueueUrl", QUEUE, True),
        Ask("NoticeRole", "sqs:ReceiveMessage", QUEUE, False),
        Ask("NoticeRole", "sqs:SendMessage", QUEUE.replace("prod", "prod2"), False),
        Ask("NoticeRole", "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms", False),
        Ask("KickRole", "route53:ListResourceRecordSets", f"{zone}/ZPUBLIC", True),
        Ask("KickRole", "route53:ListResourceRecordSets", f"{zone}/ZOTHER", False),
        Ask("KickRole", "route53:DeleteHostedZone", f"{zone}/ZPUBLIC", False),
        Ask("KickRole", "ssm:GetParameter", parameter("prod/worker/token/agent"), False),
        Ask("HookRole", "ssm:GetParameter", parameter("prod/worker/token/agent"), False),
        Ask("HookRole", "ecr:PutImage", f"{IMAGES}/backend", False),
    ]


@cache
def template_of() -> Rendered:
    return rendered(CLUSTER)


@pytest.fixture(scope="module")
def folder() -> Path:
    try:
        return evaluator.install(Machine.of(os.environ).cache)
    except evaluator.MissingError as error:
        pytest.skip(f"IAM evaluator: {error}")


def judged(folder: Path, asks: list[Ask], policies: Mapping[str, dict[str, Any]]) -> list[str]:
    """The questions whose answer is another one than was said."""
    order = list(policies)
    requests = [
        Request(order.index(ask.role), ask.action, ask.resource,
                {key: list(value) for key, value in ask.context.items()},
                role_of(ask.role), ask.guard)
        for ask in asks
    ]  # fmt: skip
    answers = evaluator.evaluate(folder, list(policies.values()), requests)
    return [str(ask) for ask, said in zip(asks, answers, strict=True) if said != ask.allowed]


def test_each_role_may_what_it_needs_and_not_what_is_beside_it(folder: Path) -> None:
    asks = [*machines(), *servers(), *workers(), *controlled(), *drainer(), *others()]
    assert len(asks) == len({str(ask) for ask in asks})
    assert judged(folder, asks, {role: policy_of(template_of(), role) for role in ROLES}) == []


def test_a_role_that_lacks_a_right_or_has_one_too_many_is_noticed(folder: Path) -> None:
    policies = {role: policy_of(template_of(), role) for role in ROLES}
    policies["ServerRole"]["Statement"] = [
        each for each in policies["ServerRole"]["Statement"] if each["Action"] != "kms:Decrypt"
    ]
    policies["WorkerRole"]["Statement"].append(
        {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": parameter("prod/*")}
    )
    wrong = judged(folder, machines(), policies)
    assert any(each.startswith("ServerRole may kms:Decrypt") for each in wrong)
    assert any("WorkerRole may not ssm:GetParameter" in each and "prod/ca/key" in each
               for each in wrong)  # fmt: skip
    assert not any(each.startswith("ControlRole") for each in wrong)


def test_only_the_rule_of_spot_warnings_writes_to_the_queue_beside_the_groups() -> None:
    policy = as_iam(template_of().resources["NoticesPolicy"]["Properties"]["PolicyDocument"])
    [statement] = policy["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Resource"] == QUEUE
    assert list(statement["Condition"]) == ["ArnEquals"]


def test_every_right_of_a_role_is_asked_for() -> None:
    """An action that no question is allowed with is one that nobody showed to be needed."""
    asks = [*machines(), *servers(), *workers(), *controlled(), *drainer(), *others()]
    for role in ROLES:
        granted = {
            action
            for statement in policy_of(template_of(), role)["Statement"]
            for action in (
                [statement["Action"]]
                if isinstance(statement["Action"], str)
                else statement["Action"]
            )
        }
        assert granted == {ask.action for ask in asks if ask.role == role and ask.allowed}, role
