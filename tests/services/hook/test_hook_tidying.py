"""What the server does now and then: old trash goes, repositories are packed, failures are told."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

from hook.tidying import EVERY, tidy

from toolkit.errors import UnavailableError
from toolkit.repos.registry import Registry
from toolkit.serving.log import Log
from toolkit.spec.repo import Repo


def rounds(count: int, waited: list[float]) -> Callable[[float], bool]:
    """A server that ends after so many rounds."""

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return waited.count(EVERY) > count

    return wait


def test_what_is_old_goes_and_what_is_not_stays(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    registry = Registry(tmp_path, now=lambda: clock[0])
    for name, seconds in (("old", 0.0), ("new", 50.0)):
        registry.create(name, creator="x")
        clock[0] += seconds
        registry.delete(name)
    said = io.StringIO()
    clock[0] += 60.0
    tidy(registry, Log(said), keep=100.0, wait=rounds(0, []), now=lambda: clock[0])
    assert [each.name for each in registry.deleted()] == ["new"]
    (line,) = map(json.loads, said.getvalue().splitlines())
    assert line["event"] == "forgotten"
    assert line["what"].startswith("repo-old-")


class Stubborn(Registry):
    """A disk that fails for one repository."""

    packed: tuple[str, ...] = ()

    def collect(self, repo: Repo) -> None:
        if repo.name == "bad":
            raise UnavailableError("no room")
        self.packed += (repo.name,)

    def empty_trash(self, before: float) -> tuple[str, ...]:
        raise OSError(28, "No space left on device")


def test_a_failure_is_told_and_stops_nothing_else(tmp_path: Path) -> None:
    registry = Stubborn(tmp_path)
    for name in ("bad", "good"):
        registry.create(name, creator="x")
    said, waited = io.StringIO(), list[float]()
    tidy(registry, Log(said), keep=1.0, wait=rounds(2, waited))
    assert registry.packed == ("good", "good")
    whys = [json.loads(line)["why"] for line in said.getvalue().splitlines()]
    assert whys == ["[Errno 28] No space left on device", "no room"] * 2 + [whys[0]]
    assert waited == [EVERY, 0.0, 0.0, EVERY, 0.0, 0.0, EVERY]
