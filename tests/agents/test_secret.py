"""`toolkit secret` on a real Nomad: nothing is lost, nothing is shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.yard import SCRIPT, Yard
from tests.faults.proxy import FaultProxy, Rule
from toolkit.clients.nomad import Nomad
from toolkit.errors import (
    ConfigError,
    ConflictError,
    ExitCode,
    NeedsAnswerError,
    RefusedError,
    ToolkitError,
    UnreachableError,
)
from toolkit.spec.target import Secret
from toolkit.workflows.secret import TRIES, delete_secret, list_secrets, read, set_secret

pytestmark = pytest.mark.agents

VALUE = Secret("correct horse battery staple")


@pytest.fixture
def yard(cluster: LocalCluster, tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(cluster, tmp_path)
    yield yard
    yard.close()


@pytest.fixture
def job(yard: Yard) -> str:
    name = yard.name()
    hcl = SCRIPT.replace("NAME", name).replace("COUNT", "1").replace("BODY", "sleep 600")
    yard.write(name, hcl, '[secrets]\nkeys = ["db_password", "api_key"]\n')
    return name


class Racing(Nomad):
    """A client that somebody else is always faster than, as often as `races` says."""

    races = 0

    def put_variable(
        self, path: str, items: dict[str, str], *, check_index: int | None = None
    ) -> dict[str, Any]:
        if self.races:
            self.races -= 1
            there = (self.variable(path) or {}).get("Items") or {}
            super().put_variable(path, {**there, f"other_{self.races}": "theirs"})
        return super().put_variable(path, items, check_index=check_index)


@pytest.mark.parametrize("key", ["", "1st", "with-dash", "a b", "a.b", "schlüssel", "a\n", "A=B"])
def test_a_key_that_no_template_could_name(yard: Yard, job: str, key: str) -> None:
    with pytest.raises(RefusedError) as error:
        set_secret(yard.session(), job, key, VALUE)
    assert VALUE.reveal() not in str(error.value)
    assert read(yard.session(), job) == ({}, 0)


def test_an_empty_value(yard: Yard, job: str) -> None:
    with pytest.raises(RefusedError, match="empty"):
        set_secret(yard.session(), job, "db_password", Secret(""))


def test_a_job_that_nobody_knows(yard: Yard) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        set_secret(yard.session(), "nowhere", "db_password", VALUE)


def test_deleting_what_is_not_set_names_what_is(yard: Yard, job: str) -> None:
    session = yard.session()
    with pytest.raises(RefusedError) as nothing:
        delete_secret(session, job, "db_password")
    assert nothing.value.hint == "no key is set"
    set_secret(session, job, "api_key", VALUE)
    with pytest.raises(RefusedError) as other:
        delete_secret(session, job, "db_password")
    assert other.value.hint == "set are: api_key"


def test_a_protected_environment_asks_before_anything_is_written(yard: Yard, job: str) -> None:
    session = yard.session(protected=True)
    with pytest.raises(NeedsAnswerError):
        set_secret(session, job, "db_password", VALUE)
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(RefusedError, match="not confirmed"):
        set_secret(session, job, "db_password", VALUE, confirm=no)
    assert "db_password" in asked[0] and session.target.nomad.address in asked[0]
    assert VALUE.reveal() not in asked[0]
    assert read(session, job)[0] == {}
    set_secret(session, job, "db_password", VALUE, confirm=lambda _: True)
    assert read(session, job)[0] == {"db_password": VALUE.reveal()}


def test_a_faster_writer_loses_nothing(yard: Yard, job: str) -> None:
    nomad = Racing(yard.cluster.target().nomad)
    nomad.races = 3
    report = set_secret(yard.session(nomad=nomad), job, "db_password", VALUE)
    assert set(report.keys) == {"db_password", "other_0", "other_1", "other_2"}
    assert set(read(yard.session(), job)[0]) == set(report.keys)


def test_a_writer_that_is_always_faster_ends_it_and_nothing_is_written(
    yard: Yard, job: str
) -> None:
    nomad = Racing(yard.cluster.target().nomad, sleep=lambda _: None)
    nomad.races = TRIES
    with pytest.raises(ConflictError) as error:
        set_secret(yard.session(nomad=nomad), job, "db_password", VALUE)
    assert VALUE.reveal() not in str(error.value)
    assert set(read(yard.session(), job)[0]) == {f"other_{n}" for n in range(TRIES)}


def test_many_writers_at_once_lose_nothing(yard: Yard, job: str) -> None:
    keys = [f"key_{number}" for number in range(4)]
    errors: list[ToolkitError] = []

    def write(key: str) -> None:
        try:
            set_secret(yard.session(), job, key, Secret(f"value of {key}"))
        except ToolkitError as exc:
            errors.append(exc)

    threads = [threading.Thread(target=write, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert read(yard.session(), job)[0] == {key: f"value of {key}" for key in keys}


def test_a_lost_reply_is_found_to_have_been_written(yard: Yard, job: str) -> None:
    with FaultProxy(yard.cluster.nomad_address) as proxy:
        proxy.add(Rule("lose", method="PUT", path="/v1/var/", times=1))
        report = set_secret(yard.through(proxy.address), job, "db_password", VALUE)
        assert proxy.count("PUT", "/v1/var/") == 1
    assert report.keys == ("db_password",)


def test_replies_that_are_always_lost_are_unknown_only_while_nothing_can_be_read(
    yard: Yard, job: str
) -> None:
    with FaultProxy(yard.cluster.nomad_address) as proxy:
        proxy.add(Rule("pass", method="GET", path="/v1/var/", times=1))
        proxy.add(Rule("lose", method="PUT", path="/v1/var/"))
        proxy.add(Rule("drop", method="GET", path="/v1/var/"))
        with pytest.raises(UnreachableError) as error:
            set_secret(yard.through(proxy.address), job, "db_password", VALUE)
    assert VALUE.reveal() not in str(error.value)
    assert error.value.code is ExitCode.UNKNOWN


def test_the_value_is_in_no_report(yard: Yard, job: str) -> None:
    session = yard.session()
    for report in (
        set_secret(session, job, "db_password", VALUE),
        list_secrets(session, job),
        delete_secret(session, job, "db_password"),
    ):
        assert VALUE.reveal() not in repr(report)


def test_set_list_delete(yard: Yard, job: str) -> None:
    session = yard.session()
    empty = list_secrets(session, job)
    assert (empty.keys, empty.missing) == ((), ("db_password", "api_key"))
    first = set_secret(session, job, "db_password", VALUE)
    assert first.action == "set"
    assert first.path == f"nomad/jobs/{job}"
    assert first.missing == ("api_key",)
    assert any("refused" in note for note in first.notes)
    assert any("restart" in note for note in first.notes)
    set_secret(session, job, "extra", Secret("x"))
    listed = list_secrets(session, job)
    assert (listed.keys, listed.unused) == (("db_password", "extra"), ("extra",))
    # Again with another value: replaced, and the neighbour stays.
    set_secret(session, job, "db_password", Secret("second"))
    assert read(session, job)[0] == {"db_password": "second", "extra": "x"}


def test_the_variable_goes_with_its_last_key(yard: Yard, job: str) -> None:
    session = yard.session()
    set_secret(session, job, "db_password", VALUE)
    set_secret(session, job, "api_key", VALUE)
    assert delete_secret(session, job, "db_password").keys == ("api_key",)
    assert session.nomad.variable(f"nomad/jobs/{job}") is not None
    last = delete_secret(session, job, "api_key")
    assert last.keys == ()
    assert any("still names api_key" in note for note in last.notes)
    assert session.nomad.variable(f"nomad/jobs/{job}") is None


def test_the_same_value_again_writes_nothing(yard: Yard, job: str) -> None:
    session = yard.session()
    set_secret(session, job, "db_password", VALUE)
    before = read(session, job)
    set_secret(session, job, "db_password", VALUE)
    assert read(session, job) == before
