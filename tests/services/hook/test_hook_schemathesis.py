"""Requests made up from the OpenAPI document: no failure of ours, nothing undocumented.

The server is a process of its own, and its tokens are believed by the real verifier.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hook.about import ABOUT
from hook.table import TABLE
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.services.hook.hook_process import ADMIN, READER, HookProcess
from toolkit.serving.openapi import describe

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]
FEW = settings(
    max_examples=4, deadline=None, suppress_health_check=QUIET, database=None, derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=QUIET, database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)  # fmt: skip


def near(document: Any) -> schemathesis.BaseSchema:
    """The document with a repository that is there: a made-up name never is."""
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "repo":
                    parameter["schema"] = {"enum": ["shop"]}
    return schemathesis.openapi.from_dict(document)


SCHEMA = schemathesis.openapi.from_dict(describe(TABLE, ABOUT))
NEAR = near(describe(TABLE, ABOUT))
OPERATIONS = [
    (path, method)
    for path, methods in SCHEMA.raw_schema["paths"].items()
    for method in methods
    if (path, method) != ("/repos/{repo}", "delete")
]


def judge(place: tuple[str, str], server: HookProcess, who: dict[str, str], how: settings) -> None:
    """Send made-up requests of one operation and hold the answers against the document."""
    path, method = place
    server.make()
    for schema in (NEAR,) if how is FEW else (SCHEMA, NEAR):

        @how
        @given(case=schema[path][method.upper()].as_strategy())
        def ask(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(base_url=server.url, headers=who, checks=CHECKS)

        ask()


def test_the_running_server_has_this_document(hook_server: HookProcess) -> None:
    assert json.loads(hook_server.ask("GET", "/openapi.json", {}).text) == SCHEMA.raw_schema


@pytest.mark.parametrize("place", OPERATIONS, ids=" ".join)
def test_an_admin_gets_documented_answers(place: tuple[str, str], hook_server: HookProcess) -> None:
    judge(place, hook_server, ADMIN, FEW)


@pytest.mark.soak
@pytest.mark.parametrize("who", [ADMIN, READER, {}], ids=["admin", "reader", "nobody"])
@pytest.mark.parametrize("place", OPERATIONS, ids=" ".join)
def test_many_requests_get_documented_answers(
    place: tuple[str, str], who: dict[str, str], hook_server: HookProcess
) -> None:
    judge(place, hook_server, who, MANY)
