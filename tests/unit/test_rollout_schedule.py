"""The next launch of a periodic job; tests/agents asks Nomad's own command about the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from toolkit.rollout import launcher
from toolkit.rollout.schedule import next_launch


def periodic(*crons: str, zone: str = "UTC", **more: Any) -> dict[str, Any]:
    return {"Periodic": {"Enabled": True, "Specs": list(crons), "TimeZone": zone, **more}}


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


NOW = at("2026-11-23T02:49:30+00:00")  # a Monday


@pytest.mark.parametrize(
    ("cron", "when"),
    [
        ("0 3 * * *", "2026-11-23T03:00+00:00"),
        ("*/15 * * * *", "2026-11-23T03:00+00:00"),
        ("49 2 * * *", "2026-11-24T02:49+00:00"),
        ("50 2 * * *", "2026-11-23T02:50+00:00"),
        ("5-59/10 2-4 * * *", "2026-11-23T02:55+00:00"),
        ("0 0 1 * *", "2026-12-01T00:00+00:00"),
        ("0 0 31 * *", "2026-12-31T00:00+00:00"),
        ("0 0 29 feb *", "2028-02-29T00:00+00:00"),
        ("0 12 * * sun", "2026-11-29T12:00+00:00"),
        ("0 12 * * 7", "2026-11-29T12:00+00:00"),
        ("0 12 * * 1-5", "2026-11-23T12:00+00:00"),
        ("0 12 25 * fri", "2026-11-25T12:00+00:00"),
        ("@daily", "2026-11-24T00:00+00:00"),
        ("@hourly", "2026-11-23T03:00+00:00"),
    ],
)
def test_the_next_launch(cron: str, when: str) -> None:
    assert next_launch(periodic(cron), NOW) == at(when)


def test_the_soonest_of_several() -> None:
    assert next_launch(periodic("0 9 * * *", "0 6 * * *"), NOW) == at("2026-11-23T06:00+00:00")


def test_a_time_zone() -> None:
    found = next_launch(periodic("0 3 * * *", zone="America/New_York"), NOW)
    assert found == at("2026-11-23T03:00-05:00")


@pytest.mark.parametrize(
    "job",
    [
        periodic("0 3 * *"),
        periodic("0 0 3 * * *"),
        periodic("0 3 L * *"),
        periodic("0 3 * * 1#2"),
        periodic("0 3 */2 * 1"),
        periodic("5/10 * * * *"),
        periodic("61 * * * *"),
        periodic("*/0 * * * *"),
        periodic("0 3 30 feb *"),
        periodic("@every 1h"),
        periodic("0 3 * * *", "what"),
        periodic("0 3 * * *", zone="No/Where"),
        periodic("0 3 * * *", SpecType="test"),
        periodic("0 3 * * *", Enabled=False),
        periodic(),
        {},
    ],
)
def test_what_cannot_be_told_is_not(job: dict[str, Any]) -> None:
    assert next_launch(job, NOW) is None


def test_a_local_time_that_is_skipped_or_comes_twice_is_not_told() -> None:
    spring = at("2026-03-28T12:00+00:00")
    assert next_launch(periodic("30 2 29 3 *", zone="Europe/Berlin"), spring) is None
    autumn = at("2026-10-24T12:00+00:00")
    assert next_launch(periodic("30 2 25 10 *", zone="Europe/Berlin"), autumn) is None


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (periodic("0 3 * * *"), "next launch 2026-11-23 03:00 UTC (schedule 0 3 * * *)"),
        (periodic("0 3 L * *"), "launched by its schedule (0 3 L * *, UTC)"),
        (periodic("0 3 * * *", Enabled=False), "its schedule is switched off"),
        ({"ParameterizedJob": {"Payload": ""}}, "launched by a dispatch"),
    ],
)
def test_what_starts_the_work(job: dict[str, Any], words: str) -> None:
    assert launcher.sentence(job, NOW) == words


def test_of_a_launcher_one_link_is_proven_and_the_others_are_absent() -> None:
    found = launcher.verification({"Meta": {"release": "2"}}, 3)
    assert found.holds
    assert [link.state for link in found.links] == ["holds"] + ["absent"] * 4
    assert (found.release, found.expected) == ("2", 0)
