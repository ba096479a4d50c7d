"""Records over HTTP: owners, changes, preconditions, keys, lists, restarts; refusals first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from tests.services.kick.rig import (
    A_SHOP,
    ALICE,
    BOSS,
    SHOP,
    WEB,
    Rig,
    make_rig,
    set_shop,
    zone_of,
)
from toolkit.clients.dns.provider import Provider
from toolkit.serving.chain import follow, read_entry
from toolkit.spec.dns import Change, ChangeState, Submitted, Zone

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


def test_an_audit_that_was_changed_under_the_server_names_the_line(rig: Rig) -> None:
    set_shop(rig)
    set_shop(rig, ip_address="203.0.113.8")
    path = next((rig.data / "audit").glob("*.jsonl"))
    path.write_text(path.read_text().replace('"203.0.113.7"', '"203.0.113.9"', 1))
    answer = rig.ask("GET", "/audit", ALICE)
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/audit-broken")
    assert answer.json()["detail"] == (
        "the audit does not hold at line 1 of audit-000000000001.jsonl:"
        " the line was changed after it was written"
    )
    assert answer.json()["hint"].startswith("keep the folder as it is")


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
