"""Zones in files: what is on the disk, what a crash leaves, what a person breaks."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.kick.zones import NAME
from toolkit.clients.dns.provider import BatchRefusedError, BusyError
from toolkit.clients.dns.snapshot import Snapshot
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.errors import InvalidRequestError, ServerError
from toolkit.spec.dns import Alias, Change, Record, Zone

ZONE = Zone(NAME, "public", "local")
FILE = f"{NAME}.public.zone"
A = Record(f"shop.{NAME}", "A", 60, ("203.0.113.7",))
OTHER = Record(f"shop.{NAME}", "A", 60, ("203.0.113.8",))
TXT = Record(f"_toolkit.shop.{NAME}", "TXT", 60, ('say "hé"',))
ALIAS = Record(f"www.{NAME}", "A", None, alias=Alias(f"shop.{NAME}", "", healthy=True))


@pytest.fixture
def files(tmp_path: Path) -> Iterator[ZoneFiles]:
    made = ZoneFiles(tmp_path)
    yield made
    made.close()


def stored(files: ZoneFiles, zone: Zone = ZONE) -> set[Record]:
    return {each for each in files.records(zone) if each.type not in {"NS", "SOA"}}


def again(folder: Path) -> set[Record]:
    """What another process finds there."""
    files = ZoneFiles(folder)
    try:
        return stored(files)
    finally:
        files.close()


def create(*records: Record) -> list[Change]:
    return [Change("CREATE", record) for record in records]


def test_a_file_can_be_read_by_people(files: ZoneFiles, tmp_path: Path) -> None:
    files.apply(ZONE, create(TXT, A))
    files.apply(ZONE, [*create(OTHER), Change("DELETE", A)], comment="shop moved")
    assert (tmp_path / FILE).read_text() == (
        '{"zone": "apps.example.com", "visibility": "public", "format": 1, "serial": 1}\n'
        '{"batch": 2, "create": ['
        '{"name": "_toolkit.shop.apps.example.com", "type": "TXT", "ttl": 60, '
        '"values": ["say \\"hé\\""]}, '
        '{"name": "shop.apps.example.com", "type": "A", "ttl": 60, "values": ["203.0.113.7"]}]}\n'
        '{"batch": 3, "comment": "shop moved", "delete": ['
        '{"name": "shop.apps.example.com", "type": "A", "ttl": 60, "values": ["203.0.113.7"]}], '
        '"create": ['
        '{"name": "shop.apps.example.com", "type": "A", "ttl": 60, "values": ["203.0.113.8"]}]}\n'
    )
    files.close()
    assert (tmp_path / FILE).read_text() == (
        '{"zone": "apps.example.com", "visibility": "public", "format": 1, "serial": 3}\n'
        '{"name": "shop.apps.example.com", "type": "A", "ttl": 60, "values": ["203.0.113.8"]}\n'
        '{"name": "_toolkit.shop.apps.example.com", "type": "TXT", "ttl": 60, '
        '"values": ["say \\"hé\\""]}\n'
    )


def test_everything_is_there_again(files: ZoneFiles, tmp_path: Path) -> None:
    files.apply(ZONE, create(A, TXT, ALIAS))
    files.apply(ZONE, [Change("DELETE", TXT)])
    serial = files.snapshot(ZONE).serial
    files.close()
    assert again(tmp_path) == {A, ALIAS}
    assert files.snapshot(ZONE).serial == serial


def test_public_and_private_zones_of_one_name_are_two(files: ZoneFiles) -> None:
    private = Zone(NAME, "private", "local")
    files.apply(ZONE, create(A))
    files.apply(private, create(OTHER))
    assert (stored(files), stored(files, private)) == ({A}, {OTHER})


def test_the_serial_rises_with_every_batch_and_with_none_that_is_refused(files: ZoneFiles) -> None:
    before = files.snapshot(ZONE).serial
    files.apply(ZONE, create(A))
    with pytest.raises(BatchRefusedError):
        files.apply(ZONE, create(A))
    files.apply(ZONE, create(TXT))
    assert files.snapshot(ZONE).serial == before + 2


def test_a_file_is_written_anew_when_its_batches_outgrow_it(tmp_path: Path) -> None:
    files = ZoneFiles(tmp_path, fold_above=10)
    now, then = A, OTHER
    files.apply(ZONE, create(now))
    lengths = []
    for _ in range(30):
        files.apply(ZONE, [Change("DELETE", now), Change("CREATE", then)])
        now, then = then, now
        lengths.append(len((tmp_path / FILE).read_text().splitlines()))
    assert max(lengths) < 10
    assert lengths.count(2) == 5
    assert files.snapshot(ZONE).serial == 32
    assert stored(files) == {now}
    files.close()
    assert again(tmp_path) == {now}


def test_listeners_are_told_of_what_is_new_and_of_nothing_else(
    files: ZoneFiles, tmp_path: Path
) -> None:
    told: list[Snapshot] = []
    files.subscribe(told.append)
    files.apply(ZONE, create(A))
    with pytest.raises(BatchRefusedError):
        files.apply(ZONE, create(A))
    stored(files)
    assert [(each.zone, each.at(A.name)) for each in told] == [(ZONE, (A,))]
    line = '{"name": "by-hand.apps.example.com", "type": "A", "ttl": 5, "values": ["192.0.2.1"]}\n'
    head, _, rest = (tmp_path / FILE).read_text().partition("\n")
    (tmp_path / FILE).write_text(f"{head}\n{line}{rest}")
    assert f"by-hand.{NAME}" in {each.name for each in stored(files)}
    assert told[-1].at(f"by-hand.{NAME}")
    assert len(told) == 2


def test_a_snapshot_does_not_change(files: ZoneFiles) -> None:
    files.apply(ZONE, create(A))
    before = files.snapshot(ZONE)
    files.apply(ZONE, [Change("DELETE", A), *create(TXT)])
    assert before.at(A.name) == (A,)
    assert not before.exists(TXT.name)
    after = files.snapshot(ZONE)
    assert after.at(A.name) == ()
    # The owner record lies below the name, which so exists and has nothing.
    assert after.exists(A.name)


def test_what_is_cut_short_was_never_done(files: ZoneFiles, tmp_path: Path) -> None:
    files.apply(ZONE, create(A))
    whole = len((tmp_path / FILE).read_bytes())
    files.apply(ZONE, create(TXT))
    text = (tmp_path / FILE).read_bytes()
    for end in sorted(
        {*range(whole, len(text), 7), *range(whole, whole + 12), len(text) - 1, len(text)}
    ):
        folder = tmp_path / str(end)
        folder.mkdir()
        (folder / FILE).write_bytes(text[:end])
        found = ZoneFiles(folder)
        try:
            # All but the end of the line is as good as the line.
            assert stored(found) == ({A, TXT} if end >= len(text) - 1 else {A})
            found.apply(ZONE, create(ALIAS))
        finally:
            found.close()
        assert ALIAS in again(folder)


@pytest.mark.parametrize("tail", [b"\0" * 500, b'{"batch": 3, "cre' + b"\0" * 90])
def test_what_a_power_failure_leaves_was_never_done(
    files: ZoneFiles, tmp_path: Path, tail: bytes
) -> None:
    files.apply(ZONE, create(A))
    size = (tmp_path / FILE).stat().st_size
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / FILE).write_bytes((tmp_path / FILE).read_bytes() + tail)
    assert again(copy) == {A}
    assert (copy / FILE).stat().st_size <= size


def test_a_file_that_went_away_begins_anew(files: ZoneFiles, tmp_path: Path) -> None:
    files.apply(ZONE, create(A))
    (tmp_path / FILE).unlink()
    assert stored(files) == set()
    files.apply(ZONE, create(TXT))
    assert stored(files) == {TXT}


def test_a_name_that_is_no_name_makes_no_file(files: ZoneFiles, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError):
        list(files.records(Zone("../evil", "public", "local")))
    assert not (tmp_path.parent / "evil.public.zone").exists()


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "zones").write_text("")
    with pytest.raises(ServerError, match="cannot be used"):
        list(ZoneFiles(tmp_path / "zones").records(ZONE))


HOLD = """
import sys
from pathlib import Path
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.spec.dns import Zone
files = ZoneFiles(Path(sys.argv[1]))
list(files.records(Zone("apps.example.com", "public", "local")))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_folder_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=f"another process \\({holder.pid}\\)"):
            again(tmp_path)
        now, waited = 0.0, 0

        def sleep(seconds: float) -> None:
            nonlocal now, waited
            now, waited = now + seconds, waited + 1

        patient = ZoneFiles(tmp_path, wait=1.0, clock=lambda: now, sleep=sleep)
        with pytest.raises(BusyError):
            list(patient.records(ZONE))
        assert waited >= 20

        def stop(seconds: float) -> None:
            raise InterruptedError

        stopped = ZoneFiles(tmp_path, wait=60.0, sleep=stop)
        with pytest.raises(InterruptedError):
            list(stopped.records(ZONE))
        holder.stdin.close()
        assert holder.wait(30) == 0
    assert list(patient.records(ZONE))
    patient.close()


def test_threads_share_a_provider(files: ZoneFiles) -> None:
    def one(index: int) -> None:
        files.apply(ZONE, create(Record(f"t{index}.{NAME}", "A", 60, ("192.0.2.1",))))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(100)))
    assert len(stored(files)) == 100
    assert files.snapshot(ZONE).serial == 101


WRITE = """
import sys
from pathlib import Path
from toolkit.clients.dns.zonefile import ZoneFiles
from toolkit.spec.dns import Change, Record, Zone
files = ZoneFiles(Path(sys.argv[1]), fold_above=5)
zone = Zone("apps.example.com", "public", "local")
def pair(name, value):
    for type_, it in (("A", f"192.0.2.{value}"), ("TXT", f"value {value} of {name}")):
        yield Record(f"{name}.apps.example.com", type_, 60, (it,))
there = {record.key: record for record in files.records(zone)}
for number in range(100_000):
    name, value = f"s{number % 7}", number % 250
    changes = [Change("CREATE", each) for each in pair(name, value)]
    changes += [Change("DELETE", there[c.record.key]) for c in changes if c.record.key in there]
    files.apply(zone, changes)
    there.update({c.record.key: c.record for c in changes if c.action == "CREATE"})
    print(name, value, flush=True)
"""


def killed_while_writing(folder: Path, seed: int) -> None:
    """SIGKILL somewhere in a run of writes; what was told of must be there, and pairs be whole."""
    lines = random.Random(seed).randint(1, 60)
    child = subprocess.Popen(
        [sys.executable, "-c", WRITE, str(folder)], stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(lines)]
        os.kill(child.pid, signal.SIGKILL)
        told += child.stdout.readlines()
    # The last line may be cut, too.
    acknowledged = dict(each.split() for each in told if each.endswith("\n"))
    found = {record.key: record for record in again(folder)}
    for name in {key[0] for key in found}:
        a, txt = found[name, "A"].values[0], found[name, "TXT"].values[0]
        assert txt.startswith(f"value {a.removeprefix('192.0.2.')} of ")
    late = 0
    for name, value in acknowledged.items():
        now = found[f"{name}.{NAME}", "A"].values[0]
        late += now != f"192.0.2.{value}"
    # One more may have been done than was told of.
    assert late <= 1


@pytest.mark.parametrize("seed", range(3))
def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    killed_while_writing(tmp_path, seed)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_many_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for seed in range(200):
        # In one folder: each begins with what the one before left.
        killed_while_writing(tmp_path, seed)


NAMES = st.sampled_from([NAME, f"a.{NAME}", f"b.a.{NAME}", f"*.a.{NAME}", f"c.{NAME}"])
RECORDS = st.one_of(
    st.builds(lambda n, v: Record(n, "A", 60, (f"192.0.2.{v}",)), NAMES, st.integers(1, 3)),
    st.builds(
        lambda n, v: Record(n, "TXT", 60, (v,)), NAMES, st.text('ab\n\\"\u2028\0', max_size=3)
    ),
    st.builds(lambda n: Record(n, "CNAME", 60, ("elsewhere.example.org",)), NAMES),
)
CHANGES = st.builds(Change, st.sampled_from(["CREATE", "CREATE", "DELETE"]), RECORDS)


@given(st.lists(st.lists(CHANGES, min_size=1, max_size=4), max_size=12), st.booleans())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_batches_do_what_a_plain_model_does(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Change]], reopen: bool
) -> None:
    folder = tmp_path_factory.mktemp("zones")
    files = ZoneFiles(folder)
    model: dict[tuple[str, str], Record] = {}
    for batch in batches:
        after = dict(model)
        good = True
        for change in sorted(batch, key=lambda each: each.action != "DELETE"):
            record = change.record
            if change.action == "DELETE":
                good = good and after.pop(record.key, None) == record
                continue
            beside = {key[1] for key in after if key[0] == record.name}
            if record.name == NAME:
                beside |= {"NS", "SOA"}
            alone = record.type == "CNAME" or "CNAME" in beside
            good = good and record.type not in beside and not (alone and beside)
            after[record.key] = record
        if good:
            files.apply(ZONE, batch)
            model = after
        else:
            with pytest.raises(BatchRefusedError):
                files.apply(ZONE, batch)
        if reopen:
            files.close()
        assert stored(files) == set(model.values())
        snapshot = files.snapshot(ZONE)
        below = {name.split(".", 1)[1] for name, _ in model if name != NAME}
        assert set(snapshot.below) >= below
        assert all(count > 0 for count in snapshot.below.values())
    files.close()
    assert again(folder) == set(model.values())
