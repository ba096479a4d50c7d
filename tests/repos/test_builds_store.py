"""What was built, on the disk: by digest, whole or not at all, the newest kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.errors import RefusedError
from toolkit.repos.build_store import BuildStore
from toolkit.repos.builds import Built

URL = "http://hook/shop/builds/x.tar.gz"


def key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def stored(store: BuildStore, text: str, *, used: float = 1.0, service: str = "web") -> Built:
    """A build whose archive is this text."""
    digest, size = store.take("shop", [text.encode()], most=100)
    built = Built(service, digest, url=URL, inputs=key(f"{service} {text}"), size=size, used=used)
    store.keep("shop", built, kept=2)
    return built


def names(root: Path) -> list[str]:
    folder = root / "builds" / "shop"
    return sorted(each.name for each in folder.rglob("*") if each.is_file())


def test_too_much_leaves_nothing(tmp_path: Path) -> None:
    store = BuildStore(tmp_path)
    with pytest.raises(RefusedError, match="more than 100 bytes"):
        store.take("shop", [b"x" * 60, b"x" * 41], most=100)
    assert names(tmp_path) == []
    assert store.take("shop", [b"x" * 60, b"x" * 40], most=100)[1] == 100


def test_a_source_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        BuildStore(tmp_path).take("shop", pieces(), most=100)
    assert names(tmp_path) == []


def test_what_a_kill_left_is_removed_at_the_start(tmp_path: Path) -> None:
    built = stored(BuildStore(tmp_path), "whole")
    left = tmp_path / "builds" / "shop" / ".new-0123"
    left.write_bytes(b"half")
    store = BuildStore(tmp_path)
    assert not left.exists()
    assert store.find("shop", built.inputs) == replace(built, fresh=False)


def test_an_archive_is_found_by_its_digest_and_by_nothing_else(tmp_path: Path) -> None:
    store = BuildStore(tmp_path)
    built = stored(store, "text")
    found = store.path("shop", built.digest)
    assert found is not None
    assert found == store.path("shop", built.digest.removeprefix("sha256:"))
    assert found.read_text() == "text"
    for name in ("", "made", "../shop", "..", key("other"), built.digest + "\n", built.digest[:-1]):
        assert store.path("shop", name) is None


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"\xff", b'{"service": 1, "more": 2}'])
def test_a_damaged_record_is_built_again(tmp_path: Path, damage: bytes) -> None:
    store = BuildStore(tmp_path)
    built = stored(store, "text")
    (tmp_path / "builds" / "shop" / "made" / f"{built.inputs}.json").write_bytes(damage)
    assert store.find("shop", built.inputs) is None


def test_a_record_without_its_archive_is_built_again(tmp_path: Path) -> None:
    store = BuildStore(tmp_path)
    built = stored(store, "text")
    found = store.path("shop", built.digest)
    assert found is not None
    found.unlink()
    assert store.find("shop", built.inputs) is None


def test_the_newest_of_each_service_are_kept(tmp_path: Path) -> None:
    store = BuildStore(tmp_path)
    old = stored(store, "one", used=1)
    other = stored(store, "one", used=0, service="worker")
    kept = [stored(store, text, used=used) for text, used in (("two", 2), ("three", 3))]
    assert store.find("shop", old.inputs) is None
    assert [each.digest for each in store.all("shop")] == [
        kept[1].digest, kept[0].digest, other.digest,
    ]  # fmt: skip
    # Another service came to the same bytes, and still needs them.
    assert store.path("shop", old.digest) is not None
    assert store.all("web") == ()


def test_what_is_not_what_was_expected_leaves_nothing(tmp_path: Path) -> None:
    store = BuildStore(tmp_path)
    with pytest.raises(RefusedError, match="came over damaged"):
        store.take("shop", [b"text"], most=100, expected="sha256:" + key("another text"))
    assert names(tmp_path) == []
    assert store.take("shop", [b"text"], most=100, expected="sha256:" + key("text"))[1] == 4


def test_what_nobody_remembers_is_removed_at_the_start(tmp_path: Path) -> None:
    store = BuildStore(tmp_path)
    built = stored(store, "remembered")
    lost, _ = store.take("shop", [b"taken, then the server was killed"], most=100)
    after = BuildStore(tmp_path)
    assert after.path("shop", lost) is None
    assert after.find("shop", built.inputs) is not None


def test_what_is_asked_for_again_is_new_again(tmp_path: Path) -> None:
    store = BuildStore(tmp_path)
    first, second = (stored(store, text, used=used) for text, used in (("one", 1), ("two", 2)))
    store.keep("shop", replace(first, used=3.0), kept=2)
    stored(store, "three", used=4)
    assert store.find("shop", first.inputs) is not None
    assert store.find("shop", second.inputs) is None
