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
from hypothesis import settings

from tests.services.hook.hook_process import ADMIN, READER, HookProcess
from tests.services.made_up import ask_made_up, few, many
from toolkit.serving.openapi import describe

FEW = few(4)
MANY = many(150)


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
    server.make()
    for schema in (NEAR,) if how is FEW else (SCHEMA, NEAR):
        ask_made_up(schema, place, server.url, who, how)


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
