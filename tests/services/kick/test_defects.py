"""The faults of the server that this one replaces, each shown to be none here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal

from tests.services.kick.rig import ALICE, SHOP, WEB, Rig, make_rig
from toolkit.spec.dns import Change, Record

SHOP_A = {"hostname": "shop.apps.example.com", "ip_address": "203.0.113.7"}
WEB_A = {"hostname": "web.apps.example.com", "ip_address": "203.0.113.8"}


def records(rig: Rig) -> set[tuple[str, str, tuple[str, ...]]]:
    """The public zone without what makes it a zone, and without owner records."""
    return {
        (record.name, record.type, record.values)
        for record in rig.files.records(rig.kick.config.zones[0])
        if record.type not in ("NS", "SOA") and not record.name.startswith("_toolkit.")
    }


def others(rig: Rig, *found: Record) -> None:
    """Records that somebody else made, behind the server's back."""
    zone = rig.kick.config.zones[0]
    rig.files.apply(zone, [Change("CREATE", record) for record in found])
    rig.kick.writer.refresh(zone)


def test_nobody_without_a_token_writes(rig: Rig) -> None:
    """It had no authentication at all: any workload could rewrite any record of both zones."""
    for method, path in (
        ("POST", "/records"),
        ("PUT", "/record/shop.apps.example.com"),
        ("DELETE", "/record/shop.apps.example.com"),
        ("POST", "/status"),
    ):
        assert rig.ask(method, path, {}, SHOP_A).status_code == 401
    assert records(rig) == set()


def test_the_name_of_the_zone_is_nobodys(rig: Rig) -> None:
    """Any caller could have the apex."""
    apex = {"hostname": "apps.example.com", "ip_address": "203.0.113.7"}
    for who in (SHOP, ALICE):
        assert rig.ask("POST", "/records", who, apex).status_code == 403


def test_a_restart_forgets_no_record(portal: BlockingPortal, tmp_path: Path) -> None:
    """Records were kept in memory: after a restart live ones were 404, and stayed for ever."""
    with make_rig(portal, tmp_path) as rig:
        assert rig.ask("POST", "/records", SHOP, SHOP_A).status_code == 201
    with make_rig(portal, tmp_path) as rig:
        where = "/record/shop.apps.example.com"
        assert rig.ask("GET", where).json()["values"] == ["203.0.113.7"]
        changed = rig.ask("PUT", where, SHOP, {"ip_address": "203.0.113.9"})
        assert changed.status_code == 200
        assert rig.ask("DELETE", where).status_code == 200
        assert records(rig) == set()


def test_the_name_of_the_path_is_the_name_that_is_set(rig: Rig) -> None:
    """PUT ignored it: a rename left the old record, and another one's could be taken over."""
    rig.ask("POST", "/records", SHOP, SHOP_A)
    rig.ask("POST", "/records", WEB, WEB_A)
    before = records(rig)
    for body in (
        {"hostname": "web.apps.example.com", "ip_address": "203.0.113.66"},
        {"hostname": "other.shop.apps.example.com", "ip_address": "203.0.113.66"},
    ):
        answer = rig.ask("PUT", "/record/shop.apps.example.com", SHOP, body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "hostname"
    assert records(rig) == before


def test_a_zone_of_many_records_is_seen_whole(rig: Rig) -> None:
    """It read the first page of a zone only: a record beyond it was not found, and made twice."""
    many = [Record(f"a{number}.apps.example.com", "TXT", 60, ("x",)) for number in range(350)]
    others(rig, *many)
    assert rig.ask("POST", "/records", SHOP, SHOP_A).status_code == 201
    rig.kick.writer.refresh(rig.kick.config.zones[0])
    assert rig.ask("POST", "/records", SHOP, SHOP_A).json()["changed"] is False
    assert rig.ask("DELETE", "/record/shop.apps.example.com").status_code == 200
    assert len(records(rig)) == 350


def test_another_type_at_the_name_is_not_taken_for_it(rig: Rig) -> None:
    """It took the first record of a name, whatever its type, and deleted that."""
    rig.ask("POST", "/records", SHOP, {**SHOP_A, "type": "A"})
    text = {"hostname": "shop.apps.example.com", "type": "TXT", "values": ["kept"]}
    assert rig.ask("POST", "/records", SHOP, text).status_code == 201
    changed = rig.ask(
        "PUT", "/record/shop.apps.example.com?type=A", SHOP, {"values": ["203.0.113.9"]}
    )
    assert changed.status_code == 200
    assert records(rig) == {
        ("shop.apps.example.com", "A", ("203.0.113.9",)),
        ("shop.apps.example.com", "TXT", ("kept",)),
    }


def test_a_type_that_somebody_else_made_at_the_name_is_left_alone(rig: Rig) -> None:
    """The same, with one that is not ours."""
    rig.ask("POST", "/records", SHOP, SHOP_A)
    others(rig, Record("shop.apps.example.com", "AAAA", 60, ("2001:db8::1",)))
    assert rig.ask("DELETE", "/record/shop.apps.example.com").status_code == 200
    assert records(rig) == {("shop.apps.example.com", "AAAA", ("2001:db8::1",))}


def test_nothing_is_taken_as_it_comes(rig: Rig) -> None:
    """There was no validation of input."""
    wrong: list[dict[str, Any]] = [
        {**SHOP_A, "ip_address": "not an address"},
        {**SHOP_A, "ip_address": "999.0.113.7"},
        {**SHOP_A, "ip_address": "203.0.113.7\n203.0.113.8"},
        {**SHOP_A, "ip_address": ["203.0.113.7"]},
        {**SHOP_A, "hostname": "shop..apps.example.com"},
        {**SHOP_A, "hostname": "a" * 64 + ".shop.apps.example.com"},
        {**SHOP_A, "type": "NS"},
        {**SHOP_A, "port": 70000},
        {"hostname": "shop.apps.example.com"},
    ]
    for body in wrong:
        assert rig.ask("POST", "/records", SHOP, body).status_code == 422, body
    for address in ("127.0.0.1", "169.254.169.254", "0.0.0.0", "198.51.100.1", "10.0.0.1"):
        answer = rig.ask("POST", "/records", SHOP, {**SHOP_A, "ip_address": address})
        assert answer.status_code in (403, 422), address
    assert records(rig) == set()


def test_a_status_that_reaches_nobody_is_not_said_to_have(
    portal: BlockingPortal, tmp_path: Path
) -> None:
    """It answered 201 although the API was never reachable, and nobody ever knew."""
    report = {"service": "shop", "status": "running"}
    with make_rig(portal, tmp_path) as rig:
        assert rig.ask("POST", "/status", SHOP, report).json()["forwarded"] == "off"
    with make_rig(portal, tmp_path / "2", send=lambda _: "no route") as rig:
        assert rig.ask("POST", "/status", SHOP, report).json()["forwarded"] == "queued"
        rig.kick.statuses.stop(30.0)
        said = rig.ask("GET", "/status").json()["statuses"][0]
        assert (said["forwarded"], said["forward_error"]) == ("failed", "no route")
        page = rig.ask("GET", "/metrics", {}).text
        assert 'kick_statuses_forwarded_total{result="failed"} 1.0' in page


def test_the_longest_zone_is_the_one(rig: Rig) -> None:
    """It chose the zone by the last two labels of a name."""
    answer = rig.ask("POST", "/records", SHOP, SHOP_A)
    assert answer.json()["zone_name"] == "apps.example.com"
    outside = {"hostname": "shop.example.com", "ip_address": "203.0.113.7"}
    refused = rig.ask("POST", "/records", ALICE, outside)
    assert refused.status_code == 403
    assert "lies in no zone" in refused.json()["detail"]
