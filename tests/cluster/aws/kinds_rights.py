"""Roles, their policies and profiles."""

from __future__ import annotations

import json
from typing import Any

from tests.cluster.aws.kind import Kind, Made, Place, Properties, Tags, listed, with_own


def _role(place: Place, properties: Properties, tags: Tags) -> Made:
    iam = place.client("iam")
    name = properties.get("RoleName") or place.name()
    bound = {key: properties[key] for key in ("PermissionsBoundary", "Path") if key in properties}
    made = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
        Tags=listed(with_own(properties, tags)),
        **bound,
    )["Role"]
    _role_policies(iam, name, properties)
    return Made(name, {"Arn": made["Arn"]})


def _role_policies(iam: Any, name: str, properties: Properties) -> None:
    for policy in properties.get("Policies", []):
        iam.put_role_policy(
            RoleName=name,
            PolicyName=policy["PolicyName"],
            PolicyDocument=json.dumps(policy["PolicyDocument"]),
        )


def _no_role(place: Place, made: Made, properties: Properties) -> None:
    iam = place.client("iam")
    own = {each["PolicyName"] for each in properties.get("Policies", [])}
    for policy in iam.list_role_policies(RoleName=made.physical)["PolicyNames"]:
        # What others put there keeps the role.
        if policy in own:
            iam.delete_role_policy(RoleName=made.physical, PolicyName=policy)
    iam.delete_role(RoleName=made.physical)


def _profile(place: Place, properties: Properties, _tags: Tags) -> Made:
    iam = place.client("iam")
    name = properties.get("InstanceProfileName") or place.name()
    made = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    for role in properties["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    return Made(name, {"Arn": made["Arn"]})


def _no_profile(place: Place, made: Made, properties: Properties) -> None:
    iam = place.client("iam")
    for role in properties["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=made.physical, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=made.physical)


def _policy(place: Place, properties: Properties, _tags: Tags) -> Made:
    for role in properties["Roles"]:
        _role_policies(place.client("iam"), role, {"Policies": [properties]})
    return Made(place.name())


def _no_policy(place: Place, _made: Made, properties: Properties) -> None:
    for role in properties["Roles"]:
        place.client("iam").delete_role_policy(RoleName=role, PolicyName=properties["PolicyName"])


RIGHTS: dict[str, Kind] = {
    "Role": Kind(
        _role,
        _no_role,
        lambda place, made, _old, new, _tags: _role_policies(
            place.client("iam"), made.physical, new
        ),
        frozenset({"Path", "RoleName"}),
    ),
    "InstanceProfile": Kind(
        _profile, _no_profile, only=frozenset({"InstanceProfileName", "Path"}), tagged=False
    ),
    "Policy": Kind(
        _policy,
        _no_policy,
        lambda place, _made, _old, new, tags: _policy(place, new, tags),
        tagged=False,
    ),
}
