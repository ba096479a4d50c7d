"""Requests made up from the OpenAPI document: no failure of ours, nothing undocumented.

The server is a process of its own, and its tokens are believed by the real verifier.
"""

from __future__ import annotations

import copy
import json

import pytest
import schemathesis
from kick.about import ABOUT
from kick.table import TABLE

from tests.services.kick.process import ALICE, SHOP, KickProcess
from tests.services.made_up import ask_made_up, few, many
from toolkit.serving.openapi import describe

FEW = few(8)
MANY = many(200)

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


def test_the_running_server_has_this_document(process: KickProcess) -> None:
    assert json.loads(process.ask("GET", "/openapi.json", {}).text) == SCHEMA.raw_schema


@pytest.mark.parametrize("place", OPERATIONS, ids=" ".join)
def test_a_person_gets_documented_answers(place: tuple[str, str], process: KickProcess) -> None:
    ask_made_up(SCHEMA, place, process.url, ALICE, FEW)


@pytest.mark.parametrize("place", OPERATIONS, ids=" ".join)
def test_a_workload_gets_documented_answers(place: tuple[str, str], process: KickProcess) -> None:
    ask_made_up(SCHEMA, place, process.url, SHOP, FEW)


@pytest.mark.parametrize("place", RECORDS, ids=" ".join)
@pytest.mark.parametrize("who", [ALICE, SHOP], ids=["person", "workload"])
def test_what_is_granted_gets_documented_answers(
    place: tuple[str, str], who: dict[str, str], process: KickProcess
) -> None:
    ask_made_up(NEAR, place, process.url, who, FEW)


@pytest.mark.soak
@pytest.mark.parametrize("who", [ALICE, SHOP, {}], ids=["person", "workload", "nobody"])
@pytest.mark.parametrize("place", OPERATIONS, ids=" ".join)
def test_many_requests_get_documented_answers(
    place: tuple[str, str], who: dict[str, str], process: KickProcess
) -> None:
    ask_made_up(SCHEMA, place, process.url, who, MANY)
    ask_made_up(NEAR, place, process.url, who, MANY)
