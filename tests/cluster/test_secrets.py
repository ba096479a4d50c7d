"""A cluster's secrets: made once, kept before they are used, found again after any end."""

from __future__ import annotations

import base64
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster import machines
from tests.cluster.memory_store import Killed, MemoryStore
from toolkit.cluster import pki
from toolkit.cluster.bootstrap import mark_begun
from toolkit.cluster.secrets import (
    Store,
    make_secrets,
    needed_secrets,
    read_secrets,
    secrets_of,
)
from toolkit.cluster.secrets.folder import FolderStore
from toolkit.errors import RefusedError, TakenError, ToolkitError
from toolkit.spec.target import Secret

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CLUSTER = machines.cluster()
NAMES = tuple(each.name for each in needed_secrets(CLUSTER))


def values(store: MemoryStore) -> dict[str, str]:
    return {name: secret.reveal() for name, secret in store.values.items()}


def test_all_are_made_and_read(tmp_path: Path) -> None:
    store: Store = FolderStore(tmp_path / "store")
    made = make_secrets(store, CLUSTER, NOW)
    assert made.made == NAMES and made.kept == ()
    assert set(read_secrets(store, CLUSTER)) == set(NAMES) == set(store.names())


def test_each_has_the_form_that_the_agents_take() -> None:
    store = MemoryStore()
    make_secrets(store, CLUSTER, NOW)
    for each in needed_secrets(CLUSTER):
        text = store.values[each.name].reveal()
        if each.kind == "gossip":
            assert len(base64.b64decode(text, validate=True)) == 32
        elif each.kind == "token":
            assert str(uuid.UUID(text)) == text
        # What a standard parameter holds.
        assert len(text) <= 4096


def test_no_two_are_the_same_but_those_that_have_to_be() -> None:
    store = MemoryStore()
    make_secrets(store, CLUSTER, NOW)
    own = [each for each in needed_secrets(CLUSTER) if each.kind != "same"]
    assert len({store.values[each.name].reveal() for each in own}) == len(own)
    for each in needed_secrets(CLUSTER):
        if each.kind == "same":
            assert store.values[each.name].reveal() == store.values[each.source].reveal()


def test_a_second_run_changes_nothing() -> None:
    store = MemoryStore()
    make_secrets(store, CLUSTER, NOW)
    before, store.writes = values(store), []
    again = make_secrets(store, CLUSTER, NOW)
    assert (again.made, again.kept) == ((), NAMES)
    assert values(store) == before and store.writes == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(len(NAMES)))
def test_a_run_that_was_killed_at_any_write_goes_on(at: int, after: bool) -> None:
    store = MemoryStore(at, after)
    with pytest.raises(Killed):
        make_secrets(store, CLUSTER, NOW)
    before = values(store)
    again = store.copy()
    make_secrets(again, CLUSTER, NOW)
    assert set(values(again)) == set(NAMES)
    # What was kept may have been used.
    assert {name: values(again)[name] for name in before} == before
    signer = again.values["ca/cert"].reveal()
    for name in ("server/tls/consul", "server/tls/nomad", "worker/tls/nomad"):
        assert pki.is_signed_by(signer, again.values[name].reveal(), NOW)
    assert values(again)["worker/gossip/consul"] == values(again)["server/gossip/consul"]


def test_two_at_once_end_with_one_set(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    made, errors = [], []
    begin = threading.Barrier(4)

    def run() -> None:
        begin.wait()
        try:
            made.append(make_secrets(FolderStore(folder), CLUSTER, NOW))
        except ToolkitError as exc:
            errors.append(exc)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    # Each was made by one of them, and all that follows from another follows from the kept one.
    assert sorted(name for each in made for name in each.made) == sorted(NAMES)
    found = read_secrets(FolderStore(folder), CLUSTER)
    assert found["worker/gossip/consul"].reveal() == found["server/gossip/consul"].reveal()
    signer = found["ca/cert"].reveal()
    assert pki.is_signed_by(signer, found["worker/tls/nomad"].reveal(), NOW)


def test_what_is_missing_is_named() -> None:
    store = MemoryStore()
    make_secrets(store, CLUSTER, NOW)
    del store.values["server/gossip/nomad"], store.values["ca/key"]
    with pytest.raises(RefusedError, match="lacks secrets: ca/key, server/gossip/nomad"):
        read_secrets(store, CLUSTER)


def test_a_random_source_that_is_given_decides() -> None:
    store = MemoryStore()
    make_secrets(store, CLUSTER, NOW, random=lambda count: b"\x07" * count)
    assert base64.b64decode(store.values["server/gossip/nomad"].reveal()) == b"\x07" * 32


def test_machines_read_their_own_folder_and_nothing_of_the_operators() -> None:
    server, worker = secrets_of(CLUSTER, "server"), secrets_of(CLUSTER, "worker")
    assert all(name.startswith("server/") for name in server)
    assert all(name.startswith("worker/") for name in worker)
    assert secrets_of(CLUSTER, "control") == worker
    # A worker holds no certificate that makes a server, and not the key of the servers' gossip.
    assert {name for name in worker if "/tls/" in name} == {"worker/tls/ca", "worker/tls/nomad"}
    assert "worker/gossip/nomad" not in worker


def test_the_mark_of_a_begun_cluster_can_be_set_again() -> None:
    store = MemoryStore()
    mark_begun(store)
    mark_begun(store)
    assert store.writes == ["server/state/bootstrapped"]


# The folder.


def test_only_the_owner_reads_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "store"
    FolderStore(folder).put_new("server/gossip/consul", Secret("x"))
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_value_is_new_once_and_replaced_as_often_as_anybody_likes(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.put_new("a/b", Secret("one"))
    with pytest.raises(TakenError, match="there is a secret a/b already") as taken:
        store.put_new("a/b", Secret("two"))
    assert "two" not in str(taken.value)
    assert store.get("a/b") == Secret("one")
    store.replace("a/b", Secret("three"))
    assert store.get("a/b") == Secret("three")
    store.remove("a/b")
    store.remove("a/b")
    assert store.get("a/b") is None


def test_what_a_killed_write_left_is_no_secret(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.put_new("a/b", Secret("one"))
    (tmp_path / "store" / "a" / ".new-xyz").write_text("half")
    assert store.names() == ("a/b",)


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    assert store.names() == () and store.get("a/b") is None


@pytest.mark.parametrize("name", ["", "a//b", "../x", "a/../b", "/etc/passwd", "a/.hidden", "."])
def test_a_name_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    store = FolderStore(tmp_path / "store")
    for call in (store.get, store.remove, lambda each: store.put_new(each, Secret("x"))):
        with pytest.raises(RefusedError, match="is no name of a secret"):
            call(name)


def test_a_folder_that_cannot_be_written_is_said_without_the_value(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(RefusedError, match="the secret a/b cannot be kept") as refused:
        FolderStore(tmp_path / "store").put_new("a/b", Secret("canary"))
    assert "canary" not in f"{refused.value} {refused.value.hint}"


def test_no_repr_shows_a_value(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    make_secrets(store, CLUSTER, NOW)
    found = read_secrets(store, CLUSTER)
    assert found["ca/bootstrap/nomad"].reveal() not in repr(store) + repr(found)
