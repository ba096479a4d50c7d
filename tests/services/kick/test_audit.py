"""The audit on a disk: written before the deed, mended after a kill, and telling who touched it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.faults.small_disk import fill, small_disk
from toolkit.errors import AuditError
from toolkit.serving.audit import Audit
from toolkit.serving.chain import Head, read_line
from toolkit.spec.audit import Actor, Draft

SHOP = Actor("workload", "default", "shop", "app", "5b2c90aa")
START = 1_700_000_000.0


class Hands:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept = 0

    def clock(self) -> float:
        return self.at

    def now(self) -> float:
        return START + self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.slept += 1


Open = Callable[..., Audit]


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def opened(tmp_path: Path, hands: Hands) -> Iterator[Open]:
    """Opens the audit of this test, as often as it likes."""
    made: list[Audit] = []

    def open_(folder: Path | None = None, **more: float) -> Audit:
        made.append(
            Audit.open(
                folder or tmp_path / "audit",
                who="kick of the test",
                now=hands.now,
                clock=hands.clock,
                sleep=hands.sleep,
                **more,  # type: ignore[arg-type]
            )
        )
        return made[-1]

    yield open_
    for audit in made:
        audit.close()


def intent(name: str = "shop.example.com", **more: object) -> Draft:
    return Draft("intent", "dns.set", SHOP, name, **more)  # type: ignore[arg-type]


def done(seq: int) -> Draft:
    return Draft("outcome", "dns.set", SHOP, intent=seq, result="done")


def write(audit: Audit, count: int) -> None:
    for number in range(count):
        (entry,) = audit.intend([intent(f"n{number}.example.com")])
        audit.conclude([done(entry.seq)])


def files(audit: Audit) -> list[Path]:
    return sorted(audit.folder.glob("audit-*.jsonl"))


# --- what goes wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("torn", [b"{", b'{"seq":3,"time"', b"\0" * 100, b"garbage " * 20_000])
def test_a_torn_last_line_is_cut_off_and_said(opened: Open, torn: bytes) -> None:
    audit = opened()
    write(audit, 1)
    head = audit.head
    audit.close()
    with files(audit)[0].open("ab") as file:
        file.write(torn)
    again = opened()
    assert str(again.mended) == (
        f"audit-000000000001.jsonl ended within a line: its last {len(torn)} bytes were cut off"
    )
    assert again.head == head
    write(again, 1)
    assert again.verify().seq == 4


def test_a_first_line_that_was_never_ended(opened: Open) -> None:
    audit = opened()
    audit.close()
    files(audit)[0].write_bytes(b'{"seq":1')
    again = opened()
    assert again.mended is not None
    assert again.head == Head()
    write(again, 1)


@pytest.mark.parametrize("line", [1, 3, 6])
def test_a_changed_line_is_named_and_nothing_is_written_after_it(opened: Open, line: int) -> None:
    audit = opened()
    write(audit, 3)
    audit.close()
    (path,) = files(audit)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b'"shop"', b'"rival"')
    path.write_bytes(b"".join(lines))
    before = path.read_bytes()
    with pytest.raises(AuditError) as refused:
        opened()
    assert refused.value.message == (
        f"the audit does not hold at line {line} of audit-000000000001.jsonl: "
        "the line was changed after it was written"
    )
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda lines: lines[:1] + lines[2:], "line 2 .*entry 2 should be here, and 3 is"),
        (lambda lines: lines[1:], "line 1 .*entry 1 should be here, and 2 is"),
        (lambda lines: [lines[1], lines[0]], "line 1 .*entry 1 should be here, and 2 is"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], "line 2 .*entry 2 should be here, and 1"),
        (lambda lines: [*lines, b"garbage\n"], "line 7 .*changed after|line 7 .*not JSON"),
        (lambda lines: [*lines, b"\n"], "line 7 .*not JSON"),
    ],
    ids=["removed", "the first removed", "out of order", "twice", "garbage", "an empty line"],
)
def test_lines_that_were_moved_are_named(
    opened: Open, edit: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    audit = opened()
    write(audit, 3)
    audit.close()
    (path,) = files(audit)
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(AuditError, match=said):
        opened()


def test_an_older_file_is_checked_when_asked(opened: Open) -> None:
    audit = opened(most=1000)
    write(audit, 6)
    assert len(files(audit)) > 2
    assert audit.verify() == audit.head
    old = files(audit)[0]
    text = old.read_text()
    old.write_text(text.replace("n0.example.com", "n9.example.com", 1))
    with pytest.raises(AuditError, match=f"line 1 of {old.name}: the line was changed"):
        audit.verify()
    old.write_text(text)
    assert audit.verify() == audit.head


def test_a_file_that_is_missing_between_others_is_named(opened: Open) -> None:
    audit = opened(most=1000)
    write(audit, 6)
    files(audit)[1].unlink()
    with pytest.raises(AuditError, match="it should begin with entry"):
        audit.verify()


def test_the_oldest_files_may_be_moved_away(opened: Open) -> None:
    audit = opened(most=1000)
    write(audit, 6)
    files(audit)[0].unlink()
    assert audit.verify() == audit.head
    audit.close()
    assert opened().head.seq == 12


def test_the_end_of_a_file_cannot_be_cut_off_while_another_follows(opened: Open) -> None:
    audit = opened(most=1000)
    write(audit, 6)
    audit.close()
    before_last = files(audit)[-2]
    lines = before_last.read_bytes().splitlines(keepends=True)
    before_last.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(AuditError, match=r"line 1 .*it should begin with entry"):
        opened()


@pytest.mark.parametrize("kind", ["file", "dangling"])
def test_a_folder_that_cannot_be_one(opened: Open, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("x")
    else:
        place.symlink_to(tmp_path / "nowhere" / "deep")
        (tmp_path / "nowhere").write_text("x")
    with pytest.raises(AuditError, match="cannot be written"):
        opened(place / "audit")


# --- one writer --------------------------------------------------------------------------------

_HOLDER = """\
import sys, time
from pathlib import Path
from toolkit.serving.audit import Audit
audit = Audit.open(Path(sys.argv[1]), who="the other kick", now=time.time, clock=time.monotonic,
                   sleep=time.sleep)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_server_waits_and_then_says_who_has_it(
    opened: Open, tmp_path: Path, hands: Hands
) -> None:
    folder = tmp_path / "audit"
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(AuditError) as refused:
            opened(patience=5)
        assert f"held by the other kick (process {holder.pid}, since 20" in refused.value.message
        assert 5 <= hands.at < 6
        assert hands.slept > 10
        assert not files_of(folder), "nothing is written beside the one who has it"
    finally:
        holder.kill()
        holder.communicate()
    # Killed, it has let go.
    assert opened(patience=0).head == Head()


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.glob("audit-*.jsonl") if path.stat().st_size]


def test_it_can_be_had_once_the_other_has_closed(opened: Open) -> None:
    first = opened()
    with pytest.raises(AuditError, match=r"held by kick of the test"):
        opened(patience=0)
    write(first, 1)
    first.close()
    assert opened(patience=0).head.seq == 2


# --- a disk without room -----------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    with small_disk(tmp_path / "disk") as made:
        yield made


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_refuses_intents_and_keeps_outcomes_until_there_is_room(
    disk: Path, opened: Open
) -> None:
    audit = opened(disk / "audit")
    (first,) = audit.intend([intent()])
    ballast = fill(disk)
    size = files(audit)[0].stat().st_size
    # What was begun before ends after: its outcome waits in memory, and is told of.
    audit.conclude([done(first.seq)] * 40)
    head = audit.head
    assert audit.trouble == "40 outcomes wait for room on the disk"
    for _ in range(3):
        with pytest.raises(AuditError, match=r"cannot be written: No space left on device"):
            audit.intend([intent("x" * 200)] * 40)
    assert audit.head == head
    assert files(audit)[0].stat().st_size <= size
    ballast.unlink()
    (second,) = audit.intend([intent("after.example.com")])
    assert second.seq == head.seq + 41
    assert audit.trouble is None
    assert audit.verify() == audit.head
    audit.close()
    assert opened(disk / "audit").head == audit.head


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_half_a_line_is_taken_back_from_a_disk_that_becomes_full(disk: Path, opened: Open) -> None:
    audit = opened(disk / "audit")
    write(audit, 1)
    with pytest.raises(AuditError, match="No space left"):
        for _ in range(1000):
            audit.intend([intent("x" * 700)])
    assert audit.head.seq > 10
    assert files(audit)[0].read_bytes().endswith(b"\n")
    assert audit.verify() == audit.head
    audit.close()
    fill(disk)
    # There is no room to say who holds it; what there is can be read and checked.
    again = opened(disk / "audit")
    assert again.verify() == audit.head
    with pytest.raises(AuditError, match="No space left"):
        again.intend([intent("x" * 5000)])


def test_a_disk_that_fails_to_sync_is_believed_nothing_any_more(opened: Open) -> None:
    """A pipe takes lines and cannot sync them, as a dying disk: what it has is gone for good."""
    audit = opened()
    write(audit, 1)
    files_own, audit._file = audit._file, pipe()
    with pytest.raises(AuditError, match=r"cannot be written: Invalid argument"):
        audit.intend([intent()])
    audit._file.close()
    audit._file = files_own
    with pytest.raises(AuditError, match=r"the disk failed: Invalid argument"):
        audit.intend([intent()])
    assert audit.trouble == "the disk failed: Invalid argument"
    audit.close()
    assert opened().head.seq == 2


def pipe() -> BinaryIO:
    reading, writing = os.pipe()
    file = os.fdopen(writing, "wb", buffering=0)
    weakref.finalize(file, os.close, reading)
    return file


def test_a_closed_audit_takes_nothing(opened: Open) -> None:
    audit = opened()
    audit.close()
    audit.close()
    with pytest.raises(AuditError, match="closed"):
        audit.intend([intent()])
    audit.conclude([done(1)])
    assert files(audit)[0].read_bytes() == b""


# --- order, files and reading ------------------------------------------------------------------


def test_the_order_is_that_of_the_numbers_whatever_the_clock_does(
    opened: Open, hands: Hands
) -> None:
    audit = opened()
    for moment in (0.0, -3600.0, 30.0, -300.0):
        hands.at = moment
        audit.intend([intent(f"at{moment}.example.com")])
    audit.close()
    again = opened()
    entries = list(again.entries(1))
    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert [datetime.fromisoformat(entry.time) for entry in entries] == [
        datetime.fromtimestamp(START + moment, UTC) for moment in (0.0, -3600.0, 30.0, -300.0)
    ]


def test_the_chain_goes_on_in_the_next_file(opened: Open) -> None:
    audit = opened(most=2000)
    write(audit, 20)
    names = [path.name for path in files(audit)]
    assert len(names) > 4
    firsts = [read_line(path.read_bytes().splitlines()[0]).seq for path in files(audit)]
    assert names == [f"audit-{first:012d}.jsonl" for first in firsts]
    assert all(path.stat().st_size < 4000 for path in files(audit))
    assert [entry.seq for entry in audit.entries(1)] == list(range(1, 41))
    assert audit.verify() == audit.head
    audit.close()
    assert opened().head == audit.head


def test_a_kill_between_the_new_file_and_its_first_line(opened: Open) -> None:
    audit = opened()
    write(audit, 2)
    audit.close()
    (audit.folder / "audit-000000000005.jsonl").touch()
    again = opened()
    assert again.head == audit.head
    write(again, 1)
    assert again.verify().seq == 6


def test_reading_from_anywhere(opened: Open) -> None:
    audit = opened(most=200_000)
    audit.intend([intent("x" * 300) for _ in range(1000)])
    audit.intend([intent("x" * 300) for _ in range(1000)])
    assert len(files(audit)) > 1
    for first, last in [(1, 3), (999, 1002), (1500, 1500), (1998, 3000), (2001, 3000), (7, 5)]:
        wanted = [seq for seq in range(first, last + 1) if seq <= 2000]
        assert [entry.seq for entry in audit.entries(first, last)] == wanted


def test_a_reader_beside_a_writer_sees_whole_lines(opened: Open) -> None:
    audit = opened(most=20_000)
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.is_set():
            write(audit, 5)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for _ in range(30):
            seen = [entry.seq for entry in audit.entries(1)]
            assert seen == list(range(1, len(seen) + 1))
            assert audit.verify().seq >= len(seen)
    finally:
        stop.set()
        writer.join()


def test_several_threads_share_the_chain(opened: Open) -> None:
    audit = opened(most=30_000)
    threads = [threading.Thread(target=write, args=(audit, 30)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.head.seq == 360
    assert audit.verify() == audit.head


def test_what_a_line_says(opened: Open) -> None:
    audit = opened()
    audit.intend(
        [intent(key="k\n1", request="r1", zone="example.com (public)", before={}, after={"a": [1]})]
    )
    (line,) = files(audit)[0].read_text().splitlines()
    said = json.loads(line)
    assert set(said) == {
        "seq", "time", "prev", "hash", "kind", "action", "actor", "subject", "zone", "via",
        "request", "key", "before", "after",
    }  # fmt: skip
    assert said["actor"] == {
        "kind": "workload", "namespace": "default", "job": "shop", "task": "app",
        "allocation": "5b2c90aa",
    }  # fmt: skip
    assert said["key"] == "k\n1"
    assert line.isprintable()
    assert files(audit)[0].stat().st_mode & 0o077 == 0
