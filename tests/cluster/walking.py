"""What all predicates of the walker look at: groups, templates, policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

from tests.cluster.templates import Rendered

Finding = Iterator[str]


Predicate = Callable[[Rendered], Finding]


def as_list(value: Any) -> list[Any]:
    """IAM takes one or several."""
    return value if isinstance(value, list) else [value]


def name_of(value: Any) -> str:
    """The logical id that a reference names."""
    match value:
        case {"Ref": name}:
            return str(name)
        case {"Fn::GetAtt": [name, _]}:
            return str(name)
    return ""


def tag(properties: dict[str, Any], key: str) -> str:
    return next((each["Value"] for each in properties["Tags"] if each["Key"] == key), "")


def attribute_pairs(properties: dict[str, Any], key: str) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in properties.get(key, [])}


def launch_templates(template: Rendered) -> Iterator[tuple[str, dict[str, Any]]]:
    found = {
        name: each["LaunchTemplateData"] for name, each in template.each("EC2::LaunchTemplate")
    }
    if not found:
        yield "", {}
    yield from found.items()


def interfaces(data: dict[str, Any]) -> list[dict[str, Any]]:
    return list(data.get("NetworkInterfaces", []))


def pinned(data: dict[str, Any]) -> str:
    """The interface that a server's launch template names."""
    return next((name_of(each["NetworkInterfaceId"]) for each in interfaces(data)
                 if "NetworkInterfaceId" in each), "")  # fmt: skip


def groups_of(template: Rendered, launch_template: str) -> list[tuple[str, dict[str, Any]]]:
    """The autoscaling groups of a launch template."""
    return [
        (name, each)
        for name, each in template.each("AutoScaling::AutoScalingGroup")
        if f'{{"Ref": "{launch_template}"}}' in json.dumps(each)
    ]


def server_security(template: Rendered) -> set[str]:
    found = {
        name_of(each)
        for _, eni in template.each("EC2::NetworkInterface")
        for each in eni["GroupSet"]
    }
    return found or {"no interface of a server"}


def node_security(template: Rendered) -> set[str]:
    return {
        name_of(group)
        for _, data in launch_templates(template)
        for each in interfaces(data)
        if not each.get("AssociatePublicIpAddress") and "NetworkInterfaceId" not in each
        for group in each.get("Groups", [])
    }


def edge_security(template: Rendered) -> set[str]:
    return {
        name_of(group)
        for _, each in template.each("ElasticLoadBalancingV2::LoadBalancer")
        for group in each["SecurityGroups"]
    }


def bastion_security(template: Rendered) -> set[str]:
    return {
        name_of(group)
        for _, data in launch_templates(template)
        for each in interfaces(data)
        if each.get("AssociatePublicIpAddress")
        for group in each.get("Groups", [])
    }


def rules(template: Rendered) -> Iterator[tuple[str, dict[str, Any]]]:
    """Ways in, those within groups too."""
    yield from template.each("EC2::SecurityGroupIngress")
    for name, group in template.each("EC2::SecurityGroup"):
        for rule in group.get("SecurityGroupIngress", []):
            yield name, {"GroupId": {"Ref": name}, **rule}


def ranges(rule: dict[str, Any]) -> Iterator[Any]:
    for key in ("CidrIp", "CidrIpv6"):
        if key in rule:
            yield ip_network(rule[key])


def statements(template: Rendered) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of every policy of every role."""
    for role, _ in template.each("IAM::Role"):
        for policy in template.policies(role):
            for statement in policy["Statement"]:
                yield role, statement
