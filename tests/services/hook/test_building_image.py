"""A Dockerfile of a commit, built by a real engine and pushed to a real registry by digest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hook.building import Building
from hook.git.archive import make_archive
from hook.who import Who

from tests.services.engine import Engine
from tests.services.hook.hook_process import CONFIG, git
from tests.services.registry import PASSWORD, USER, Place, run_registry
from toolkit.config.hook import load_hook
from toolkit.errors import RefusedError
from toolkit.repos.builds import BuildFailedError
from toolkit.repos.registry import Registry
from toolkit.spec.hook import BuildSettings
from toolkit.spec.identity import Person
from toolkit.spec.repo import Build, Repo
from toolkit.spec.target import Secret

pytestmark = [pytest.mark.docker, pytest.mark.root]
WHO = Who(Person("a", "alice"), Secret("of nobody's business"))
BUILDS = {"web": Build("web", dockerfile="services/web/Dockerfile")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with run_registry(tmp_path_factory.mktemp("registry"), guarded=True) as running:
        yield running


@dataclass
class Yard:
    """A repository with one commit after another, and what builds it."""

    folder: Path
    settings: BuildSettings
    password: str = PASSWORD
    said: list[str] = field(default_factory=list)

    def build(self, dockerfile: str, **settings: Any) -> Any:
        """What comes of the Dockerfile, as a commit of its own; `said` afresh."""
        registry = Registry(self.folder / "data")
        repo: Repo = replace(registry.create("shop", creator="tests")[0], builds=BUILDS)
        work = self.folder / "work"
        (work / "services/web").mkdir(parents=True, exist_ok=True)
        (work / "words").write_text("hello\n")
        (work / "services/web/Dockerfile").write_text(dockerfile)
        git("init", "-q", "-b", "main", cwd=work)
        git("add", "-A", cwd=work)
        git("commit", "-q", "--allow-empty", "-m", "next", cwd=work)
        git("push", "-q", str(registry.path(repo)), "HEAD:main", cwd=work)
        commit = git("rev-parse", "HEAD", cwd=work).stdout.strip()
        config = replace(load_hook(CONFIG), builds=replace(self.settings, **settings))
        building = Building(
            self.folder / "data", config, registry, archive=make_archive,
            password=Secret(self.password), environ={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        self.said.clear()
        built = building.build_all(repo, commit, WHO, self.said.append)["web"]
        assert list((self.folder / "data" / "scratch").iterdir()) == []
        return built


@pytest.fixture
def yard(engine: Engine, place: Place, tmp_path: Path) -> Yard:
    registry = f"{place.host}/{tmp_path.name[-8:].strip('_')}"
    return Yard(tmp_path, BuildSettings(engine=engine.host, registry=registry, registry_user=USER))


GOOD = "FROM scratch\nCOPY words /words\n"


def test_without_an_engine_it_is_refused_before_anything_is_done(yard: Yard) -> None:
    with pytest.raises(RefusedError, match=r"says no \[builds\] engine"):
        yard.build(GOOD, engine="")


def test_a_dockerfile_that_does_not_build_says_its_last_lines(yard: Yard) -> None:
    with pytest.raises(BuildFailedError, match=r"the build of web failed: .*could not build") as it:
        yard.build("FROM scratch\nCOPY nothing /\n")
    assert "COPY nothing /" in it.value.message
    assert int(it.value.code) == 3


def test_a_wrong_password_is_no_image(yard: Yard) -> None:
    yard.password = "a wrong password"
    # Not DeniedError, which would be about the pusher's token.
    with pytest.raises(BuildFailedError, match=r"was not pushed|did not let") as it:
        yard.build(GOOD)
    assert int(it.value.code) == 1
    assert yard.password not in it.value.message
    assert yard.password not in "".join(yard.said)


def test_an_image_is_pushed_and_named_by_its_digest_and_not_built_again(
    yard: Yard, place: Place
) -> None:
    first = yard.build(GOOD)
    path, _, digest = first.image.partition("@")
    assert first.digest == digest
    assert path == f"{yard.settings.registry}/shop-web"
    assert first.url == ""
    assert any("building: services/web/Dockerfile" in line for line in yard.said)
    again = yard.build(GOOD)
    assert (again.image, again.fresh) == (first.image, False)
    assert yard.said == [f"web  built before from the same files: {first.image}"]
    assert yard.build(GOOD + "COPY words /more\n").image != first.image


def test_without_a_registry_it_stays_in_the_engine(yard: Yard) -> None:
    built = yard.build(GOOD, registry="", registry_user="")
    assert built.image == f"shop-web:{built.inputs[:20]}"
