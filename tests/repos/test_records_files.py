"""Records of deployments: durable, numbered without gaps, and never half believed."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import AbsentError
from toolkit.repos.records import NOBODY_KNOWS, Records, decode, encode
from toolkit.spec.deployment import Deployment

A, B = "a" * 40, "b" * 40


def record(commit: str = A, repo: str = "shop", **more: Any) -> Deployment:
    return Deployment(
        id=0, repo=repo, commit=commit, before=None, pusher="alice", accessor="1", **more
    )


class Full(Records):
    """A disk without room."""

    full = False

    def _put(self, path: Path, data: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super()._put(path, data)


def test_numbers_count_from_one_in_each_repository_and_over_restarts(tmp_path: Path) -> None:
    records = Records(tmp_path)
    assert [records.add(record()).id, records.add(record()).id] == [1, 2]
    assert records.add(record(repo="other")).id == 1

    again = Records(tmp_path)
    assert again.add(record(B)).id == 3
    assert [each.id for each in again.all("shop")] == [1, 2, 3]
    assert again.get("shop", 3).commit == B


def test_many_at_once_get_numbers_without_gaps(tmp_path: Path) -> None:
    records = Records(tmp_path)

    def work() -> None:
        for _ in range(5):
            records.adopt(records.intend(record()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.id for each in Records(tmp_path).all("shop")] == list(range(1, 41))
    assert not list((tmp_path / "pending").iterdir())


def test_what_is_not_there_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(AbsentError, match="repository shop has no deployment 7") as caught:
        Records(tmp_path).get("shop", 7)
    assert caught.value.hint == "toolkit repo show shop lists its deployments"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"repo": "shop"}',
        encode(record()).replace(b'"waiting"', b'"won"'),
        encode(record()).replace(b'"push"', b'"pull"'),
        encode(record()).replace(A.encode(), b"--output=x"),
        encode(record()).replace(b'"alice"', b"17"),
        encode(record())[:-30],
    ],
)
def test_a_damaged_record_is_kept_aside_and_leaves_no_gap(tmp_path: Path, damage: bytes) -> None:
    records = Records(tmp_path)
    for _ in range(3):
        records.add(record())
    path = tmp_path / "deployments" / "shop" / "2.json"
    path.write_bytes(damage)

    again = Records(tmp_path)
    assert [each.id for each in again.all("shop")] == [1, 2, 3]
    two = again.get("shop", 2)
    assert (two.state, two.commit, two.is_final) == ("unknown", NOBODY_KNOWS, True)
    assert two.sentence == "its record was damaged, and is kept as 2.json.broken"
    assert path.with_name("2.json.broken").read_bytes() == damage
    assert Records(tmp_path).all("shop") == again.all("shop")


def test_a_record_says_all_of_itself_in_its_file(tmp_path: Path) -> None:
    records = Records(tmp_path)
    made = records.add(record(kind="rollback", of=4, state="reverted", sentence="é\x1b[2J"))
    data = (tmp_path / "deployments" / "shop" / "1.json").read_bytes()
    assert b"\x1b" not in data
    assert decode(data) == made
    assert json.loads(data)["state"] == "reverted"
    assert (tmp_path / "deployments").stat().st_mode & 0o077 == 0


def test_a_file_of_a_later_version_is_read(tmp_path: Path) -> None:
    said = {**json.loads(encode(record())), "colour": "red"}
    assert decode(json.dumps(said).encode()) == record()


def test_an_intent_becomes_the_record_by_its_name_alone(tmp_path: Path) -> None:
    records = Full(tmp_path)
    intent = records.intend(record(B, digest="d"))
    (found,) = records.intents()
    assert (found.name, found.record.commit, found.record.id) == (intent, B, 0)

    # The ref has moved: from here on the disk may be full.
    records.full = True
    assert records.adopt(intent).id == 1
    assert Records(tmp_path).get("shop", 1) == replace(record(B, digest="d"), id=1)
    assert records.intents() == ()
    with pytest.raises(AbsentError):
        records.adopt(intent)


def test_a_full_disk_refuses_an_intent_and_a_new_record_and_leaves_nothing(tmp_path: Path) -> None:
    records = Full(tmp_path)
    records.add(record())
    records.full = True
    with pytest.raises(OSError, match="No space"):
        records.intend(record())
    with pytest.raises(OSError, match="No space"):
        records.add(record())
    assert [each.id for each in records.all("shop")] == [1]
    assert records.intents() == ()
    # What has happened is known all the same, if only until the end of the process.
    assert not records.settle(replace(records.get("shop", 1), state="deployed"))
    assert records.get("shop", 1).state == "deployed"
    assert Records(tmp_path).get("shop", 1).state == "waiting"


def test_half_an_intent_was_never_one(tmp_path: Path) -> None:
    records = Records(tmp_path)
    kept = records.intend(record())
    (tmp_path / "pending" / ".new-0123.json").write_bytes(b'{"repo"')
    (tmp_path / "pending" / f"{'0' * 32}.json").write_bytes(b'{"repo"')
    assert [each.name for each in records.intents()] == [kept]
    records.drop(kept)
    records.drop(kept)
    assert records.intents() == ()


@pytest.mark.parametrize("name", ["", "../../registry/shop", "a" * 31, "A" * 32, "a" * 32 + "\n"])
def test_an_intent_s_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(AbsentError):
        Records(tmp_path).adopt(name)


def test_a_deleted_repository_begins_anew(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.add(record())
    (tmp_path / "deployments" / "shop").rename(tmp_path / "gone")
    records.forget("shop")
    assert records.all("shop") == ()
    assert records.add(record()).id == 1
