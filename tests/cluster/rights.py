"""The policies of a template as IAM gets them, with the ids that AWS would have given."""

from __future__ import annotations

from typing import Any

from tests.cluster.templates import ACCOUNT, Rendered
from toolkit.cluster.template import role_name
from toolkit.spec.cluster import Cluster

REGION = "eu-west-1"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:prod-Notices-ABC"
VOLUMES = {f"Data{number}": f"vol-0000000000000000{number}" for number in (1, 2, 3)}
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/prod-SpotWarnings-ABC"
CONTEXT = "kms:EncryptionContext:PARAMETER_ARN"
STANDIN = "aws:PrincipalTag/parameter"
"""In the place of CONTEXT, which the evaluator never finds; the walker looks at the real one."""


def role_of(name: str) -> str:
    """What IAM calls the role, by its logical id: the stack's own names for most."""
    return f"prod-{name}-ABC"


def as_iam(value: Any) -> Any:
    """A part of the template with everything resolved."""
    match value:
        case {"Fn::Sub": str(text)}:
            text = text.replace("${AWS::AccountId}", ACCOUNT)
            for name, volume in VOLUMES.items():
                text = text.replace(f"${{{name}}}", volume)
            assert "${" not in text, text
            return text
        case {"Fn::GetAtt": ["Notices", "Arn"]}:
            return QUEUE
        case {"Fn::GetAtt": ["SpotWarnings", "Arn"]}:
            return RULE
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return f"arn:aws:iam::{ACCOUNT}:role/{role_of(name)}"
        case dict():
            return {STANDIN if key == CONTEXT else key: as_iam(each) for key, each in value.items()}
        case list():
            return [as_iam(each) for each in value]
    return value


def policy_of(template: Rendered, role: str) -> dict[str, Any]:
    """All that a role may, as a single document."""
    found = [each for policy in template.policies(role) for each in policy["Statement"]]
    return {"Version": "2012-10-17", "Statement": as_iam(found)}


def trust_of(template: Rendered, role: str) -> dict[str, Any]:
    """Who may take the role on."""
    document: dict[str, Any] = template.resources[role]["Properties"]["AssumeRolePolicyDocument"]
    resolved: dict[str, Any] = as_iam(document)
    return resolved


def named(cluster: Cluster, role: str) -> str:
    """ARN of a role that has a name of its own."""
    return f"arn:aws:iam::{ACCOUNT}:role/{role_name(cluster, role)}"
