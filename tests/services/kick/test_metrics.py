"""`/metrics`: well-formed, counted by fixed labels, and free of what callers say."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.services.kick.rig import ALICE, SHOP, Rig

OWN = {
    "kick_requests", "kick_request_seconds", "kick_requests_in_progress", "kick_unidentified",
    "kick_statuses_forwarded", "process_resident_memory_bytes",
}  # fmt: skip


def values(rig: Rig, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    text = rig.ask("GET", "/metrics", {}).text
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_the_page_is_one_that_prometheus_reads(rig: Rig) -> None:
    answer = rig.ask("GET", "/metrics", {})
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert {family.name for family in text_string_to_metric_families(answer.text)} >= OWN


def test_requests_are_counted_by_action_and_status(rig: Rig) -> None:
    rig.ask("GET", "/records")
    rig.ask("GET", "/records")
    rig.ask("GET", "/audit", SHOP)
    assert values(rig, "kick_requests_total") == {
        (("action", "records.list"), ("status", "200")): 2.0,
        (("action", "audit.read"), ("status", "403")): 1.0,
    }
    counts = values(rig, "kick_request_seconds_count")
    assert counts[(("action", "records.list"),)] == 2.0


def test_who_could_not_be_verified_is_counted_by_reason(rig: Rig) -> None:
    rig.ask("GET", "/records", {})
    rig.ask("GET", "/records", {"Authorization": "Bearer a.a.forged"})
    rig.ask("GET", "/records", {"Authorization": "Basic abc"})
    assert values(rig, "kick_unidentified_total") == {
        (("reason", "missing"),): 1.0,
        (("reason", "unknown-token"),): 1.0,
        (("reason", "scheme"),): 1.0,
    }


def test_what_callers_say_is_no_label(rig: Rig) -> None:
    size = len(rig.ask("GET", "/metrics", {}).text)
    rig.ask("GET", "/record/first.apps.example.com", ALICE)
    rig.ask("BREW", "/nothing")
    grown = len(rig.ask("GET", "/metrics", {}).text)
    for number in range(50):
        rig.ask("GET", f"/record/n{number}.apps.example.com", ALICE)
        rig.ask(f"BREW{number}", f"/nothing/{number}")
        rig.ask("GET", f"/canary{number}", SHOP)
    text = rig.ask("GET", "/metrics", {}).text
    assert "canary" not in text
    assert "apps.example.com" not in text
    assert "BREW" not in text
    # Digits of counts and sums grow, lines do not.
    assert len(text) < grown + 600 < size + 6000
