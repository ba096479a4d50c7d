"""Predicates about rights: who may do what, and who may become whom."""

from __future__ import annotations

import json
import re

from tests.cluster.templates import Rendered
from tests.cluster.walking import (
    Finding,
    Predicate,
    as_list,
    statements,
)

ANY_RESOURCE = {
    "cloudwatch:PutMetricData", "ec2:DescribeVolumes", "ecr:GetAuthorizationToken",
    "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}  # fmt: skip
"""Actions that AWS grants on everything or not at all, or that are bounded by a condition."""


def actions(template: Rendered) -> Finding:
    """11: no right to whatever there is."""
    for role, statement in statements(template):
        if "NotAction" in statement:
            yield f"{role} may do all but some"
        for action in as_list(statement.get("Action", [])):
            if "*" in action and statement["Effect"] == "Allow":
                yield f"{role} may {action}"


def resources(template: Rendered) -> Finding:
    """12: rights on everything only where AWS has no other, or with a condition."""
    for role, statement in statements(template):
        if "NotResource" in statement:
            yield f"{role} may on all but some"
        if "*" not in as_list(statement.get("Resource", [])):
            continue
        for action in as_list(statement["Action"]):
            if action not in ANY_RESOURCE:
                yield f"{role} may {action} on everything"
            if action == "cloudwatch:PutMetricData" and "cloudwatch:namespace" not in json.dumps(
                statement.get("Condition", {})
            ):
                yield f"{role} writes metrics anywhere"


def workers(template: Rendered) -> Finding:
    """13: workers touch neither machines, DNS nor roles, and read no secret but theirs."""
    found = template.policies("WorkerRole")
    if not found:
        yield "workers have no policy"
    for policy in found:
        for statement in policy["Statement"]:
            for action in as_list(statement["Action"]):
                if action.partition(":")[0] in {"ec2", "route53", "iam", "sts"}:
                    yield f"a worker may {action}"
            for word in ("/server/", "/ca/"):
                if word in json.dumps(statement):
                    yield f"a worker's right names {word}"
    for role, statement in statements(template):
        text = json.dumps(statement)
        if "/ca/" in text or re.search(r"parameter/(\*|toolkit/\*|toolkit/[^/\"]+/\*)", text):
            yield f"{role} reads what is the operator's alone"


def decrypts(template: Rendered) -> Finding:
    """14: decryption by way of SSM only, and of the role's own parameters only."""
    count = 0
    for role, statement in statements(template):
        if "kms:Decrypt" not in as_list(statement["Action"]):
            continue
        count += 1
        said = statement.get("Condition", {})
        context = said.get("StringLike", {}).get("kms:EncryptionContext:PARAMETER_ARN", {})
        folder = "server" if role == "ServerRole" else "worker"
        if not re.fullmatch(
            rf"arn:aws[a-z-]*:ssm:[a-z0-9-]+:\$\{{AWS::AccountId\}}:parameter/toolkit/[a-z0-9-]+/{folder}/\*",
            context.get("Fn::Sub", "") if isinstance(context, dict) else "",
        ):
            yield f"{role} decrypts what is not its own: {context}"
        if not str(said.get("StringEquals", {}).get("kms:ViaService", "")).startswith("ssm."):
            yield f"{role} decrypts without SSM"
        if "kms:ResourceAliases" not in said.get("ForAnyValue:StringEquals", {}):
            yield f"{role} decrypts with any key"
    if not count:
        yield "no role decrypts"


def trust(template: Rendered) -> Finding:
    """15: a role is taken on by one service or one role, by name."""
    for role, properties in template.each("IAM::Role"):
        said = properties["AssumeRolePolicyDocument"]["Statement"]
        principals = [each["Principal"] for each in said]
        if len(said) != 1 or said[0]["Action"] != "sts:AssumeRole":
            yield f"{role} is taken on in {len(said)} ways"
        for principal in principals:
            match principal:
                case {"Service": str(service), **rest} if "*" not in service and not rest:
                    pass
                case {"AWS": {"Fn::GetAtt": ["ControlRole", "Arn"]}, **rest} if not rest:
                    pass
                case _:
                    yield f"{role} is taken on by {principal}"


def bounded(boundary: str) -> Predicate:
    """16: every role has the boundary, where there is one."""

    def predicate(template: Rendered) -> Finding:
        for role, properties in template.each("IAM::Role"):
            if properties.get("PermissionsBoundary") != boundary:
                yield f"{role} is not bounded"

    return predicate


def queue(template: Rendered) -> Finding:
    """18: what is in the queue is encrypted, and who writes to it is named."""
    queues = dict(template.each("SQS::Queue"))
    if not queues:
        yield "no queue"
    for name, each in queues.items():
        if each.get("SqsManagedSseEnabled") is not True and "KmsMasterKeyId" not in each:
            yield f"{name} is not encrypted"
    for name, policy in template.each("SQS::QueuePolicy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Principal"] in ("*", {"AWS": "*"}):
                yield f"{name} lets all in"
            if "aws:SourceArn" not in json.dumps(statement.get("Condition", {})):
                yield f"{name} lets a service in for whomever"
