"""The OpenAPI document: valid, whole, and the same description that requests are checked by."""

from __future__ import annotations

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from kick.about import ABOUT
from kick.problems import KINDS
from kick.table import TABLE

from toolkit.serving.openapi import describe

DOCUMENT = describe(TABLE, ABOUT)


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_action_is_described_once() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert sorted(names) == sorted([*(a.name for a in TABLE), "healthz", "metrics", "openapi"])


def test_only_three_pages_need_no_token() -> None:
    open_ = {path for path, _, operation in operations() if not operation["security"]}
    assert open_ == {"/healthz", "/metrics", "/openapi.json"}


@pytest.mark.parametrize(("path", "method"), [(p, m) for p, m, _ in operations()])
def test_every_schema_is_one_and_every_parameter_of_the_path_is_there(
    path: str, method: str
) -> None:
    operation = DOCUMENT["paths"][path][method]
    for content in (
        operation.get("requestBody", {}).get("content", {}),
        *(answer.get("content", {}) for answer in operation["responses"].values()),
    ):
        for media in content.values():
            Draft202012Validator.check_schema(media["schema"])
    named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", path))


def test_every_kind_of_problem_is_documented_somewhere() -> None:
    statuses = {int(s) for _, _, operation in operations() for s in operation["responses"]}
    # A bug is what nobody promises.
    assert {kind.status for kind in KINDS.values() if kind.slug != "bug"} <= statuses


def test_the_body_is_the_schema_that_is_checked() -> None:
    for action in TABLE:
        if action.body is None:
            continue
        content = DOCUMENT["paths"][action.path][action.method.lower()]["requestBody"]["content"]
        assert set(content) == set(action.media)
        assert all(media["schema"] == dict(action.body) for media in content.values())
