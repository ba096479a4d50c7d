"""Logs of deployments: whole lines, bounded, followed by many while one writes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from toolkit.repos.record_logs import CHUNK, DAMAGED, FULL, Logs, Place, read
from toolkit.repos.records import Records
from toolkit.spec.deployment import Deployment, LogLine


def make(tmp_path: Path, *, most: int = 1 << 20) -> Logs:
    records = Records(tmp_path)
    if not records.all("shop"):
        records.add(Deployment(0, "shop", "a" * 40, None, "alice", ""))
    return Logs(records, most=most, now=lambda: 5.0)


def path_of(tmp_path: Path) -> Path:
    return tmp_path / "deployments" / "shop" / "1.log"


def test_a_log_is_read_as_it_was_written(tmp_path: Path) -> None:
    logs = make(tmp_path)
    logs.open("shop", 1)
    logs.say("shop", 1, "one", stage="plan", job="db", at=7.0)
    logs.say("shop", 1, "two\x1b[2J", document={"a": 1})
    logs.end("shop", 1)
    assert list(logs.follow("shop", 1)) == [
        LogLine(1, 7.0, "one", "plan", "db"),
        LogLine(2, 5.0, "two\x1b[2J", document={"a": 1}),
    ]
    assert b"\x1b" not in path_of(tmp_path).read_bytes()
    assert [line.number for line in logs.follow("shop", 1, after=1)] == [2]
    assert logs.last("shop", 1) == LogLine(2, 5.0, "two\x1b[2J", document={"a": 1})


def test_followers_have_every_line_once_however_late_they_come(tmp_path: Path) -> None:
    logs = make(tmp_path)
    logs.open("shop", 1)
    started = threading.Barrier(17)

    def follow(number: int) -> list[str]:
        started.wait()
        return [line.text for line in logs.follow("shop", 1, after=number % 3)]

    with ThreadPoolExecutor(20) as pool:
        early = [pool.submit(follow, number) for number in range(16)]
        started.wait()
        for number in range(200):
            logs.say("shop", 1, str(number))
        late = pool.submit(lambda: [line.text for line in logs.follow("shop", 1)])
        logs.say("shop", 1, "end")
        logs.end("shop", 1)
        said = [*map(str, range(200)), "end"]
        for number, each in enumerate(early):
            assert each.result() == said[number % 3 :]
        assert late.result() == said


def test_what_was_followed_by_nobody_is_there_for_later(tmp_path: Path) -> None:
    assert list(make(tmp_path).follow("shop", 1)) == []
    logs = make(tmp_path)
    logs.open("shop", 1)
    logs.say("shop", 1, "one")
    assert not logs.is_live("shop", 2)
    logs.end("shop", 1)
    logs.end("shop", 1)
    assert [line.text for line in make(tmp_path).follow("shop", 1)] == ["one"]


@pytest.mark.parametrize("cut", [b"{", b'{"at":1.0,"text":"thr', b'{"at":1.0,"text":"three"}'])
def test_a_line_that_a_crash_cut_off_is_dropped_and_written_over(
    tmp_path: Path, cut: bytes
) -> None:
    logs = make(tmp_path)
    logs.open("shop", 1)
    logs.say("shop", 1, "one")
    logs.say("shop", 1, "two")
    with path_of(tmp_path).open("ab") as file:
        file.write(cut)

    again = make(tmp_path)
    assert [line.text for line in again.follow("shop", 1)] == ["one", "two"]
    again.open("shop", 1)
    again.say("shop", 1, "four")
    again.end("shop", 1)
    assert [(line.number, line.text) for line in again.follow("shop", 1)] == [
        (1, "one"), (2, "two"), (3, "four"),
    ]  # fmt: skip


@pytest.mark.parametrize("damage", [b"{", b"[]", b"null", b"\xff", b'{"text":1}', b'{"at":"x"}'])
def test_a_damaged_line_says_so_and_takes_no_other_with_it(tmp_path: Path, damage: bytes) -> None:
    logs = make(tmp_path)
    path_of(tmp_path).write_bytes(b'{"at":1,"text":"a"}\n' + damage + b'\n{"at":1,"text":"b"}\n')
    assert [line.text for line in logs.follow("shop", 1)] == ["a", DAMAGED, "b"]


def test_a_full_log_says_so_once_and_still_has_room_for_the_verdict(tmp_path: Path) -> None:
    logs = make(tmp_path, most=4000)
    logs.open("shop", 1)
    for number in range(500):
        logs.say("shop", 1, f"line {number}")
    logs.say("shop", 1, "deployed", document={"jobs": ["x" * 100]}, last=True)
    logs.end("shop", 1)
    said = list(logs.follow("shop", 1))
    assert [line.text for line in said].count(FULL) == 1
    assert (said[-2].text, said[-1].text) == (FULL, "deployed")
    assert said[-1].document is not None
    assert path_of(tmp_path).stat().st_size <= 4000
    # Also after a restart, when it is gone on with.
    again = make(tmp_path, most=4000)
    again.open("shop", 1)
    again.say("shop", 1, "more")
    again.end("shop", 1)
    assert len(list(again.follow("shop", 1))) == len(said)


def test_a_document_that_is_too_large_is_left_out_and_the_verdict_is_not(tmp_path: Path) -> None:
    logs = make(tmp_path, most=4000)
    logs.open("shop", 1)
    logs.say("shop", 1, "deployed", document={"x": "y" * 5000}, last=True)
    logs.end("shop", 1)
    (line,) = logs.follow("shop", 1)
    assert (line.text, line.document) == ("deployed", None)


def test_a_full_disk_loses_lines_and_nothing_else(tmp_path: Path) -> None:
    class Full(Logs):
        full = False

        def _append(self, path: Path, data: bytes, size: int) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            super()._append(path, data, size)

    records = Records(tmp_path)
    records.add(Deployment(0, "shop", "a" * 40, None, "alice", ""))
    logs = Full(records, most=4000)
    logs.open("shop", 1)
    logs.say("shop", 1, "one")
    logs.full = True
    logs.say("shop", 1, "two")
    logs.full = False
    logs.say("shop", 1, "three")
    logs.end("shop", 1)
    assert [(line.number, line.text) for line in logs.follow("shop", 1)] == [
        (1, "one"),
        (2, "three"),
    ]


def test_long_logs_are_read_in_pieces(tmp_path: Path) -> None:
    logs = make(tmp_path, most=64 << 20)
    logs.open("shop", 1)
    texts = [str(number) * 1000 for number in range(300)] + ["x" * (2 * CHUNK), "end"]
    for text in texts:
        logs.say("shop", 1, text)
    lines, place = read(path_of(tmp_path), Place())
    assert 0 < len(lines) < len(texts)
    more, _ = read(path_of(tmp_path), place)
    assert more[0].number == lines[-1].number + 1
    logs.end("shop", 1)
    assert [line.text for line in logs.follow("shop", 1)] == texts


def test_waiting_ends_with_news_with_the_end_or_with_time(tmp_path: Path) -> None:
    logs = make(tmp_path)
    logs.open("shop", 1)
    logs.wait("shop", 1, 0, 0.01)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(logs.wait, "shop", 1, 0, 60)
        logs.say("shop", 1, "news")
        waits.result()
        waits = pool.submit(logs.wait, "shop", 1, 1, 60)
        logs.end("shop", 1)
        waits.result()
    logs.wait("shop", 1, 1, 60)
