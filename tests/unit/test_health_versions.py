"""Which versions pass, and what is known to be wrong with the others."""

from __future__ import annotations

import pytest

from toolkit.rollout.health.bugs import BUGS, Bug
from toolkit.rollout.health.versions import SUPPORT, is_hit, judge, newer_clients, parse

BY_KEY = {bug.key: bug for bug in BUGS}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.11.3", (1, 11, 3, 1)),
        ("v3.7.15", (3, 7, 15, 1)),
        ("1.11.5+ent", (1, 11, 5, 1)),
        ("2.0.6-dev", (2, 0, 6, 0)),
        ("2.0.0-beta.1+ent", (2, 0, 0, 0)),
        ("3.7", (3, 7, 0, 1)),
        ("", None),
        ("dev", None),
        ("1.11.3 of somebody", None),
    ],
)
def test_a_version_is_read(text: str, number: tuple[int, ...] | None) -> None:
    assert parse(text) == number


TABLE: list[tuple[str, list[str], list[str]]] = [
    ("enforce-index", ["1.9.7", "1.10.10+ent", "1.11.3", "1.11.4+ent", "2.0.0"],
     ["1.10.11+ent", "1.11.5+ent", "2.0.1", "2.0.7", "2.1.0"]),
    ("deployment-id", ["1.9.0", "1.11.3", "2.0.4"], ["2.0.5", "2.0.5-dev", "2.1.0"]),
    ("purge-panic", ["1.11.3"], ["1.11.2", "1.11.4+ent", "2.0.0"]),
    ("system-deployments", ["1.11.0", "1.11.2"], ["1.10.5", "1.11.3", "2.0.0"]),
    ("system-deployments-old-clients", ["1.11.0", "1.11.2"], ["1.10.5", "1.11.3"]),
    ("no-system-deployments", ["1.9.0", "1.10.5"], ["1.11.0", "2.0.0"]),
    ("drained-canaries", ["1.9.8", "1.10.0"], ["1.9.9", "1.10.1", "1.11.0"]),
    ("check-sync-panic", ["1.9.0", "1.9.3"], ["1.9.4", "1.10.0"]),
    ("identity-prefix", ["1.9.7", "1.10.1"], ["1.9.10+ent", "1.10.2", "1.11.0"]),
    ("security-2.0.4", ["1.11.3", "2.0.3"], ["2.0.4", "2.0.7"]),
    ("aws-join", ["1.10.3", "1.11.3", "2.0.0"], ["1.9.7", "1.10.2", "2.0.1"]),
]  # fmt: skip


@pytest.mark.parametrize(("key", "hit", "spared"), TABLE)
def test_a_bug_is_where_it_is(key: str, hit: list[str], spared: list[str]) -> None:
    bug = BY_KEY[key]
    assert [version for version in hit if not is_hit(bug, version)] == []
    assert [version for version in spared if is_hit(bug, version)] == []


def test_every_bug_is_in_the_table_above() -> None:
    assert {key for key, _hit, _spared in TABLE} == set(BY_KEY)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.key)
def test_a_bug_says_what_to_do_when_it_hurts(bug: Bug) -> None:
    assert bool(bug.advice) == bug.hurts
    assert bug.ranges
    for first, fixed in bug.ranges:
        assert (parse(first) or (0,)) < (parse(fixed) or (0,))
    assert not bug.meaning.endswith(".")


@pytest.mark.parametrize("system", SUPPORT)
def test_the_tested_version_passes(system: str) -> None:
    check = judge("v", system, [SUPPORT[system].tested])  # type: ignore[arg-type, index]
    assert (check.word, check.advice) == ("passed", None)


@pytest.mark.parametrize(
    ("system", "old"), [("Nomad", "1.8.14"), ("Consul", "1.17.0"), ("Traefik", "3.6.9")]
)
def test_an_old_version_fails_and_says_from_where_on(system: str, old: str) -> None:
    floor = SUPPORT[system].floor.removesuffix(".0")  # type: ignore[index]
    check = judge("v", system, [old, SUPPORT[system].tested])  # type: ignore[arg-type, index]
    assert check.word == "failed"
    assert f"supported from {floor} on" in check.summary
    assert "upgrade" in (check.advice or "")


def test_a_newer_version_passes_with_a_note() -> None:
    check = judge("v", "Nomad", ["2.0.7"])
    assert check.word == "passed"
    assert check.notes == ("newer than what is tested (1.11.3)",)


def test_a_bug_that_we_guard_against_is_a_note() -> None:
    check = judge("v", "Nomad", ["1.11.3"])
    assert check.word == "passed"
    assert {note.partition(":")[0] for note in check.notes} == {
        "enforce-index", "deployment-id", "purge-panic", "security-2.0.4",
    }  # fmt: skip


def test_a_bug_that_hurts_fails_with_its_advice() -> None:
    check = judge("v", "Nomad", ["1.10.1"])
    assert check.word == "failed"
    assert "CVE-2025-4922" in check.summary
    assert check.advice == BY_KEY["identity-prefix"].advice


@pytest.mark.parametrize(("circumstances", "word"), [((), "passed"), (("system jobs",), "failed")])
def test_a_bug_of_system_jobs_only_counts_where_there_are_some(
    circumstances: tuple[str, ...], word: str
) -> None:
    assert judge("v", "Nomad", ["1.11.2"], circumstances=circumstances).word == word


def test_agents_of_different_versions_are_said() -> None:
    check = judge("v", "Consul", ["1.22.7", "1.20.1", "1.22.7"])
    assert (check.word, check.summary) == ("passed", "Consul 1.20.1, 1.22.7, supported")
    assert any("different versions" in note for note in check.notes)


@pytest.mark.parametrize("said", [[], [""], ["unversioned"]])
def test_a_version_that_is_not_told_is_not_judged(said: list[str]) -> None:
    assert judge("v", "Nomad", said).word == "could not tell"


def test_what_hides_the_version_is_said_with_what_helps() -> None:
    check = judge("v", "Nomad", [], blind="Permission denied", hint="set NOMAD_TOKEN")
    assert (check.word, check.advice) == ("could not tell", "set NOMAD_TOKEN")
    assert "Permission denied" in check.summary


def test_other_trouble_fails_with_its_advice() -> None:
    check = judge("v", "Nomad", ["1.11.3", "1.12.0"], trouble=("clients are newer", "upgrade"))
    assert (check.word, check.advice) == ("failed", "upgrade")


@pytest.mark.parametrize(
    ("servers", "clients", "newer"),
    [
        (["1.11.3"], ["1.11.3", "1.10.5"], []),
        (["1.11.3"], ["1.11.5"], []),
        (["1.10.5", "1.11.3"], ["1.11.3"], ["1.11.3"]),
        ([], ["1.11.3"], []),
    ],
)
def test_clients_newer_than_a_server(
    servers: list[str], clients: list[str], newer: list[str]
) -> None:
    assert newer_clients(servers, clients) == newer
