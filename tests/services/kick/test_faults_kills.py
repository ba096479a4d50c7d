"""The server killed while eight clients write: nothing acknowledged is lost, nothing is left over.

The moment is drawn from a seed: so many answers after the start, and a few milliseconds more, which
falls anywhere between a request and its answer. On Route 53 the moment is chosen: the batch is held
before or after it was done, and its answer never comes.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.services.kick.fakes.route53 import FakeRoute53, Route53State
from tests.services.kick.fakes.route53_plan import Kind
from tests.services.kick.lab import (
    AWS_KEYS,
    PATIENCE,
    PUBLIC,
    ZONE_ID,
    Lab,
    Process,
    lab,
    on_aws,
    on_route53,
    together,
    token_of,
)
from tests.services.kick.load import (
    BROKEN,
    Answers,
    Asked,
    address,
    check_audit,
    check_zone,
    faults_in,
    writers,
)
from tests.services.kick.rig import CONFIG
from tests.services.running import until

LATEST = 0.006
"""Seconds after the chosen answer: longer than a write takes, so that every step of one is met."""

EARLY, START = 0.3, 0.8
"""How often the next server is killed while it starts, and within how many seconds."""
SHORT_FILES = "limits.audit_file = 131072\n" + CONFIG
"""So that the audit goes on in a new file now and then."""


def kills(made: Lab, seed: int, times: int) -> Counter[str]:
    """Kill that often; what had become of the requests that were under way."""
    drawn = random.Random(seed)
    all_writers = writers(seed)
    token = token_of("shop")
    fates: Counter[str] = Counter()
    process = made.start()
    for _ in range(times):
        answers = Answers()
        after, late = drawn.randrange(1, 40), drawn.uniform(0, LATEST)
        runs = [partial(each.run, process.client(token), answers) for each in all_writers]
        together(partial(kill, process, answers, after, late), *runs)
        zone = made.zone()
        check_zone(all_writers, zone)
        if drawn.random() < EARLY:
            early = made.launch()
            threading.Event().wait(drawn.uniform(0, START))
            early.kill()
        process = made.start()
        client = process.client(token)
        fates.update(each.settle(client, zone) for each in all_writers)
    check_zone(all_writers, made.zone())
    assert process.stop() == 0
    check_audit(made)
    return fates


def kill(process: Process, answers: Answers, after: int, late: float) -> None:
    """End the server so many answers and seconds from now."""
    answers.wait_for(after, PATIENCE)
    threading.Event().wait(late)
    process.kill()


def test_five_kills(tmp_path: Path) -> None:
    with lab(tmp_path, config=SHORT_FILES) as made:
        fates = kills(made, seed=7, times=5)
        files = list((made.data / "audit").glob("audit-*.jsonl"))
    assert len(files) > 1, "the audit never went on in a new file"
    # Otherwise it was killed while nothing was under way, and the test has shown nothing.
    assert fates["done"] + fates["not done"] >= 5, fates


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_kills(tmp_path: Path, seed: int) -> None:
    with lab(tmp_path, config=SHORT_FILES) as made:
        fates = kills(made, seed=seed, times=20)
    print(f"seed {seed}: {dict(fates)}")
    assert fates["done"] >= 1, "no kill fell between commit and reply"


# --- between the commit of Route 53 and its reply ------------------------------------------------


@pytest.fixture
def aws() -> Iterator[Route53State]:
    state = Route53State()
    state.add_zone(ZONE_ID, PUBLIC.name)
    yield state


def values(state: Route53State, name: str) -> tuple[str, ...]:
    """What the hosted zone has at a name."""
    found = [each for each in state.sets(ZONE_ID) if each.name == f"{name}." and each.type == "A"]
    return found[0].values if found else ()


@dataclass
class Killed:
    """A server that was killed while Route 53 had its second batch, and what it was asked."""

    made: Lab
    fake: FakeRoute53
    asked: Asked

    def start(self) -> Process:
        """The next server."""
        return self.made.start()


@contextmanager
def killed_while(held: Kind, aws: Route53State, folder: Path) -> Iterator[Killed]:
    """One record, `.1`, and a change to `.2` that is held."""
    name = "a.shop.apps.example.com"
    with FakeRoute53(aws) as fake, lab(folder, config=on_route53(CONFIG, fake.address)) as made:
        made.environ |= AWS_KEYS
        first = made.start()
        assert Asked(name, "203.0.113.1", "1").send(first.client(token_of("shop"))).status == 201
        fake.plan.add(held)
        asked = Asked(name, "203.0.113.2", "2")

        def ask() -> None:
            with pytest.raises(BROKEN):
                asked.send(first.client(token_of("shop")))

        def kill() -> None:
            until(lambda: not fake.plan.faults, "the batch arrives")
            if held == "held-after":
                until(lambda: values(aws, name) == ("203.0.113.2",), "the batch is done")
            first.kill()

        together(ask, kill)
        yield Killed(made, fake, asked)


def test_a_kill_after_route_53_did_the_batch(aws: Route53State, tmp_path: Path) -> None:
    with killed_while("held-after", aws, tmp_path) as there:
        there.fake.plan.release()
        second = there.start()
        said = there.asked.send(second.client(token_of("shop")))
        assert (said.status, said.json["replayed"]) == (200, True)
        check_aws(there)
        assert second.stop() == 0
        check_audit(there.made)


def test_a_batch_that_lands_when_the_next_server_is_there_already(
    aws: Route53State, tmp_path: Path
) -> None:
    with killed_while("held-before", aws, tmp_path) as there:
        second = there.start()
        assert values(aws, there.asked.name) == ("203.0.113.1",)
        there.fake.plan.release()
        until(lambda: values(aws, there.asked.name) == ("203.0.113.2",), "the batch lands")
        said = there.asked.send(second.client(token_of("shop")))
        assert (said.status, said.json["replayed"]) == (200, False)
        check_aws(there)
        assert second.stop() == 0
        check_audit(there.made)


def check_aws(there: Killed) -> None:
    """The hosted zone has what was asked for, once, with its owner record."""
    zone = on_aws(there.fake.address)
    assert (faults_in(zone), address(zone, there.asked.name)) == ([], "203.0.113.2")
