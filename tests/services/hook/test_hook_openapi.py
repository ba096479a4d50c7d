"""The API's description and its page: whole, and of what is served."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hook.about import ABOUT
from hook.problems import KINDS
from hook.table import TABLE
from jsonschema import Draft202012Validator

from toolkit.errors import (
    AbsentError,
    AuditError,
    ConfigError,
    DeniedError,
    ForbiddenError,
    IdentityError,
    LockedError,
    Mistake,
    RefusedError,
    TakenError,
    ToolkitError,
    UnavailableError,
    UnreachableError,
)
from toolkit.serving.answers import problem_of
from toolkit.serving.openapi import describe

PAGE = Path(__file__).parents[3] / "docs" / "hook.md"
DOCUMENT = describe(TABLE, ABOUT)
OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def test_every_action_is_described_once_and_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert sorted(names) == sorted([*(a.name for a in TABLE), "healthz", "metrics", "openapi"])
    assert len({*names}) == len(names)


def test_only_three_pages_need_no_token() -> None:
    open_ = {path for path, _, operation in OPERATIONS if not operation["security"]}
    assert open_ == {"/healthz", "/metrics", "/openapi.json"}


@pytest.mark.parametrize(("path", "method"), [(p, m) for p, m, _ in OPERATIONS])
def test_every_schema_is_one_and_every_parameter_is_bounded(path: str, method: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    for content in (
        operation.get("requestBody", {}).get("content", {}),
        *(answer.get("content", {}) for answer in operation["responses"].values()),
    ):
        for media in content.values():
            Draft202012Validator.check_schema(media["schema"])
    named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", path))


def test_what_changes_something_is_audited_and_what_reads_is_a_get() -> None:
    for action in TABLE:
        assert (action.audit == "reads") == (action.method == "GET"), action.name


def test_the_table_of_problems_on_the_page_is_whole() -> None:
    rows = re.findall(r"^\| `/problems/([a-z-]+)` \| (\d+) \|", PAGE.read_text(), re.MULTILINE)
    assert rows == [(kind.slug, str(kind.status)) for kind in KINDS.values()]


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (IdentityError("no", reason="expired"), 401, "unidentified"),
        (IdentityError("no", reason="missing"), 401, "unidentified"),
        (IdentityError("no", reason="too-many"), 429, "too-many"),
        (ForbiddenError("no"), 403, "forbidden"),
        (AbsentError("no"), 404, "not-found"),
        (TakenError("no"), 409, "conflict"),
        (RefusedError("no"), 409, "refused"),
        (LockedError("no"), 409, "refused"),
        (ConfigError([Mistake("a", "b", 1, "no")]), 422, "invalid"),
        (DeniedError("no", system="Nomad"), 502, "nomad-refused"),
        (UnreachableError("no", system="Nomad"), 503, "unavailable"),
        (UnavailableError("no", after=0.2), 503, "unavailable"),
        (AuditError("no"), 503, "audit-unavailable"),
        (ToolkitError("secret"), 500, "bug"),
        (RuntimeError("secret"), 500, "bug"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_is_one_kind_of_problem(error: Exception, status: int, slug: str) -> None:
    problem = problem_of(error, ABOUT)
    assert (problem.kind.status, problem.kind.slug) == (status, slug)
    assert "secret" not in problem.detail
    assert ("WWW-Authenticate" in problem.headers) == (status == 401)
    assert ("Retry-After" in problem.headers) == (status in (429, 503))
