"""References in a template: who refers to whom, and what a reference comes to."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_SUB = re.compile(r"\$\{([^!}][^}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:ssm:([^}:]+)(?::\d+)?\}\}")

Attribute = Callable[[str, str], Any]
"""Logical id and attribute, empty for `Ref` -> value."""


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Each (name, attribute) in a value; the attribute of a `Ref` is empty."""
    match value:
        case {"Ref": str(name)} if len(value) == 1:
            yield name, ""
        case {"Fn::GetAtt": [str(name), str(attribute)]} if len(value) == 1:
            yield name, attribute
        case {"Fn::Sub": str(text)} if len(value) == 1:
            for name in _SUB.findall(text):
                own, _, attribute = name.partition(".")
                yield own, attribute
        case dict():
            for each in value.values():
                yield from references(each)
        case list():
            for each in value:
                yield from references(each)


def in_order(resources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Logical ids, each behind all that it needs; ValueError for a circle or a missing one."""
    needs: dict[str, set[str]] = {}
    for name, each in resources.items():
        said = each.get("DependsOn", [])
        own = {said} if isinstance(said, str) else set(said)
        own |= {other for other, _ in references(each.get("Properties", {}))}
        needs[name] = {other for other in own if not other.startswith("AWS::")}
        missing = needs[name] - set(resources)
        if missing:
            raise ValueError(f"Unresolved resource dependencies {sorted(missing)}")
    found: list[str] = []
    while len(found) < len(needs):
        ready = [name for name in needs if name not in found and needs[name] <= set(found)]
        if not ready:
            raise ValueError("Circular dependency between resources")
        found += ready
    return found


def resolved(
    value: Any,
    attribute: Attribute,
    mappings: Mapping[str, Any],
    parameter: Callable[[str], str],
) -> Any:
    """A value without references; `parameter` reads an SSM parameter."""

    def deep(inner: Any) -> Any:
        return resolved(inner, attribute, mappings, parameter)

    match value:
        case {"Ref": str(name)} if len(value) == 1:
            return attribute(name, "")
        case {"Fn::GetAtt": [str(name), str(own)]} if len(value) == 1:
            return attribute(name, own)
        case {"Fn::Join": [separator, parts]} if len(value) == 1:
            return str(separator).join(str(deep(part)) for part in parts)
        case {"Fn::Base64": inner} if len(value) == 1:
            return base64.b64encode(str(deep(inner)).encode()).decode()
        case {"Fn::FindInMap": [table, key, name]} if len(value) == 1:
            return mappings[table][key][name]
        case {"Fn::Sub": str(text)} if len(value) == 1:
            return _SUB.sub(lambda found: str(_named(found[1], attribute)), text)
        case dict():
            if any(key.startswith("Fn::") for key in value):
                raise ValueError(f"Template error: {next(iter(value))} is not known here")
            return {key: deep(inner) for key, inner in value.items()}
        case list():
            return [deep(inner) for inner in value]
        case str():
            return _DYNAMIC.sub(lambda found: parameter(found[1]), value)
        case _:
            return value


def _named(name: str, attribute: Attribute) -> Any:
    own, _, last = name.partition(".")
    return attribute(own, last)
