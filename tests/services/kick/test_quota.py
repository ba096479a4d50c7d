"""How often one caller may change something: the audit of a busy one must not fill the disk."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from tests.services.kick.rig import ALICE, BOSS, SHOP, WEB, Rig, make_rig, zone_of
from tests.services.kick.test_metrics import values
from toolkit.serving.limits import Limits
from toolkit.serving.quota import Quota

LIMITS = Limits(writes=0.5, burst=3)
RECORD = "/record/shop.apps.example.com"
STATUS = {"service": "shop", "status": "running"}


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def slow(portal: BlockingPortal, tmp_path: Path, time: Time) -> Iterator[Rig]:
    """A server that takes three changes of a caller, and one more every two seconds."""
    with make_rig(portal, tmp_path, limits=LIMITS, clock=time) as rig:
        yield rig


def flip(rig: Rig, number: int) -> int:
    body = {"ip_address": f"203.0.113.{number % 2 + 1}"}
    return rig.ask("PUT", RECORD, SHOP, body).status_code


def test_a_caller_that_flips_a_record_stops_filling_the_audit(slow: Rig) -> None:
    assert [flip(slow, number) for number in range(20)] == [201, 200, 200] + [429] * 17
    assert len(slow.entries()) == 6
    said = slow.ask("PUT", RECORD, SHOP, {"ip_address": "203.0.113.2"})
    assert said.json()["type"] == "/problems/too-many"
    assert said.headers["Retry-After"] == "2"
    assert "default/shop" in said.json()["detail"]
    assert zone_of(slow)[0][2] == ("203.0.113.1",)


def test_whoever_comes_back_when_told_is_served(slow: Rig, time: Time) -> None:
    while (status := flip(slow, 0)) != 429:
        assert status in (200, 201)
    later = slow.ask("POST", "/status", SHOP, STATUS).headers["Retry-After"]
    time.at += int(later)
    assert slow.ask("POST", "/status", SHOP, STATUS).status_code == 201
    assert slow.ask("POST", "/status", SHOP, STATUS).status_code == 429
    time.at += 3600
    assert [flip(slow, number) for number in range(4)] == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/records", {"hostname": "shop.apps.example.com", "ip_address": "203.0.113.7"}),
        ("PUT", RECORD, {"ip_address": "203.0.113.7"}),
        ("DELETE", RECORD, None),
        ("POST", "/status", STATUS),
        ("POST", "/sync", {}),
    ],
)
def test_every_action_that_is_recorded_has_the_limit(
    slow: Rig, method: str, path: str, body: object
) -> None:
    statuses = [slow.ask(method, path, ALICE, body).status_code for _ in range(4)]
    assert 429 not in statuses[:3]
    assert statuses[3] == 429


def test_who_may_not_change_more_may_still_read(slow: Rig) -> None:
    while flip(slow, 0) != 429:
        pass
    paths = ("/records", RECORD, "/status")
    assert {slow.ask("GET", path, SHOP).status_code for path in paths} == {200}


def test_callers_have_each_their_own(slow: Rig) -> None:
    while flip(slow, 0) != 429:
        pass
    for who in (WEB, ALICE, BOSS):
        name = "web.apps.example.com"
        said = slow.ask("PUT", f"/record/{name}", who, {"ip_address": "203.0.113.9"})
        assert said.status_code != 429


def test_what_was_held_back_is_counted_by_kind_of_caller(slow: Rig) -> None:
    for _ in range(5):
        slow.ask("POST", "/status", SHOP, STATUS)
    for number in range(4):
        slow.ask("PUT", RECORD, ALICE, {"ip_address": f"203.0.113.{number}"})
    assert values(slow, "kick_writes_held_back_total") == {
        (("caller", "job"),): 2.0,
        (("caller", "person"),): 1.0,
    }


def test_a_burst_is_whole_and_then_the_rate_holds(time: Time) -> None:
    quota = Quota(5.0, 300, clock=time)
    assert sum(quota.take("a") == 0 for _ in range(1000)) == 300
    taken = 0
    for _ in range(100_000):  # a thousand seconds in steps that are no power of two
        time.at += 0.01
        taken += quota.take("a") == 0
    assert 4995 <= taken <= 5001


def test_the_time_that_is_told_is_enough_and_not_too_long(time: Time) -> None:
    quota = Quota(3.0, 7, clock=time)
    drawn = random.Random(5)
    for _ in range(2000):
        wait = quota.take("a")
        if wait:
            assert wait <= 1 / 3 + 1e-6
            time.at += wait
            assert quota.take("a") == 0
        time.at += drawn.random() * 0.3


def test_many_callers_take_a_bounded_memory(time: Time) -> None:
    quota = Quota(1.0, 2, clock=time, most=100)
    for number in range(5000):
        assert quota.take(f"caller {number}") == 0
        assert len(quota) <= 100


def test_whoever_has_nothing_left_is_the_last_to_be_forgotten(time: Time) -> None:
    quota = Quota(1.0, 5, clock=time, most=100)
    while not quota.take("busy"):
        pass
    for number in range(5000):
        quota.take(f"caller {number}")
    assert quota.take("busy") > 0


def test_whoever_has_all_again_is_forgotten(time: Time) -> None:
    quota = Quota(1.0, 2, clock=time, most=100)
    for number in range(100):
        quota.take(f"caller {number}")
    time.at += 10
    quota.take("one more")
    assert len(quota) == 1
