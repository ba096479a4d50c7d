"""Zones on a disk without room: nothing half done, and everything well again when there is room."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.small_disk import fill, small_disk
from tests.services.kick.zones import NAME
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.errors import ServerError
from toolkit.spec.dns import Change, Record, Zone

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root"),
]

ZONE = Zone(NAME, "public", "local")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    with small_disk(tmp_path / "disk") as made:
        yield made


def text(index: int) -> Record:
    return Record(f"t{index}.{NAME}", "TXT", 60, ("x" * 3000,))


def test_a_batch_that_does_not_fit_is_not_done(disk: Path) -> None:
    files = ZoneFiles(disk / "zones")
    files.apply(ZONE, [Change("CREATE", text(0))])
    fill(disk)
    before = (disk / "zones" / f"{NAME}.public.zone").read_bytes()
    for _ in range(3):
        with pytest.raises(ServerError, match="no space left on device") as caught:
            files.apply(ZONE, [Change("CREATE", text(index)) for index in range(1, 3)])
        assert caught.value.hint == "nothing was changed"
        assert (disk / "zones" / f"{NAME}.public.zone").read_bytes() == before
        assert files.at(ZONE, [text(0).name]) == (text(0),)
    (disk / "ballast").unlink()
    files.apply(ZONE, [Change("CREATE", text(1))])
    files.close()
    found = ZoneFiles(disk / "zones")
    assert {record.name for record in found.records(ZONE)} == {NAME, text(0).name, text(1).name}
    found.close()


def test_a_file_that_cannot_be_written_anew_stays_as_it_is(disk: Path) -> None:
    files = ZoneFiles(disk / "zones")
    for index in range(3):
        files.apply(ZONE, [Change("CREATE", text(index))])
    fill(disk)
    path = disk / "zones" / f"{NAME}.public.zone"
    before = path.read_bytes()
    files.close()
    assert path.read_bytes() == before
    assert not list((disk / "zones").glob("*.new"))


def test_no_room_even_for_the_first_line(disk: Path) -> None:
    (disk / "zones").mkdir()
    fill(disk)
    files = ZoneFiles(disk / "zones")
    with pytest.raises(ServerError, match="no space left on device"):
        list(files.records(ZONE))
    (disk / "ballast").unlink()
    assert list(files.records(ZONE))
    files.close()
