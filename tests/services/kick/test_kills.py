"""SIGKILL at every point between a question and its answer: nothing lost, nothing orphaned.

What was answered is there exactly once with its owner record; what was not is there whole or not at
all; and the same question by the same key, asked again after the restart, is done once.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.kick.desk_of_writer import Desk, unsound, workload
from tests.services.kick.fakes.route53 import FakeRoute53
from tests.services.kick.mortal_writer import (
    NAMES,
    POINTS,
    THREADS,
    provider_of,
    unanswered,
    wish_of,
)
from toolkit.errors import AbsentError
from toolkit.spec.dns import Record, Zone

LIVES = 3


class Lives:
    """A process that lives again and again."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.services.kick.mortal_writer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def live(self, **said: Any) -> str:
        """One life, and how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    running = Lives()
    yield running
    running.end()


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeRoute53]:
    with FakeRoute53() as running:
        yield running


@pytest.mark.parametrize("point", POINTS)
def test_each_point_of_death(lives: Lives, tmp_path: Path, point: str) -> None:
    said: dict[str, Any] = {"folder": str(tmp_path)}
    assert lives.live(**said, seed=1, point=point, times=4) == "killed"
    judge(said)


@pytest.mark.parametrize("seed", range(10))
def test_killed_again_and_again_on_zone_files(lives: Lives, tmp_path: Path, seed: int) -> None:
    tell(lives, {"folder": str(tmp_path)}, seed)


@pytest.mark.parametrize("seed", range(100, 102))
def test_killed_again_and_again_before_route_53(
    lives: Lives, fake: FakeRoute53, tmp_path: Path, seed: int
) -> None:
    storm(fake, seed)
    tell(lives, {"folder": str(tmp_path), "endpoint": fake.address}, seed)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_two_hundred_seeds(
    lives: Lives, fake: FakeRoute53, tmp_path_factory: pytest.TempPathFactory
) -> None:
    killed = 0
    for seed in range(1000, 1200):
        said: dict[str, Any] = {"folder": str(tmp_path_factory.mktemp("kills"))}
        if seed % 2:
            storm(fake, seed)
            said["endpoint"] = fake.address
        killed += tell(lives, said, seed)
    print(f"{killed} kills over 200 seeds: 0 lost, 0 orphaned")
    assert killed >= 200


def storm(fake: FakeRoute53, seed: int) -> None:
    """An empty zone, and a Route 53 that is throttled and loses replies beside."""
    fake.state.zones.clear()
    fake.state.add_zone("Z1", "example.com")
    fake.plan.__init__(  # type: ignore[misc]
        seed,
        {"throttle": 0.05, "prior": 0.05, "lost-after": 0.05, "lost-before": 0.05,
         "error-after": 0.03, "error-before": 0.03},
    )  # fmt: skip


def tell(lives: Lives, said: dict[str, Any], seed: int) -> int:
    """Lives that end at points that the seed draws, and what is left of them."""
    draw = random.Random(seed)
    deaths = 0
    for life in range(LIVES):
        ended = lives.live(
            **said, seed=seed * 10 + life, point=draw.choice(POINTS), times=draw.randint(1, 12)
        )
        assert ended in ("killed", "ended"), ended
        deaths += ended == "killed"
    judge(said)
    return deaths


def judge(said: dict[str, Any]) -> None:
    """Start once more, ask again what got no answer, and hold the zone against what was said."""
    folder = Path(said["folder"])
    log = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    left = unanswered(folder / "log")
    assert len(left) <= THREADS
    assert len({operation["name"] for operation in left}) == len(left)
    provider, zone = provider_of(said)
    desk = Desk(folder / "audit", provider)
    desk.zones = [zone]
    wanted = truth(log)
    with desk.opened() as writer:
        before = list(provider.records(zone))
        assert not strange(zone, before)
        halves = {operation["name"]: operation["value"] for operation in left}
        for name in NAMES:
            # It is there whole, or what was there before it is.
            assert value_at(before, name) in (wanted[name], halves.get(name, wanted[name]))
        for operation in left:
            ident = operation["id"]
            wish = wish_of(operation, zone)
            try:
                written = writer.write(wish, caller=workload(), key=ident, request=ident)
            except AbsentError:
                assert operation["value"] is None
            else:
                log.append({"kind": "ack", "changed": written.changed, **operation})
            wanted[operation["name"]] = operation["value"]
        records = list(provider.records(zone))
        assert not strange(zone, records)
        assert {name: value_at(records, name) for name in NAMES} == wanted
        assert {s.name: s.records for s in writer.standings(zone) if s.name != zone.name} == {
            record.name: (record,) for record in records if record.type == "A"
        }
    provider.close()
    entries = [entry.what for entry in desk.entries()]
    outcomes = Counter(what.intent for what in entries if what.kind == "outcome")
    intents = [number for number, what in enumerate(entries, 1) if what.kind == "intent"]
    assert outcomes == Counter(intents), "each intent has one outcome"
    done = Counter(w.request for w in entries if w.kind == "outcome" and w.result == "done")
    assert max(done.values(), default=1) == 1, "nothing was done twice"
    for each in log:
        if each["kind"] == "ack":
            assert done[each["id"]] == each["changed"]


def truth(log: list[dict[str, Any]]) -> dict[str, str | None]:
    """What every name has, by the answers alone."""
    wanted: dict[str, str | None] = dict.fromkeys(NAMES)
    for each in log:
        if each["kind"] == "ack":
            wanted[each["name"]] = each["value"]
    return wanted


def value_at(records: list[Record], name: str) -> str | None:
    values = [record.values[0] for record in records if record.key == (name, "A")]
    assert len(values) <= 1
    return values[0] if values else None


def strange(zone: Zone, records: list[Record]) -> list[str]:
    return unsound([record for record in records if record.type not in ("NS", "SOA")])
