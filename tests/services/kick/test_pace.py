"""No more calls a second than an account has: each call takes a turn, and turns come in time."""

from __future__ import annotations

import pytest
from kick.pace import Pace
from kick.parts import pace_of

from tests.services.kick.desk_of_writer import Hands
from tests.services.kick.rig import CONFIG
from tests.services.kick.zones import KEYS, NAME, fake_zones, route53
from toolkit.config.kick import load_kick
from toolkit.spec.dns import Change, Record


def test_turns_come_no_faster_than_they_may() -> None:
    hands = Hands()
    pace = Pace(10.0, clock=hands.clock, sleep=hands.sleep)
    moments = []
    for _ in range(60):
        pace.take()
        moments.append(hands.at)
    assert moments[9] == 0
    for moment, later in zip(moments, moments[20:], strict=False):
        assert later - moment >= 0.999
    assert 4.9 <= moments[-1] <= 5.1


@pytest.mark.parametrize(("said", "calls"), [("", 5), ("[route53]\ncalls = 2\n", 2)])
def test_route_53_is_asked_as_often_as_kick_toml_says(said: str, calls: int) -> None:
    hands = Hands()
    access = load_kick(CONFIG + said).route53
    pace = pace_of(access, clock=hands.clock, sleep=hands.sleep)
    began = hands.at
    for _ in range(11 * calls):
        pace.take()
    assert hands.at - began == pytest.approx(10)


def test_every_call_of_route_53_takes_a_turn() -> None:
    turns: list[int] = []
    with (
        fake_zones() as zones,
        route53(zones.fake.address, keys=KEYS, page=2, pace=lambda: turns.append(1)) as provider,
    ):
        zone = zones.make().zone
        names = [f"a.{number}.{NAME}" for number in range(5)]
        records = [Record(name, "A", 60, ("203.0.113.7",)) for name in names]
        submitted = provider.apply(zone, [Change("CREATE", record) for record in records])
        assert len(provider.at(zone, names)) == 5
        assert len(list(provider.records(zone))) >= 5
        provider.state(submitted.id)
        calls = zones.fake.state.calls
    # Names that lie apart cost a call each, and a list one for each page.
    assert len(turns) == len(calls) > 6
