"""Roles: of each kind of machine, and of what runs on the control machine; nothing has more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.cluster.network import slots
from toolkit.cluster.template.alarms import namespace
from toolkit.cluster.template.forms import (
    CLUSTER_TAG,
    ROLE_TAG,
    Resources,
    arn,
    att,
    ref,
    resource,
)
from toolkit.cluster.template.key import ALIAS_KEY, alias, services_domain
from toolkit.cluster.template.pools import pool_group
from toolkit.cluster.template.servers import data_id
from toolkit.config.clusterfile_owned import partition
from toolkit.spec.cluster import Cluster

Statement = dict[str, Any]

CONTROLLED = ("kick", "hook", "drainer")
"""What the control machine, and nothing else, takes on."""

SESSION = (
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""What people's sessions need of a machine; AWS's own policy for it would read every parameter."""


def role_name(cluster: Cluster, name: str) -> str:
    """Name of a role that the control machine takes on: jobs are told it; unique in an account."""
    return f"{cluster.name}-{cluster.region}-{name}"


def roles(
    cluster: Cluster, kick_policy: Mapping[str, Any] | None, kept: Mapping[str, str]
) -> Resources:
    """All roles; `kick_policy` is what the kick server may change in DNS.

    `kept`: ids of data volumes that are not the stack's, by slot.
    """
    found = {
        "ServerRole": _role(cluster, _service("ec2"), _server(cluster, kept)),
        "WorkerRole": _role(cluster, _service("ec2"), []),
        "ControlRole": _role(cluster, _service("ec2"), [_takes_on(cluster)]),
        "MachineRights": _rights("machine", _machine(cluster), "Server", "Worker", "Control"),
        "WorkerRights": _rights("worker", _worker(cluster), "Worker", "Control"),
        "NoticeRole": _role(cluster, _service("autoscaling"), _notice()),
        "DrainerRole": _controlled(cluster, "drainer", _drainer(cluster)),
        "HookRole": _controlled(cluster, "hook", []),
        "KickRole": _controlled(cluster, "kick", []),
    }
    if kick_policy is not None:
        policies = [{"PolicyName": "kick", "PolicyDocument": _here(cluster, kick_policy)}]
        found["KickRole"]["Properties"]["Policies"] = policies
    for name in ("Server", "Worker", "Control"):
        found[f"{name}Profile"] = resource("IAM::InstanceProfile", {"Roles": [ref(f"{name}Role")]})
    return found


def _role(
    cluster: Cluster, principal: dict[str, Any], statements: list[Statement], name: str = ""
) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "AssumeRolePolicyDocument": _policy(
            [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]
        ),
    }
    if name:
        properties["RoleName"] = role_name(cluster, name)
    if statements:
        properties["Policies"] = [{"PolicyName": "own", "PolicyDocument": _policy(statements)}]
    if cluster.permission_boundary is not None:
        properties["PermissionsBoundary"] = cluster.permission_boundary
    return resource("IAM::Role", properties)


def _controlled(cluster: Cluster, name: str, statements: list[Statement]) -> dict[str, Any]:
    return _role(cluster, {"AWS": att("ControlRole", "Arn")}, statements, name)


def _rights(name: str, statements: list[Statement], *holders: str) -> dict[str, Any]:
    """An inline policy of several roles, said once."""
    return resource(
        "IAM::Policy",
        {
            "PolicyName": name,
            "PolicyDocument": _policy(statements),
            "Roles": [ref(f"{each}Role") for each in holders],
        },
    )


def _service(name: str) -> dict[str, Any]:
    return {"Service": f"{name}.amazonaws.com"}


def _policy(statements: list[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(actions: str | list[str], resources: Any, **condition: Any) -> Statement:
    said: Statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {**said, "Condition": condition} if condition else said


def _machine(cluster: Cluster) -> list[Statement]:
    """What every machine does: begin to boot, report, take sessions."""
    return [
        _allow(
            "ssm:GetParameter", arn(cluster, "ssm", f"parameter/toolkit/{cluster.name}/boot/base/*")
        ),
        _allow(
            "cloudformation:SignalResource",
            arn(cluster, "cloudformation", f"stack/{cluster.name}/*"),
        ),
        _allow(list(SESSION), "*"),
    ]


def _reads(cluster: Cluster, folder: str) -> list[Statement]:
    """What machines of a role read: their boot script, their secrets."""
    root = f"parameter/toolkit/{cluster.name}"
    secrets = arn(cluster, "ssm", f"{root}/{folder}/*")
    return [
        _allow(
            "ssm:GetParameter",
            [
                arn(cluster, "ssm", f"{root}/boot/{folder}/*"),
                secrets,
            ],
        ),
        _allow(
            "kms:Decrypt",
            arn(cluster, "kms", "key/*"),
            StringLike={"kms:EncryptionContext:PARAMETER_ARN": secrets},
            StringEquals={"kms:ViaService": f"ssm.{cluster.region}.{services_domain(cluster)}"},
            **{"ForAnyValue:StringEquals": {ALIAS_KEY: alias(cluster)}},
        ),
    ]


def _server(cluster: Cluster, kept: Mapping[str, str]) -> list[Statement]:
    ids = [kept.get(slot.name, f"${{{data_id(slot)}}}") for slot in slots(cluster)]
    volumes = [arn(cluster, "ec2", f"volume/{each}") for each in ids]
    own = {f"aws:ResourceTag/{CLUSTER_TAG}": cluster.name, f"aws:ResourceTag/{ROLE_TAG}": "server"}
    return [
        *_reads(cluster, "server"),
        _allow("ec2:DescribeVolumes", "*"),
        _allow("ec2:AttachVolume", volumes),
        _allow("ec2:AttachVolume", arn(cluster, "ec2", "instance/*"), StringEquals=own),
        _allow(
            "cloudwatch:PutMetricData",
            "*",
            StringEquals={"cloudwatch:namespace": namespace(cluster)},
        ),
    ]


def _worker(cluster: Cluster) -> list[Statement]:
    """Besides: pull images of the account's own registry."""
    return [
        *_reads(cluster, "worker"),
        _allow("ecr:GetAuthorizationToken", "*"),
        _allow(
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            arn(cluster, "ecr", "repository/*"),
        ),
    ]


def _takes_on(cluster: Cluster) -> Statement:
    # By name: the roles trust this one, so neither can name the other as a resource.
    names = [f"role/{role_name(cluster, name)}" for name in CONTROLLED]
    return _allow("sts:AssumeRole", [arn(cluster, "iam", name, region="") for name in names])


def _notice() -> list[Statement]:
    return [_allow(["sqs:GetQueueUrl", "sqs:SendMessage"], att("Notices", "Arn"))]


def _drainer(cluster: Cluster) -> list[Statement]:
    names = f"autoScalingGroup:*:autoScalingGroupName/{pool_group(cluster, '*')}"
    # Other clusters' names may begin alike.
    own = {f"aws:ResourceTag/{CLUSTER_TAG}": cluster.name}
    return [
        _allow(
            [
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
            ],
            att("Notices", "Arn"),
        ),
        _allow(
            ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"],
            arn(cluster, "autoscaling", names),
            StringEquals=own,
        ),
    ]


def _here(cluster: Cluster, policy: Mapping[str, Any]) -> Any:
    """The policy with ARNs of the partition that the cluster is in."""
    return _changed(policy, "arn:aws:", f"arn:{partition(cluster.region)}:")


def _changed(value: Any, old: str, new: str) -> Any:
    match value:
        case str():
            return new + value.removeprefix(old) if value.startswith(old) else value
        case Mapping():
            return {key: _changed(each, old, new) for key, each in value.items()}
        case list() | tuple():
            return [_changed(each, old, new) for each in value]
    return value
