"""The endpoints: who gets in, what is negotiated, what is answered; refusals first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from kick.table import TABLE

from tests.services.kick.rig import ALICE, BOSS, CONFIG, EVE, NOBODY, SHOP, WEB, Rig, make_rig
from toolkit.clients.dns.provider import Provider
from toolkit.config.kick import load_kick
from toolkit.spec.dns import Change, ChangeState, Submitted, Zone

A_SHOP = {"hostname": "shop.apps.example.com", "ip_address": "203.0.113.7"}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW")
OPEN = ("/healthz", "/metrics", "/openapi.json")
PATHS = (*sorted({action.path for action in TABLE}), *OPEN, "/", "/nothing", "/records/", "//")


@pytest.fixture(scope="module")
def still(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A server that does nothing: each of its tests is refused."""
    with make_rig(portal, tmp_path_factory.mktemp("still")) as made:
        yield made
        assert zone_of(made) == []
        assert made.entries() == []


def set_shop(rig: Rig, **more: Any) -> Any:
    return rig.ask("POST", "/records", SHOP, {**A_SHOP, **more})


def zone_of(rig: Rig) -> list[tuple[str, str, tuple[str, ...]]]:
    """What the public zone has, as the provider says."""
    zone = rig.kick.config.zones[0]
    return [
        (r.name, r.type, r.values) for r in rig.files.records(zone) if r.type not in ("NS", "SOA")
    ]


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
        ([], {""}),
        ("text", {""}),
        (None, {""}),
        ({}, {"hostname"}),
        ({**A_SHOP, "ip": "x", "ttl": 0}, {"", "ttl"}),
        ({**A_SHOP, "ttl": "60"}, {"ttl"}),
        ({**A_SHOP, "ttl": True}, {"ttl"}),
        ({**A_SHOP, "type": "MX"}, {"type"}),
        ({"hostname": 5, "ip_address": 7}, {"hostname", "ip_address"}),
        ({"hostname": "shop.apps.example.com", "ip_address": "0177.0.0.1"}, {"ip_address"}),
        ({"hostname": "sh op", "ip_address": "203.0.113.7"}, {"hostname"}),
    ],
    ids=str,
)
def test_every_wrong_field_is_named(still: Rig, body: Any, fields: set[str]) -> None:
    answer = still.client.request(
        "POST",
        "/records",
        headers={**SHOP, "Content-Type": "application/json"},
        content=json.dumps(body),
    )
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} >= fields
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


# --- owners ------------------------------------------------------------------------------------


def test_the_first_owner_keeps_a_name(rig: Rig) -> None:
    set_shop(rig)
    body = {**A_SHOP, "ip_address": "203.0.113.66"}
    for method, path in (("POST", "/records"), ("PUT", "/record/shop.apps.example.com")):
        answer = rig.ask(method, path, WEB, body)
        assert answer.status_code == 409
        assert answer.json()["owner"] == "default/shop of cluster blue"
    answer = rig.ask("DELETE", "/record/shop.apps.example.com", WEB)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    assert ("shop.apps.example.com", "A", ("203.0.113.7",)) in zone_of(rig)


def test_a_person_changes_a_jobs_record_only_by_overruling(rig: Rig) -> None:
    set_shop(rig)
    body = {**A_SHOP, "ip_address": "203.0.113.66"}
    refused = rig.ask("POST", "/records", ALICE, body)
    assert refused.status_code == 409
    assert "overrule" in refused.json()["hint"]
    assert rig.ask("POST", "/records", BOSS, body).status_code == 201
    assert rig.ask("DELETE", "/record/shop.apps.example.com", BOSS).status_code == 200


# --- setting, reading, removing ----------------------------------------------------------------


def test_set_read_change_remove(rig: Rig) -> None:
    made = set_shop(rig)
    assert made.status_code == 201
    where = made.headers["Location"]
    assert where == "/record/shop.apps.example.com?type=A&zone=public"
    read = rig.ask("GET", where)
    assert read.json() == {
        "hostname": "shop.apps.example.com",
        "type": "A",
        "zone": "public",
        "zone_name": "apps.example.com",
        "values": ["203.0.113.7"],
        "ttl": 60,
        "owner": "default/shop of cluster blue",
        "status": "INSYNC",
    }
    assert read.headers["ETag"] == made.headers["ETag"]
    again = set_shop(rig)
    assert (again.status_code, again.json()["changed"]) == (200, False)
    changed = rig.ask("PUT", where, SHOP, {"values": ["203.0.113.8", "203.0.113.9"], "ttl": 300})
    assert changed.status_code == 200
    assert changed.json()["values"] == ["203.0.113.8", "203.0.113.9"]
    assert changed.headers["ETag"] != made.headers["ETag"]
    gone = rig.ask("DELETE", where)
    assert (gone.status_code, gone.json()["values"]) == (200, [])
    assert zone_of(rig) == []
    assert rig.ask("GET", where).status_code == 404
    assert rig.ask("DELETE", where).status_code == 404


def test_put_of_what_was_not_there_makes_it(rig: Rig) -> None:
    body = {"ip_address": "203.0.113.7"}
    assert rig.ask("PUT", "/record/shop.apps.example.com", SHOP, body).status_code == 201
    assert rig.ask("PUT", "/record/shop.apps.example.com", SHOP, body).status_code == 200


def test_names_are_one_however_they_are_spelled(rig: Rig) -> None:
    set_shop(rig)
    for name in ("SHOP.apps.example.com", "shop.apps.example.com.", r"sho\160.apps.example.com"):
        assert rig.ask("GET", f"/record/{name}").status_code == 200
        assert set_shop(rig, hostname=name).status_code == 200


def test_several_types_at_one_name_are_told_apart(rig: Rig) -> None:
    set_shop(rig)
    text = {"hostname": "shop.apps.example.com", "type": "TXT", "values": ["hello world"]}
    assert rig.ask("POST", "/records", SHOP, text).status_code == 201
    for method in ("GET", "DELETE"):
        answer = rig.ask(method, "/record/shop.apps.example.com")
        assert (answer.status_code, answer.json()["types"]) == (409, ["A", "TXT"])
        assert "?type=" in answer.json()["hint"]
    read = rig.ask("GET", "/record/shop.apps.example.com?type=TXT")
    assert read.json()["values"] == ["hello world"]
    assert rig.ask("DELETE", "/record/shop.apps.example.com?type=TXT").status_code == 200
    assert rig.ask("GET", "/record/shop.apps.example.com").json()["type"] == "A"
    assert rig.ask("DELETE", "/record/shop.apps.example.com?type=TXT").status_code == 404


def test_a_record_of_another_type_is_not_found_by_its_name(rig: Rig) -> None:
    set_shop(rig)
    assert rig.ask("GET", "/record/shop.apps.example.com?type=AAAA").status_code == 404


def test_a_service_record_as_of_old_goes_into_the_zone_that_holds_it(rig: Rig) -> None:
    body: dict[str, Any] = {
        "hostname": "shop.apps.internal", "ip_address": "shop.apps.example.com", "port": 8080
    }  # fmt: skip
    answer = rig.ask("POST", "/records", SHOP, body)
    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert (said["type"], said["zone"]) == ("SRV", "private")
    assert said["values"] == ["1 1 8080 shop.apps.example.com"]


# --- preconditions and keys --------------------------------------------------------------------


def test_a_change_of_what_was_changed_meanwhile(rig: Rig) -> None:
    tag = set_shop(rig).headers["ETag"]
    path = "/record/shop.apps.example.com"
    other = {"ip_address": "203.0.113.8"}
    assert rig.ask("PUT", path, SHOP, other, If_Match='"0000"').status_code == 412
    assert rig.ask("DELETE", path, SHOP, If_Match='"0000"').status_code == 412
    assert rig.ask("PUT", path, SHOP, other, If_Match=f"W/{tag}").status_code == 400
    assert rig.ask("PUT", path, SHOP, other, If_Match=tag).status_code == 200
    assert rig.ask("PUT", path, SHOP, other, If_Match=tag).status_code == 412
    assert rig.ask("DELETE", path, SHOP, If_Match="*").status_code == 200
    assert rig.ask("PUT", path, SHOP, other, If_Match="*").status_code == 412


def test_only_what_is_not_there_yet(rig: Rig) -> None:
    first = rig.ask("POST", "/records", SHOP, A_SHOP, If_None_Match="*")
    assert first.status_code == 201
    assert rig.ask("POST", "/records", SHOP, A_SHOP, If_None_Match="*").status_code == 412
    tag = first.headers["ETag"]
    assert rig.ask("POST", "/records", SHOP, A_SHOP, If_None_Match=tag).status_code == 400
    path = "/record/shop.apps.example.com"
    assert rig.ask("GET", path, SHOP, If_None_Match=tag).status_code == 304
    assert rig.ask("GET", path, SHOP, If_None_Match='"other"').status_code == 200


def test_the_same_key_gets_the_first_answer_again(rig: Rig) -> None:
    first = rig.ask("POST", "/records", SHOP, A_SHOP, Idempotency_Key="k1")
    again = rig.ask("POST", "/records", SHOP, A_SHOP, Idempotency_Key="k1")
    assert again.status_code == first.status_code == 201
    assert again.json() == {**first.json(), "replayed": True}
    other = {**A_SHOP, "ip_address": "203.0.113.8"}
    reused = rig.ask("POST", "/records", SHOP, other, Idempotency_Key="k1")
    assert (reused.status_code, reused.json()["type"]) == (422, "/problems/key-reused")
    removed = rig.ask("DELETE", "/record/shop.apps.example.com", SHOP, Idempotency_Key="k2")
    replayed = rig.ask("DELETE", "/record/shop.apps.example.com", SHOP, Idempotency_Key="k2")
    assert (removed.status_code, replayed.status_code) == (200, 200)
    assert replayed.json()["replayed"]


@pytest.mark.parametrize("key", ["x" * 201, "a\tb", "ä"])
def test_a_key_that_would_not_fit_is_refused(still: Rig, key: str) -> None:
    headers = {**SHOP, "Idempotency-Key": key.encode("latin-1")}
    answer = still.client.request("POST", "/records", headers=headers, json=A_SHOP)
    assert answer.status_code == 400
    assert zone_of(still) == []


# --- lists -------------------------------------------------------------------------------------


def test_a_list_goes_on_where_its_page_ended(rig: Rig) -> None:
    names = [f"n{number}.shop.apps.example.com" for number in range(5)]
    for name in reversed(names):
        assert set_shop(rig, hostname=name).status_code == 201
    found: list[str] = []
    path = "/records?limit=2"
    for _ in range(3):
        page = rig.ask("GET", path).json()
        found += [record["hostname"] for record in page["records"]]
        # What comes or goes meanwhile moves nothing over the edge of a page.
        set_shop(rig, hostname=f"n0a{len(found)}.shop.apps.example.com")
        path = f"/records?limit=2&cursor={page['next']}"
    assert [name for name in found if "n0a" not in name] == names


def test_a_list_is_chosen_by_type_zone_and_owner(rig: Rig) -> None:
    set_shop(rig)
    set_shop(rig, hostname="shop.apps.internal", ip_address="10.1.2.3")
    rig.ask(
        "POST", "/records", ALICE, {"hostname": "p.apps.example.com", "ip_address": "203.0.113.1"}
    )

    def names(query: str) -> list[str]:
        found = rig.ask("GET", f"/records?{query}", ALICE).json()["records"]
        return [record["hostname"] for record in found]

    assert names("zone=private") == ["shop.apps.internal"]
    assert names("owner=people") == ["p.apps.example.com"]
    assert names("owner=default/shop") == ["shop.apps.example.com", "shop.apps.internal"]
    assert names("type=TXT") == []
    assert len(names("")) == 3, "owner records are not listed"


class Slow:
    """A provider whose changes are on their way for ever, and which counts who asks for them."""

    def __init__(self, provider: Provider):
        self._provider = provider
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def apply(self, zone: Zone, changes: Sequence[Change], *, comment: str = "") -> Submitted:
        self._provider.apply(zone, changes, comment=comment)
        return Submitted(f"{zone.name}/{changes[-1].record.name}", "PENDING")

    def state(self, change: str) -> ChangeState:
        self.asked += 1
        return "PENDING"


def test_a_list_of_changes_on_their_way_asks_the_provider_about_few(
    portal: BlockingPortal, tmp_path: Path
) -> None:
    made: list[Slow] = []

    def wrap(provider: Provider) -> Provider:
        made.append(Slow(provider))
        return made[0]

    with make_rig(portal, tmp_path, wrap=wrap) as rig:
        for number in range(20):
            answer = set_shop(rig, hostname=f"n{number}.shop.apps.example.com")
            assert (answer.status_code, answer.json()["status"]) == (201, "PENDING")
        found = rig.ask("GET", "/records").json()["records"]
        assert {record["status"] for record in found} == {"PENDING"}
        assert made[0].asked == 5
        assert rig.ask("GET", "/record/n9.shop.apps.example.com").json()["status"] == "PENDING"
        assert made[0].asked == 6


def test_the_audit_is_a_chain_that_can_be_paged(rig: Rig) -> None:
    from toolkit.dns.chain import follow, read_entry

    set_shop(rig)
    set_shop(rig, ip_address="203.0.113.8")
    rig.ask("DELETE", "/record/shop.apps.example.com")
    entries: list[dict[str, Any]] = []
    after = 0
    while after is not None:
        page = rig.ask("GET", f"/audit?limit=2&after={after}", ALICE).json()
        entries += page["entries"]
        after = page["next"]
    assert entries == rig.entries()
    head = follow(read_entry(entry) for entry in entries)
    assert head is not None
    assert (head.seq, head.hash) == (page["head"]["seq"], page["head"]["hash"])
    removals = rig.ask("GET", "/audit?action=dns.remove", ALICE).json()["entries"]
    assert {entry["action"] for entry in removals} == {"dns.remove"}
    assert rig.ask("GET", "/audit?last=1", ALICE).json()["entries"] == entries[-1:]
    assert rig.ask("GET", "/audit?actor=default/shop", ALICE).json()["entries"] == entries


# --- not yet, no longer, not now ---------------------------------------------------------------


def test_while_it_starts_it_says_what_it_waits_for(portal: BlockingPortal, tmp_path: Path) -> None:
    with make_rig(portal, tmp_path, opened=False) as rig:
        health = rig.ask("GET", "/healthz", {})
        assert health.status_code == 503
        assert health.json() == {"status": "starting", "waits_for": "the audit file"}
        for method, path, body in (
            ("POST", "/records", A_SHOP),
            ("GET", "/records", None),
            ("POST", "/status", {"service": "shop", "status": "running"}),
        ):
            answer = rig.ask(method, path, SHOP, body)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]


def test_while_it_drains_it_reads_and_does_not_write(rig: Rig) -> None:
    set_shop(rig)
    rig.kick.draining = True
    assert rig.ask("GET", "/healthz", {}).json() == {"status": "draining"}
    assert rig.ask("GET", "/record/shop.apps.example.com").status_code == 200
    answer = rig.ask("DELETE", "/record/shop.apps.example.com")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    assert answer.headers["Retry-After"]


def test_what_cannot_be_recorded_is_not_done(rig: Rig) -> None:
    rig.kick.audit.close()
    answer = set_shop(rig)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/audit-unavailable")
    assert zone_of(rig) == []
    report = rig.ask("POST", "/status", SHOP, {"service": "shop", "status": "running"})
    assert report.status_code == 503
    assert rig.kick.statuses.newest(lambda _: True, limit=9) == []


def test_a_restart_loses_nothing(portal: BlockingPortal, tmp_path: Path) -> None:
    with make_rig(portal, tmp_path) as rig:
        tag = rig.ask("POST", "/records", SHOP, A_SHOP, Idempotency_Key="k").headers["ETag"]
    with make_rig(portal, tmp_path) as rig:
        read = rig.ask("GET", "/record/shop.apps.example.com")
        assert (read.status_code, read.headers["ETag"]) == (200, tag)
        assert rig.ask("POST", "/records", WEB, A_SHOP).status_code == 409
        again = rig.ask("POST", "/records", SHOP, A_SHOP, Idempotency_Key="k")
        assert (again.status_code, again.json()["replayed"]) == (201, True)
        assert len(rig.ask("GET", "/audit", ALICE).json()["entries"]) == 2


def test_the_configuration_of_these_tests_is_one() -> None:
    assert load_kick(CONFIG).cluster == "blue"
