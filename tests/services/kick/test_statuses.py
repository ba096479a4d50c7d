"""Statuses: kept, found again, and sent on to one fixed place that may be away."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from kick.parts import known_statuses, sender
from kick.statuses import STATES, WAITING, Status, Statuses

from tests.faults.scripted import Reply, Scripted
from tests.services.kick.process import ALICE as ALICE_NOW
from tests.services.kick.process import SHOP as SHOP_NOW
from tests.services.kick.process import kick_process
from tests.services.kick.rig import ALICE, CONFIG, NOBODY, SHOP, WEB, Rig, make_rig
from tests.services.running import PATIENCE, closed_port, until
from toolkit.config.kick import load_kick

REPORT = {"service": "shop", "application_id": "a1", "deployment_id": "d1", "status": "running"}


def status(number: int, reporter: str = "default/shop") -> Status:
    return Status(f"t{number}", reporter, "shop", "a", "d", "running", detail=str(number))


def kept(statuses: Statuses) -> list[str]:
    return [each.detail for each in statuses.newest(lambda _: True, limit=10_000)]


def newest(rig: Rig) -> dict[str, Any]:
    """The status that was reported last."""
    found: dict[str, Any] = rig.ask("GET", "/status").json()["statuses"][0]
    return found


# --- requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**REPORT, "status": "fine"}, "status"),
        ({**REPORT, "status": None}, "status"),
        ({**REPORT, "service": ""}, "service"),
        ({**REPORT, "service": "x" * 201}, "service"),
        ({**REPORT, "detail": "x" * 2001}, "detail"),
        ({**REPORT, "url": "http://169.254.169.254/"}, "url"),
        ({**REPORT, "target": "http://other/"}, "target"),
        ({"service": "shop"}, "status"),
    ],
)
def test_a_report_that_is_wrong(rig: Rig, body: dict[str, Any], field: str) -> None:
    answer = rig.ask("POST", "/status", SHOP, body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert rig.entries() == []


def test_whom_no_rule_is_about_reports_nothing(rig: Rig) -> None:
    assert rig.ask("POST", "/status", NOBODY, REPORT).status_code == 403
    assert rig.entries() == []


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_kept_and_recorded_before(rig: Rig, state: str) -> None:
    answer = rig.ask("POST", "/status", SHOP, {**REPORT, "status": state})
    assert answer.status_code == 201
    assert answer.json()["forwarded"] == "off"
    found = rig.ask("GET", "/status").json()["statuses"]
    assert [(each["status"], each["reporter"]) for each in found] == [(state, "default/shop")]
    assert rig.entries()[0]["after"]["status"] == state


def test_the_media_type_of_old_is_taken(rig: Rig) -> None:
    media = "application/vnd.kick.status+json"
    answer = rig.client.request(
        "POST",
        "/status",
        headers={**SHOP, "Content-Type": media, "Accept": media},
        content=json.dumps(REPORT),
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (201, media)


def test_a_workload_reads_what_its_job_said_and_a_person_everything(rig: Rig) -> None:
    rig.ask("POST", "/status", SHOP, REPORT)
    rig.ask("POST", "/status", WEB, {**REPORT, "service": "web", "status": "failed"})
    rig.ask("POST", "/status", ALICE, {**REPORT, "service": "hand"})

    def services(who: dict[str, str], query: str = "") -> list[str]:
        found = rig.ask("GET", f"/status?{query}", who).json()["statuses"]
        return [each["service"] for each in found]

    assert services(SHOP) == ["shop"]
    assert services(SHOP, "reporter=default/web") == []
    assert services(ALICE) == ["hand", "web", "shop"]
    assert services(ALICE, "status=failed") == ["web"]
    assert services(ALICE, "service=shop&deployment_id=d1") == ["shop"]
    assert services(ALICE, "reporter=token%20alice") == ["hand"]


def test_the_history_is_paged(rig: Rig) -> None:
    for number in range(5):
        rig.ask("POST", "/status", SHOP, {**REPORT, "detail": str(number)})
    first = rig.ask("GET", "/status?limit=2").json()
    second = rig.ask("GET", f"/status?limit=3&cursor={first['next']}").json()
    assert [s["detail"] for s in first["statuses"] + second["statuses"]] == list("43210")
    assert second["next"] is None


# --- the history -------------------------------------------------------------------------------


def test_the_history_is_bounded() -> None:
    statuses = Statuses(8, cluster="blue")
    for number in range(20):
        statuses.add(status(number, f"default/{number}"))
    assert kept(statuses) == [str(number) for number in range(19, 11, -1)]


def test_one_that_reports_without_end_pushes_out_its_own() -> None:
    statuses = Statuses(8, cluster="blue")
    statuses.add(status(100, "default/quiet"))
    for number in range(50):
        statuses.add(status(number, "default/loud"))
    assert kept(statuses) == ["49", "48", "100"]


def test_a_restart_finds_the_history_again(portal: BlockingPortal, tmp_path: Path) -> None:
    with make_rig(portal, tmp_path) as rig:
        rig.ask("POST", "/status", SHOP, REPORT)
        rig.ask("POST", "/status", ALICE, {**REPORT, "status": "stopped"})
    with make_rig(portal, tmp_path) as rig:
        known = known_statuses(rig.kick.audit, 10)
        assert [(s.status, s.reporter) for s in known] == [
            ("running", "default/shop"),
            ("stopped", "token alice"),
        ]
        assert [s.reporter for s in known_statuses(rig.kick.audit, 1)] == ["token alice"]


def test_a_report_that_was_not_kept_is_not_found_again(
    portal: BlockingPortal, tmp_path: Path
) -> None:
    """Its outcome says so: what is found after a restart is what was answered with 201."""
    with make_rig(portal, tmp_path) as rig:

        def fail(_: Status) -> Status:
            raise RuntimeError

        rig.kick.statuses.add = fail  # type: ignore[assignment, method-assign]
        assert rig.ask("POST", "/status", SHOP, REPORT).status_code == 500
        assert known_statuses(rig.kick.audit, 10) == []


# --- delivery ----------------------------------------------------------------------------------


def test_it_is_sent_on_with_cluster_and_time(portal: BlockingPortal, tmp_path: Path) -> None:
    sent: list[Mapping[str, object]] = []
    with make_rig(portal, tmp_path, send=sent.append) as rig:
        assert rig.ask("POST", "/status", SHOP, REPORT).json()["forwarded"] == "queued"
        until(
            lambda: rig.ask("GET", "/status").json()["statuses"][0]["forwarded"] == "delivered", ""
        )
        metrics = rig.ask("GET", "/metrics", {}).text
    assert sent == [
        {
            **REPORT,
            "detail": "",
            "cluster_id": "blue",
            "timestamp": "2027-01-15T08:00:00.000+00:00",
            "reporter": "default/shop",
        }
    ]
    assert 'kick_statuses_forwarded_total{result="delivered"} 1.0' in metrics


def test_a_target_that_refuses_is_told_of_and_tried_again(
    portal: BlockingPortal, tmp_path: Path
) -> None:
    tries: list[int] = []

    def refuse(_: Mapping[str, object]) -> str:
        tries.append(1)
        return "status.example.com: HTTP 500"

    with make_rig(portal, tmp_path, send=refuse) as rig:
        assert rig.ask("POST", "/status", SHOP, REPORT).status_code == 201
        until(lambda: newest(rig)["forwarded"] == "failed", "it has failed")
        said = newest(rig)
        metrics = rig.ask("GET", "/metrics", {}).text
    assert said["forward_error"] == "status.example.com: HTTP 500"
    assert len(tries) == 3
    assert 'kick_statuses_forwarded_total{result="failed"} 1.0' in metrics


def test_a_target_that_hangs_holds_up_nobody_and_the_queue_is_bounded() -> None:
    hold = threading.Event()
    begun = threading.Event()

    def hang(_: Mapping[str, object]) -> None:
        begun.set()
        hold.wait(PATIENCE)

    counted: list[str] = []
    statuses = Statuses(4 * WAITING, cluster="blue", send=hang, counted=counted.append)
    statuses.start()
    statuses.add(status(0, "default/0"))
    assert begun.wait(PATIENCE)
    deliveries = [statuses.add(status(n, f"default/{n}")).delivery for n in range(WAITING + 2)]
    assert deliveries == ["queued"] * WAITING + ["dropped"] * 2
    assert counted == ["dropped"] * 2
    hold.set()
    statuses.stop(PATIENCE)
    assert counted.count("delivered") == WAITING + 1


def test_at_the_end_what_waits_is_delivered_once_and_not_tried_again() -> None:
    tries: list[object] = []

    def refuse(body: Mapping[str, object]) -> str:
        tries.append(body)
        return "no"

    statuses = Statuses(8, cluster="blue", send=refuse, pause=PATIENCE)
    statuses.start()
    found = [statuses.add(status(number)) for number in range(2)]
    statuses.stop(PATIENCE)
    assert len(tries) == 2
    assert [(each.delivery, each.why) for each in found] == [("failed", "no")] * 2


def test_only_the_configured_address_is_dialled_and_no_redirect_is_followed(
    tmp_path: Path,
) -> None:
    with Scripted(Reply(b"never")) as other:
        away = Reply(b"", 307, headers={"Location": other.address + "/stolen"})
        with Scripted(away) as target:
            forward = f'\n[status]\nforward = "{target.address}/statuses"\n'
            with kick_process(
                tmp_path, config=CONFIG + forward, KICK_STATUS_TOKEN="canary-token"
            ) as kick:
                body = {**REPORT, "service": other.address, "detail": other.address}
                headers = {
                    **SHOP_NOW, "Host": other.address.removeprefix("http://"),
                    "X-Forwarded-Host": other.address, "Referer": other.address,
                }  # fmt: skip
                assert kick.ask("POST", "/status", headers, json=body).status_code == 201
                until(lambda: target.asked, "the first attempt")
                assert kick.end() == 0
                kick.close_readers()
            assert {asked.path for asked in target.asked} == {"/statuses"}
            assert target.asked[0].headers["Authorization"] == "Bearer canary-token"
            document = json.loads(target.asked[0].body)
            assert (document["cluster_id"], document["service"]) == ("blue", other.address)
        assert other.asked == []
    with kick_process(tmp_path) as kick:
        found = kick.ask("GET", "/status", ALICE_NOW).json()["statuses"]
        assert [each["service"] for each in found] == [other.address], "it is known after a restart"


def test_a_target_that_is_away_is_told_of(portal: BlockingPortal, tmp_path: Path) -> None:
    config = load_kick(CONFIG)
    config = replace(config, status=replace(config.status, forward=f"http://{closed_port()}/s"))
    send = sender(config, None)
    assert send is not None
    with make_rig(portal, tmp_path, config=config, send=send) as rig:
        rig.ask("POST", "/status", SHOP, REPORT)
        until(lambda: newest(rig)["forwarded"] == "failed", "it has failed")
        said = newest(rig)
    assert said["forward_error"].startswith("127.0.0.1: ")
