"""Which tags stay, over random histories of a job whose Nomad copies them as a real one does."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from toolkit.errors import ConflictError, NotFoundError
from toolkit.rollout.provenance import KEPT, begun, own, tagged
from toolkit.rollout.provenance_tags import MOST, tidy, write
from toolkit.rollout.world import World
from toolkit.spec.provenance import Origin

FOREIGN = ("by hand", '{"version":3}', "", '{"toolkit":7,"version":1}')


class Kept:
    """A job's versions: tags, copies and what is forgotten as Nomad 1.11 has them."""

    def __init__(self) -> None:
        self.held: list[dict[str, Any]] = []
        self.calls = 0

    @property
    def world(self) -> World:
        return cast(World, SimpleNamespace(nomad=self))

    def register(self, copy: int | None = None) -> int:
        """A new version; as Nomad makes one by itself, a copy of another with its tag."""
        number = self.held[0]["Version"] + 1 if self.held else 0
        source = next((each for each in self.held if each["Version"] == copy), None)
        tag = None if source is None else source["VersionTag"]
        self.held.insert(0, {"Version": number, "Meta": {"release": "1"}, "VersionTag": tag})
        self._forget()
        return number

    def _forget(self) -> None:
        bare = [each for each in self.held if each["VersionTag"] is None]
        if len(bare) > 6:
            self.held.remove(bare[6])

    # What the stage calls.

    def versions(self, _: str) -> list[dict[str, Any]]:
        self.calls += 1
        return [dict(each) for each in self.held]

    def tag_version(self, _: str, name: str, version: int, description: str) -> None:
        self.calls += 1
        for each in self.held:
            if (each["VersionTag"] or {}).get("Name") == name and each["Version"] != version:
                raise ConflictError("already exists on a different version", system="Nomad")
        for each in self.held:
            if each["Version"] == version:
                each["VersionTag"] = {"Name": name, "Description": description}
                return
        raise NotFoundError("version not found", system="Nomad")

    def untag_version(self, _: str, name: str) -> None:
        self.calls += 1
        for each in self.held:
            if (each["VersionTag"] or {}).get("Name") == name:
                each["VersionTag"] = None
                self._forget()
                return
        raise NotFoundError("tag not found", system="Nomad")


def deploy(kept: Kept) -> int:
    number = kept.register()
    write(kept.world, "web", begun(Origin(tool="0.1.0"), "1", number, 1.0))
    return number


def by_version(kept: Kept) -> dict[int, dict[str, Any]]:
    return {each["Version"]: each for each in kept.held}


@pytest.mark.parametrize("seed", range(60))
def test_what_stays_after_any_history(seed: int) -> None:
    dice = random.Random(seed)
    kept, foreign, verified = Kept(), set[int](), 0
    deploy(kept)
    for _ in range(dice.randrange(5, 90)):
        match dice.randrange(6):
            case 0 | 1:
                verified = deploy(kept) if dice.random() < 0.5 else (deploy(kept), verified)[1]
            case 2:
                kept.register(copy=kept.held[0]["Version"])  # scaled or stopped
            case 3:
                kept.register(copy=dice.choice(kept.held)["Version"])  # taken back
            case 4:
                number = kept.register()
                kept.tag_version("web", f"theirs-{number}", number, dice.choice(FOREIGN))
                foreign.add(number)
            case _:
                kept.register()
        if dice.random() < 0.3:
            # The verdict comes, whatever Nomad has made of the version meanwhile.
            ours = [each for each in kept.held if own(each)]
            about = own(dice.choice(ours)) if ours else None
            if about is not None:
                write(kept.world, "web", about)
                assert own(by_version(kept)[about.version]) == about
    live = kept.held[0]["Version"]
    before = by_version(kept)
    tidy(kept.world, "web", kept.versions("web"), {verified})

    after = by_version(kept)
    assert foreign <= set(after)
    for number in foreign:
        assert after[number]["VersionTag"]["Name"] == f"theirs-{number}"
    for number in {verified, live} & set(before):
        assert bool(after[number]["VersionTag"]) == bool(before[number]["VersionTag"])
    stay = [number for number, each in after.items() if tagged(each)]
    assert len(stay) <= KEPT + 2
    assert all(own(after[number]) for number in stay), "a copy of ours is left"
    names = [each["VersionTag"]["Name"] for each in kept.held if each["VersionTag"]]
    assert len({*names}) == len(names) or foreign
    newest = sorted((n for n, each in before.items() if own(each)), reverse=True)
    assert set(newest[: KEPT - 2]) <= set(stay)
    calls = kept.calls
    tidy(kept.world, "web", kept.versions("web"), {verified})
    assert kept.calls == calls + 1, "there was something left to do"


def test_an_autoscaler_that_made_many_copies_is_tidied_up_in_turns() -> None:
    kept = Kept()
    deploy(kept)
    for _ in range(2 * MOST):
        kept.register(copy=kept.held[0]["Version"])
    deploy(kept)
    calls = kept.calls
    tidy(kept.world, "web", kept.versions("web"), {0})
    assert kept.calls <= calls + 1 + MOST
    for _ in range(3):
        tidy(kept.world, "web", kept.versions("web"), {0})
    assert [n for n, each in by_version(kept).items() if each["VersionTag"]] == [2 * MOST + 1, 0]
    assert own(by_version(kept)[0]) is not None


def test_a_version_that_is_gone_is_said() -> None:
    kept = Kept()
    deploy(kept)
    with pytest.raises(NotFoundError):
        write(kept.world, "web", begun(Origin(tool="0.1.0"), "1", 9, 1.0))
