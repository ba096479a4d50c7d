"""Fixtures of the kick server's tests; `rig.py` says what they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from kick.writer import Writer

from tests.services.kick.desk_of_writer import Desk, Gate
from tests.services.kick.process import KickProcess, kick_process
from tests.services.kick.rig import Rig, make_rig, zone_of
from tests.services.kick.shaky import Shaky


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """A loop in a thread of its own, for the applications of all tests."""
    with start_blocking_portal() as running:
        yield running


@pytest.fixture
def rig(portal: BlockingPortal, tmp_path: Path) -> Iterator[Rig]:
    """A kick server in this process, with zones and an audit of its own on the disk."""
    with make_rig(portal, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def still(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A server for requests that are refused: in the end it has done nothing."""
    with make_rig(portal, tmp_path_factory.mktemp("still")) as made:
        yield made
        assert zone_of(made) == []
        assert made.entries() == []


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KickProcess]:
    """A kick server as a process, beside a Nomad that knows the tokens of `process.py`."""
    with kick_process(tmp_path_factory.mktemp("kick")) as running:
        yield running


@pytest.fixture
def shaky() -> Shaky:
    """A provider in memory that does as it is told, failures included."""
    return Shaky()


@pytest.fixture
def desk(tmp_path: Path, shaky: Shaky) -> Desk:
    """Opens writers on that provider."""
    return Desk(tmp_path / "audit", shaky)


@pytest.fixture
def writer(desk: Desk) -> Iterator[Writer]:
    """One that has started."""
    with desk.opened() as opened:
        yield opened


@pytest.fixture
def gate() -> Gate:
    """Where its thread can be held."""
    return Gate()
