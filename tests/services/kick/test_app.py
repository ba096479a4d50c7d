"""The endpoints: who gets in, what is negotiated, what is answered; refusals first."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from kick.table import TABLE

from tests.services.kick.rig import (
    A_SHOP,
    ALICE,
    BOSS,
    EVE,
    NOBODY,
    SHOP,
    WEB,
    Rig,
    set_shop,
    zone_of,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW")
OPEN = ("/healthz", "/metrics", "/openapi.json")
PATHS = (*sorted({action.path for action in TABLE}), *OPEN, "/", "/nothing", "/records/", "//")


# --- nobody ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path.replace("{hostname}", "shop.apps.example.com"))
        for method, path in product(METHODS, PATHS)
        if not (path in OPEN and method in ("GET", "HEAD"))
    ],
)
def test_without_a_token_nothing_answers_but_three_pages(
    still: Rig, method: str, path: str
) -> None:
    answer = still.ask(method, path, {}, body={"hostname": "x"} if method != "GET" else None)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="kick"'
    if method != "HEAD":
        assert answer.json()["type"] == "/problems/unidentified"
    assert still.entries() == []


@pytest.mark.parametrize("path", OPEN)
def test_three_pages_answer_to_anybody(still: Rig, path: str) -> None:
    assert still.ask("GET", path, {}).status_code == 200
    assert still.ask("HEAD", path, {}).content == b""


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer a.a.unknown"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer a.a.shop extra"},
        {"Authorization": ""},
        {"X-Nomad-Token": "a.a.unknown"},
        {"Authorization": "Bearer a.a.shop", "X-Nomad-Token": "a.a.web"},
    ],
)
def test_a_token_that_is_not_known_is_nobody(still: Rig, headers: dict[str, str]) -> None:
    answer = still.ask("GET", "/records", headers)
    assert answer.status_code == 401
    assert "a.a." not in answer.text + still.said.getvalue()


def test_two_authorization_headers_are_no_token(rig: Rig) -> None:
    headers = [("Authorization", "Bearer a.a.shop"), ("Authorization", "Bearer a.a.web")]
    answer = rig.client.request("GET", "/records", headers=headers)
    assert answer.status_code == 400


def test_who_asks_comes_before_the_body_is_looked_at(rig: Rig) -> None:
    answer = rig.client.request("POST", "/records", content=b"{" * 100_000)
    assert answer.status_code == 401


def test_nomads_header_is_a_token_too(rig: Rig) -> None:
    assert rig.ask("GET", "/records", {"X-Nomad-Token": "a.a.shop"}).status_code == 200


# --- what there is not -------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/nothing", "/records/", "/record/a/b", "/record/"])
def test_no_such_path(still: Rig, path: str) -> None:
    answer = still.ask("GET", path)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PATCH", "/records", "GET, POST, HEAD"),
        ("DELETE", "/records", "GET, POST, HEAD"),
        ("POST", "/record/shop.apps.example.com", "DELETE, GET, PUT, HEAD"),
        ("OPTIONS", "/status", "GET, POST, HEAD"),
        ("POST", "/audit", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
    ],
)
def test_a_method_that_a_path_does_not_take(still: Rig, method: str, path: str, allow: str) -> None:
    answer = still.ask(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allow


def test_head_is_get_without_its_body(rig: Rig) -> None:
    set_shop(rig)
    answer = rig.ask("HEAD", "/record/shop.apps.example.com")
    assert answer.status_code == 200
    assert answer.headers["ETag"]


# --- bodies and media types --------------------------------------------------------------------


@pytest.mark.parametrize(
    "media",
    [
        "text/plain",
        "text/json",
        "application/xml",
        "application/vnd.kick.status+json",
        "application/json; charset=latin-1",
        "multipart/form-data",
        "nonsense",
    ],
)
def test_a_body_of_another_media_type(still: Rig, media: str) -> None:
    answer = still.client.request(
        "POST", "/records", headers={**SHOP, "Content-Type": media}, content=json.dumps(A_SHOP)
    )
    assert answer.status_code == 415
    assert "application/vnd.kick.record+json" in answer.headers["Accept"]
    assert zone_of(still) == []


@pytest.mark.parametrize(
    "media",
    [
        "application/json",
        "application/json; charset=utf-8",
        'Application/JSON; Charset="UTF-8"',
        "application/vnd.kick.record+json",
        "application/x-www-form-urlencoded",
        None,
    ],
)
def test_json_is_read_as_what_it_was_and_as_curl_calls_it(rig: Rig, media: str | None) -> None:
    headers = {**SHOP, "Content-Type": media} if media else SHOP
    answer = rig.client.request(
        "POST", "/records", headers=headers, content=json.dumps(A_SHOP).encode()
    )
    assert answer.status_code == 201


def test_a_compressed_body_is_not_read(rig: Rig) -> None:
    answer = rig.ask("POST", "/records", SHOP, A_SHOP, Content_Encoding="gzip")
    assert answer.status_code == 415


@pytest.mark.parametrize("accept", ["text/html", "application/xml, text/*", "image/png;q=1"])
def test_an_answer_that_the_caller_cannot_read(still: Rig, accept: str) -> None:
    answer = still.ask("POST", "/records", SHOP, A_SHOP, Accept=accept)
    assert answer.status_code == 406
    assert zone_of(still) == [], "it is refused before anything is done"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("*/*", "application/json"),
        ("text/html, application/json;q=0.9", "application/json"),
        ("application/*", "application/json"),
        ("application/vnd.kick.record+json", "application/vnd.kick.record+json"),
    ],
)
def test_the_answer_is_what_is_accepted(rig: Rig, accept: str, media: str) -> None:
    answer = rig.ask("POST", "/records", SHOP, A_SHOP, Accept=accept)
    assert answer.headers["Content-Type"] == media


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ([], [""]),
        ("text", [""]),
        (None, [""]),
        ({}, ["hostname"]),
        ({**A_SHOP, "ip": "x", "ttl": 0}, ["", "ttl"]),
        ({**A_SHOP, "ttl": "60"}, ["ttl"]),
        ({**A_SHOP, "ttl": True}, ["ttl"]),
        ({**A_SHOP, "type": "MX"}, ["type"]),
        ({"hostname": 5, "ip_address": 7}, ["hostname", "ip_address"]),
        ({"hostname": "shop.apps.example.com", "ip_address": "0177.0.0.1"}, ["ip_address"]),
        ({"hostname": "sh op", "ip_address": "203.0.113.7"}, ["hostname"]),
    ],
    ids=str,
)
def test_every_wrong_field_is_named(still: Rig, body: Any, fields: list[str]) -> None:
    answer = still.client.request(
        "POST",
        "/records",
        headers={**SHOP, "Content-Type": "application/json"},
        content=json.dumps(body),
    )
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]}.issuperset(fields)
    assert zone_of(still) == []


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/records?limit=0", "limit"),
        ("/records?limit=201", "limit"),
        ("/records?limit=ten", "limit"),
        ("/records?limit=1&limit=2", "limit"),
        ("/records?type=MX", "type"),
        ("/records?nothing=1", "nothing"),
        ("/records?cursor=abc", "cursor"),
        ("/records?cursor=%F0%9F", None),
        ("/records?limit", None),
        ("/record/shop.apps.example.com?zone=secret", "zone"),
        ("/audit?after=-1", "after"),
    ],
)
def test_a_query_that_is_wrong(still: Rig, path: str, field: str | None) -> None:
    answer = still.ask("GET", path, ALICE)
    if field is None:
        assert answer.status_code == 400
    else:
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


# --- rights ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "hostname"),
    [
        (NOBODY, "shop.apps.example.com"),
        (EVE, "shop.apps.example.com"),
        (WEB, "other.apps.example.com"),
        (SHOP, "web.apps.example.com"),
        (SHOP, "apps.example.com"),
        (SHOP, "evilshop.apps.example.com"),
        (ALICE, "example.org"),
    ],
)
def test_what_no_rule_grants_reaches_no_provider(
    still: Rig, who: dict[str, str], hostname: str
) -> None:
    answer = still.ask("POST", "/records", who, {"hostname": hostname, "ip_address": "203.0.113.7"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert zone_of(still) == []
    assert still.entries() == []


@pytest.mark.parametrize("path", ["/records", "/status", "/audit", "/record/a.apps.example.com"])
@pytest.mark.parametrize("who", [NOBODY, EVE])
def test_who_has_no_rule_reads_nothing(still: Rig, who: dict[str, str], path: str) -> None:
    assert still.ask("GET", path, who).status_code == 403


def test_a_workload_reads_what_it_may_set_and_what_is_its_own(rig: Rig) -> None:
    set_shop(rig)
    other = {"hostname": "web.apps.example.com", "ip_address": "203.0.113.9"}
    assert rig.ask("POST", "/records", WEB, other).status_code == 201
    assert rig.ask("GET", "/record/web.apps.example.com", SHOP).status_code == 403
    names = [r["hostname"] for r in rig.ask("GET", "/records", SHOP).json()["records"]]
    assert names == ["shop.apps.example.com"]
    assert rig.ask("GET", "/record/shop.apps.example.com", WEB).status_code == 200
    everything = rig.ask("GET", "/records", ALICE).json()["records"]
    assert len(everything) == 2


def test_a_person_reads_what_its_rules_reach(rig: Rig) -> None:
    set_shop(rig)
    set_shop(rig, hostname="shop.apps.internal", ip_address="10.1.2.3")
    names = [r["hostname"] for r in rig.ask("GET", "/records", BOSS).json()["records"]]
    assert names == ["shop.apps.example.com"]
    assert rig.ask("GET", "/record/shop.apps.internal", BOSS).status_code == 403


def test_the_audit_is_for_people(rig: Rig) -> None:
    assert rig.ask("GET", "/audit", SHOP).status_code == 403
    assert rig.ask("GET", "/audit", ALICE).status_code == 200


def test_one_more_than_is_granted_is_refused(rig: Rig) -> None:
    for name in ("web", "shared"):
        body = {"hostname": f"{name}.apps.example.com", "ip_address": "203.0.113.9"}
        assert rig.ask("POST", "/records", WEB, body).status_code == 201
    third = {"hostname": "web.apps.example.com", "type": "TXT", "values": ["three"]}
    answer = rig.ask("POST", "/records", WEB, third)
    assert answer.status_code == 403
    assert "most" in answer.json()["hint"]
