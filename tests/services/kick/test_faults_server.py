"""The whole server among failures: a full disk, Nomad away, clocks apart, the end amid a load.

The truth is read from outside: zone files, audit files, answers. What the parts do by themselves is
in `test_faults_writer`, `test_route53_faults`, `test_limits`, `test_app_process` and
`tests/identity`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.small_disk import small_disk
from tests.identity.mint import jwk, rsa_key
from tests.identity.nomad_server import DOWN
from tests.services.kick.lab import (
    PATIENCE,
    Lab,
    Process,
    lab,
    together,
    token_of,
)
from tests.services.kick.load import Answers, check_audit, check_zone, writers
from tests.services.running import until

NAME = "/record/a.shop.apps.example.com"
OTHER = "0a0b0c0d-8f4c-4e23-8f3f-8f5a0d3f0c11"
A = {"ip_address": "203.0.113.7"}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as there:
        yield there


# --- the end, amid a load ------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_next_server_takes_over_amid_a_load(made: Lab, number: signal.Signals) -> None:
    first = made.start()
    second = made.launch()
    until(lambda: second.client().ask("GET", "/healthz").json.get("waits_for"), "it waits")
    all_writers, answers = writers(3), Answers()

    def end() -> None:
        answers.wait_for(40, PATIENCE)
        first.signal(number)
        assert first.wait() == (0 if number == signal.SIGTERM else -number)

    token = token_of("shop")
    together(end, *(partial(each.run, first.client(token), answers) for each in all_writers))
    if number == signal.SIGTERM:
        # Whoever was refused was told so; whoever was accepted was answered.
        assert {kind for each in all_writers for kind in each.refused} <= {"unavailable"}
    second.wait_for("ready")
    zone = made.zone()
    check_zone(all_writers, zone)
    client = second.client(token)
    for each in all_writers:
        each.settle(client, zone)
    together(*(partial(each.run, second.client(token), most=3) for each in all_writers))
    assert all(len(each.refused) <= 1 for each in all_writers)
    check_zone(all_writers, made.zone())
    assert second.stop() == 0
    check_audit(made)


# --- a full disk ---------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    with small_disk(tmp_path / "disk", "1m") as made:
        yield made


class Ballast:
    """What else is on the disk."""

    def __init__(self, disk: Path):
        self._path = disk / "ballast"

    def fill(self, leave: int = 0) -> None:
        """Leave so many pages of the disk, or none."""
        size = 0
        with self._path.open("wb", buffering=0) as file:
            try:
                while True:
                    size += file.write(b"x" * 4096)
            except OSError:
                pass
            file.truncate(max(0, size - leave * 4096))

    def go(self) -> None:
        """Make room."""
        self._path.unlink()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_stops_changes_and_nothing_else(disk: Path) -> None:
    with lab(disk) as made:
        server, ballast, writing = made.start(), Ballast(disk), writers(1, 1)[0]
        client = server.client(token_of("shop"))
        writing.run(client, most=10)
        assert not writing.refused
        # The disk is full at the intent, within it, at the zone's file, at the outcome.
        for leave in range(6):
            ballast.fill(leave)
            writing.run(client, most=100)
            assert len(writing.refused) == leave + 1, "a full disk took a hundred changes"
            check_zone([writing], made.zone())
            for name, value in writing.has.items():
                assert client.ask("GET", f"/record/{name}").json["values"] == [value]
            assert client.ask("GET", "/healthz").json == {"status": "ready"}
        assert set(writing.refused) <= {"audit-unavailable", "unavailable"}
        assert "audit-unavailable" in writing.refused
        ballast.go()
        writing.run(client, most=10)
        assert len(writing.refused) == 6
        check_zone([writing], made.zone())
        assert server.stop() == 0
        assert server.errors == []
        check_audit(made)


# --- Nomad, away and changed ---------------------------------------------------------------------


def test_nomad_away_at_the_start_and_later_and_with_another_key(made: Lab) -> None:
    keys, made.nomad.keys = made.nomad.keys, DOWN
    server = made.start()
    client = server.client(token_of("shop"))
    refused = client.ask("PUT", NAME, A)
    assert (refused.status, refused.slug) == (503, "unavailable")
    assert refused.headers["Retry-After"]
    assert client.ask("GET", "/healthz").status == 200
    assert (made.zone(), made.audit()) == ({}, [])

    made.nomad.keys = keys
    until(lambda: client.ask("PUT", NAME, A).status == 201, "Nomad is asked again")

    # Away again: who was seen is served, who was not is nobody, and nothing is taken for a lie.
    running = dict(made.nomad.allocations)
    made.nomad.keys = DOWN
    made.nomad.allocations = dict.fromkeys(running, DOWN)
    assert client.ask("PUT", NAME, {"ip_address": "203.0.113.8"}).status == 200
    stranger = server.client(token_of("web"))
    assert stranger.ask("GET", "/records").status == 503
    forged = server.client(token_of("shop", rsa_key(number=1)))
    assert forged.ask("GET", "/records").slug == "unidentified"

    # It signs with a new key, and has forgotten the old one by now.
    made.nomad.allocations = running
    made.nomad.keys = [jwk(rsa_key(number=2), kid=OTHER)]
    renewed = server.client(token_of("shop", rsa_key(number=2), kid=OTHER))
    until(lambda: renewed.ask("GET", NAME).status == 200, "the new key is read")
    assert client.ask("GET", NAME).slug == "unidentified"
    assert len(made.zone()) == 1
    assert server.stop() == 0
    assert server.errors == []


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with lab(tmp_path_factory.mktemp("steady")) as there:
        yield there.start()


@pytest.mark.parametrize(
    ("ahead", "refused"),
    [
        (-3600, "not-yet"),
        (-300, "not-yet"),
        (-30, None),
        (30, None),
        (300, None),
        (3600, "expired"),
    ],
)
def test_clocks_that_are_apart(steady: Process, ahead: int, refused: str | None) -> None:
    """`ahead`: of the server's clock before Nomad's, which signs its own time for ten minutes."""
    now = int(time.time()) - ahead
    client = steady.client(token_of("shop", iat=now, nbf=now, exp=now + 600))
    said = client.ask("GET", "/records")
    if refused is None:
        assert said.status == 200
    else:
        assert (said.status, said.json["reason"]) == (401, refused)
