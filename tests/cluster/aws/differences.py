"""What a change set says: which resources change, whether they are replaced, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.cluster.aws.intrinsics import references
from tests.cluster.aws.kind import Kind
from tests.cluster.aws.kinds import KINDS
from tests.cluster.aws.stack import Resource, Stack

NEVER, ALWAYS, PERHAPS = "Never", "Always", "Conditionally"
RETAINED = ("Retain", "RetainExceptOnCreate")
ATTRIBUTES = {("AWS::EC2::LaunchTemplate", "LatestVersionNumber")}
"""Attributes that change without a replacement."""


def changes(
    stack: Stack | None, resources: Mapping[str, Mapping[str, Any]], tags: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The `Changes` of a change set, in the order of logical ids."""
    there = {
        name: each
        for name, each in (stack.resources if stack else {}).items()
        if each.made is not None
    }
    found = {
        name: _change("Add", name, entry["Type"])
        for name, entry in resources.items()
        if name not in there
    }
    for name, resource in there.items():
        if name not in resources:
            found[name] = _change("Remove", name, resource.kind, resource)
            if resource.said.get("DeletionPolicy") in RETAINED:
                found[name]["PolicyAction"] = "Retain"
            else:
                found[name]["PolicyAction"] = "Delete"
    both = {name: each for name, each in there.items() if name in resources}
    retagged = stack is not None and dict(stack.tags) != dict(tags)
    details = {name: _own(each, resources[name], retagged=retagged) for name, each in both.items()}
    grown = True
    while grown:
        grown = False
        for name in both:
            more = [
                each
                for each in _caused(name, resources, details)
                if each not in details[name] and not _direct(each, details[name])
            ]
            details[name] += more
            grown = grown or bool(more)
    for name, own in details.items():
        if own:
            found[name] = _modified(name, both[name], own)
    return [{"Type": "Resource", "ResourceChange": found[name]} for name in sorted(found)]


def _change(action: str, name: str, kind: str, resource: Resource | None = None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "Action": action,
        "LogicalResourceId": name,
        "ResourceType": kind,
        "Scope": [],
        "Details": [],
    }
    if resource is not None:
        said["PhysicalResourceId"] = resource.physical
    return said


def _modified(name: str, resource: Resource, own: list[dict[str, Any]]) -> dict[str, Any]:
    said = _change("Modify", name, resource.kind, resource)
    recreation = {each["Target"].get("RequiresRecreation", NEVER) for each in own}
    certain = any(
        each["Target"].get("RequiresRecreation") == ALWAYS and each["Evaluation"] == "Static"
        for each in own
    )
    said["Replacement"] = (
        "True" if certain else "Conditional" if recreation & {ALWAYS, PERHAPS} else "False"
    )
    said["Scope"] = sorted({each["Target"]["Attribute"] for each in own})
    said["Details"] = own
    return said


def _own(resource: Resource, entry: Mapping[str, Any], *, retagged: bool) -> list[dict[str, Any]]:
    kind = KINDS[resource.kind]
    old, new = resource.said.get("Properties", {}), entry.get("Properties", {})
    found = [
        _detail(_target(kind, key), "DirectModification", static=not _refers(new.get(key)))
        for key in _differ(old, new)
    ]
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if resource.said.get(policy) != entry.get(policy):
            found.append(_detail({"Attribute": policy}, "DirectModification", static=True))
    if retagged and kind.tagged and not any("Tags" in str(each["Target"]) for each in found):
        target = {"Attribute": "Tags", "RequiresRecreation": NEVER}
        found.append(_detail(target, "DirectModification", static=True))
    return found


def _caused(
    name: str,
    resources: Mapping[str, Mapping[str, Any]],
    details: Mapping[str, list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    kind = KINDS[resources[name]["Type"]]
    found = []
    for key, value in resources[name].get("Properties", {}).items():
        for other, attribute in references(value):
            theirs = details.get(other)
            if not theirs:
                continue
            replaced = any(
                each["Target"].get("RequiresRecreation", NEVER) != NEVER for each in theirs
            )
            if replaced or (resources[other]["Type"], attribute) in ATTRIBUTES:
                source = "ResourceAttribute" if attribute else "ResourceReference"
                cause = f"{other}.{attribute}" if attribute else other
                found.append(_detail(_target(kind, key), source, cause, static=False))
    return found


def _direct(detail: Mapping[str, Any], own: Iterable[Mapping[str, Any]]) -> bool:
    return any(
        each["Target"] == detail["Target"] and each.get("CausingEntity") == detail["CausingEntity"]
        for each in own
    )


def _differ(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def _refers(value: Any) -> bool:
    return any(not name.startswith("AWS::") for name, _ in references(value))


def _target(kind: Kind, key: str) -> dict[str, str]:
    if key in {"Tags", "HostedZoneTags"}:
        return {"Attribute": "Tags", "RequiresRecreation": NEVER}
    recreation = ALWAYS if key in kind.only else PERHAPS if key in kind.perhaps else NEVER
    return {"Attribute": "Properties", "Name": key, "RequiresRecreation": recreation}


def _detail(
    target: dict[str, str], source: str, cause: str = "", *, static: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Target": target,
        "Evaluation": "Static" if static else "Dynamic",
        "ChangeSource": source,
    }
    if cause:
        found["CausingEntity"] = cause
    return found
