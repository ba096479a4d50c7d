"""What is said of a rehearsal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.filled import REHEARSAL
from toolkit.errors import ExitCode
from toolkit.spec.rehearsal import RehearsalWord
from toolkit.views.cluster import rehearse as view
from toolkit.workflows.cluster.rehearse.talk import places_of, read_access, read_health


def test_machines_come_first_and_the_sentence_last() -> None:
    assert view.lines(REHEARSAL) == [
        "machine   role    zone        address     power  Nomad",
        "worker-1  worker  eu-west-1a  10.40.0.33  off    down",
        "log       worker-1 said last: x",
        "servers   Consul: server-1 does not answer for itself",
        "balancer  frontend-1 10.40.0.32:80 gets requests",
        "trust     the first of 1 to end is server/tls/nomad, on 2027-11-23",
        "memory    0 MiB in all machines together",
        "note      consul 1.22.6 runs here",
        "unwell    worker-1 is off",
        "next      toolkit cluster rehearse up prod",
    ]


def test_of_one_that_is_not_there_only_that_is_said() -> None:
    report = replace(
        REHEARSAL, word="not running", sentence="there is none", machines=(), targets=(),
        certificates=(), reasons=(), memory=None, notes=(), next=(),
    )  # fmt: skip
    assert view.lines(report) == ["not running  there is none"]
    assert view.document(report)["memory"] is None


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("up", ExitCode.OK), ("grown", ExitCode.OK), ("already up", ExitCode.OK),
        ("well", ExitCode.OK), ("down", ExitCode.OK), ("unwell", ExitCode.FAILED),
        ("not running", ExitCode.FAILED),
    ],
)  # fmt: skip
def test_every_word_has_its_code(word: RehearsalWord, code: ExitCode) -> None:
    assert replace(REHEARSAL, word=word).code == code


def test_what_others_wrote_half_is_as_if_they_had_not(tmp_path: Path) -> None:
    from toolkit.config.project import load_project
    from toolkit.config.tree import FolderTree

    (tmp_path / "toolkit.toml").write_text("")
    places = places_of(load_project(FolderTree(tmp_path), tmp_path), "prod")
    places.folder.mkdir(parents=True)
    assert (read_access(places), read_health(places)) == (None, {})
    for text in ("", "{", "[]", "null", "1"):
        places.access.write_text(text)
        places.health.write_text(text)
        assert (read_access(places), read_health(places)) == (None, {})
