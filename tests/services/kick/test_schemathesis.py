"""Requests made up from the OpenAPI document: no failure of ours, nothing undocumented.

The server is a process of its own, and its tokens are believed by the real verifier.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from kick.about import ABOUT
from kick.table import TABLE
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.services.kick.process import ALICE, SHOP, KickProcess
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
    max_examples=8, deadline=None, suppress_health_check=QUIET, database=None, derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
MANY = settings(
    max_examples=200, deadline=None, suppress_health_check=QUIET, database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)  # fmt: skip


SCHEMA = schemathesis.openapi.from_dict(describe(TABLE, ABOUT))
OPERATIONS = [
    (path, method) for path, methods in SCHEMA.raw_schema["paths"].items() for method in methods
]
RECORDS = [place for place in OPERATIONS if place[0].startswith("/record")]
NAMES = ["a.apps.example.com", "shop.apps.example.com", "*.apps.example.com", "b.apps.internal"]


def near() -> schemathesis.BaseSchema:
    """The document with names and values that the policy grants: made-up ones never are."""
    document = copy.deepcopy(describe(TABLE, ABOUT))
    for path in ("/records", "/record/{hostname}"):
        for operation in document["paths"][path].values():
            for parameter in operation["parameters"]:
                if parameter["name"] == "hostname":
                    parameter["schema"] = {"enum": NAMES}
            for media in operation.get("requestBody", {}).get("content", {}).values():
                fields = media["schema"]["properties"]
                fields["hostname"] = {"enum": NAMES}
                fields["ip_address"] = {"enum": ["203.0.113.7", "10.1.2.3", "2001:db8::1"]}
                fields["values"] = {"type": "array", "items": fields["ip_address"], "maxItems": 2}
                fields.pop("alias")
    return schemathesis.openapi.from_dict(document)


NEAR = near()


def judge(
    place: tuple[str, str],
    kick: KickProcess,
    who: dict[str, str],
    how: settings,
    schema: schemathesis.BaseSchema = SCHEMA,
) -> None:
    """Send made-up requests of one operation and hold the answers against the document."""
    path, method = place

    @how
    @given(case=schema[path][method.upper()].as_strategy())
    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=kick.url, headers=who, checks=CHECKS)

    ask()


def test_the_running_server_has_this_document(process: KickProcess) -> None:
    assert json.loads(process.ask("GET", "/openapi.json", {}).text) == SCHEMA.raw_schema


@pytest.mark.parametrize("place", OPERATIONS, ids=" ".join)
def test_a_person_gets_documented_answers(place: tuple[str, str], process: KickProcess) -> None:
    judge(place, process, ALICE, FEW)


@pytest.mark.parametrize("place", OPERATIONS, ids=" ".join)
def test_a_workload_gets_documented_answers(place: tuple[str, str], process: KickProcess) -> None:
    judge(place, process, SHOP, FEW)


@pytest.mark.parametrize("place", RECORDS, ids=" ".join)
@pytest.mark.parametrize("who", [ALICE, SHOP], ids=["person", "workload"])
def test_what_is_granted_gets_documented_answers(
    place: tuple[str, str], who: dict[str, str], process: KickProcess
) -> None:
    judge(place, process, who, FEW, NEAR)


@pytest.mark.soak
@pytest.mark.parametrize("who", [ALICE, SHOP, {}], ids=["person", "workload", "nobody"])
@pytest.mark.parametrize("place", OPERATIONS, ids=" ".join)
def test_many_requests_get_documented_answers(
    place: tuple[str, str], who: dict[str, str], process: KickProcess
) -> None:
    judge(place, process, who, MANY)
    judge(place, process, who, MANY, NEAR)
