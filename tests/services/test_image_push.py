"""`toolkit image` with a real engine and a real registry: refusals first, then what is there."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.engine import Engine
from tests.services.image_project import JOB, ImageProject
from tests.services.registry import PASSWORD, USER, Place, run_registry, wire_to
from tests.services.running import closed_port

pytestmark = [pytest.mark.docker, pytest.mark.root]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with run_registry(tmp_path_factory.mktemp("registry")) as place:
        yield place


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with run_registry(tmp_path_factory.mktemp("guarded"), guarded=True) as place:
        yield place


@pytest.fixture
def project(engine: Engine, registry: Place, tmp_path: Path) -> ImageProject:
    made = ImageProject(tmp_path, {"DOCKER_HOST": engine.host})
    # A repository of the test's own: what one pushes no other finds.
    made.write(f"{registry.host}/{_own(tmp_path)}")
    return made


def _own(folder: Path) -> str:
    return "t" + hashlib.sha256(str(folder).encode()).hexdigest()[:12]


# --- no engine ---------------------------------------------------------------------------------


def test_no_tool_and_no_engine_say_which_of_the_two_is_missing(
    project: ImageProject, tmp_path: Path
) -> None:
    error = project.refused("image", "build", "words", PATH=str(tmp_path))
    assert "there is no program docker" in error["message"]
    error = project.refused("image", "build", "words", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert error["kind"] == "UnreachableError"
    assert "the Docker engine cannot be used: Cannot connect" in error["message"]
    assert "DOCKER_HOST" in error["hint"]


# --- builds that must fail ---------------------------------------------------------------------


def test_no_dockerfile(project: ImageProject) -> None:
    (project.service / "Dockerfile").unlink()
    error = project.refused("image", "build", "words")
    assert error["message"] == "there is no Dockerfile at services/words/Dockerfile"
    assert "jobs/words/job.toml" in error["hint"]


@pytest.mark.parametrize(
    ("dockerfile", "said"),
    [
        ("FRM scratch\n", "unknown instruction: FRM"),
        ("FROM scratch\nCOPY nothing /\n", "file not found in build context"),
        ('FROM scratch\nCOPY words /\nRUN ["/words"]\n', "/words"),
    ],
)
def test_a_build_that_the_engine_refuses_shows_its_last_lines(
    project: ImageProject, dockerfile: str, said: str
) -> None:
    project.put("Dockerfile", dockerfile)
    error = project.refused("image", "build", "words")
    first, *rest = error["message"].splitlines()
    assert first == "Docker could not build words:1.0.0:"
    assert said in "\n".join(rest)
    assert "DEPRECATED" not in error["message"]
    assert len(rest) <= 12


def test_a_command_that_fails_is_shown_and_nothing_is_built(project: ImageProject) -> None:
    command = '["sh", "-c", "echo $JOB $RELEASE ${NOMAD_TOKEN-none}; exit 3"]'
    project.write("127.0.0.1:5000", job=f"{JOB}\n[image]\ncommand = {command}\n")
    error = project.refused("image", "build", "words", NOMAD_TOKEN="hidden")
    assert "exit 3\n  words 1.0.0 none" in error["message"]


def test_a_build_that_takes_too_long_is_ended(project: ImageProject) -> None:
    job = f'{JOB}\n[image]\ncommand = ["sleep", "600"]\ntimeout = "1s"\n'
    project.write("127.0.0.1:5000", job=job)
    assert "not done after 1 s" in project.refused("image", "build", "words")["message"]


# --- pushes that must fail ---------------------------------------------------------------------


def test_nothing_was_built(project: ImageProject) -> None:
    error = project.refused("image", "push", "words", "-e", "shop", "--release", "7")
    assert "the engine has no image 127.0.0.1:" in error["message"]
    assert error["hint"] == "toolkit image build words --release 7 -e shop"


def test_an_environment_without_a_registry(project: ImageProject) -> None:
    error = project.refused("image", "push", "words")
    assert "environment open has no registry to push to" in error["message"]


def test_a_registry_that_is_not_there(project: ImageProject) -> None:
    host = closed_port()
    project.write(host)
    project.done("image", "build", "words", "-e", "shop")
    error = project.refused("image", "push", "words", "-e", "shop")
    assert error["message"].startswith(f"the registry {host} does not answer")


def test_a_registry_that_lets_nobody_in(project: ImageProject, guarded: Place) -> None:
    project.write(guarded.host)
    project.done("image", "build", "words", "-e", "shop")
    error = project.refused("image", "push", "words", "-e", "shop")
    assert error["kind"] == "DeniedError"
    assert "registry_user" in error["hint"]
    project.write(guarded.host, more=f'registry_user = "{USER}"\n')
    wrong = "not the password"
    error = project.refused("image", "push", "words", "-e", "shop", TOOLKIT_REGISTRY_PASSWORD=wrong)
    assert error["kind"] == "DeniedError"
    assert wrong not in json.dumps(error)


def test_a_release_that_is_another_image_there_is_not_moved(
    project: ImageProject, registry: Place, tmp_path: Path
) -> None:
    project.done("image", "build", "words", "-e", "shop")
    first = project.done("image", "push", "words", "-e", "shop")
    project.put("words", "something else\n")
    project.done("image", "build", "words", "-e", "shop")
    error = project.refused("image", "push", "words", "-e", "shop")
    assert error["kind"] == "ConflictError"
    assert "another image at the registry already" in error["message"]
    assert registry.digest(f"{_own(tmp_path)}/words", "1.0.0") == first["digest"]


def test_a_network_that_is_cut_in_the_middle_leaves_no_tag_and_the_next_push_goes_on(
    project: ImageProject, registry: Place, tmp_path: Path
) -> None:
    repository = f"{_own(tmp_path)}/words"
    with wire_to(registry) as wire:
        project.write(f"{wire.host}/{_own(tmp_path)}")
        (project.service / "words").write_bytes(os.urandom(1 << 20))
        project.done("image", "build", "words", "-e", "shop")
        # The engine tries for a minute by itself.
        hurried = f'{JOB}\n[image]\ntimeout = "10s"\n'
        project.write(f"{wire.host}/{_own(tmp_path)}", job=hurried)
        wire.cut_at(b"PATCH /v2/")
        error = project.refused("image", "push", "words", "-e", "shop", code=5)
        assert wire.cuts
        assert "whether 127.0.0.1:" in error["message"]
        assert "push once more" in error["hint"]
        assert registry.tags(repository) == []
        wire.mend()
        assert project.done("image", "push", "words", "-e", "shop")["verdict"] == "pushed"
    assert registry.tags(repository) == ["1.0.0"]


def test_a_reply_that_is_lost_is_no_failure_once_it_can_be_seen(
    project: ImageProject, registry: Place, tmp_path: Path
) -> None:
    with wire_to(registry) as wire:
        project.write(f"{wire.host}/{_own(tmp_path)}")
        project.done("image", "build", "words", "-e", "shop")
        wire.lose_at(b"PUT /v2/" + f"{_own(tmp_path)}/words/manifests".encode())
        project.refused("image", "push", "words", "-e", "shop", code=5)
        wire.mend()
        found = project.done("image", "push", "words", "-e", "shop")
    assert found["verdict"] == "present"
    assert found["digest"] == registry.digest(f"{_own(tmp_path)}/words", "1.0.0")


# --- what is there -----------------------------------------------------------------------------


def test_built_pushed_and_pushed_again(
    project: ImageProject, registry: Place, tmp_path: Path
) -> None:
    project.write(
        f"{registry.host}/{_own(tmp_path)}", job=f'{JOB}\n[image.args]\nWHO = "everybody"\n'
    )
    built = project.done("image", "build", "words", "-e", "shop", "--release", "2.0.0")
    name = f"{registry.host}/{_own(tmp_path)}/words:2.0.0"
    assert (built["verdict"], built["image"], built["digest"]) == ("built", name, None)
    assert built["next"] == "toolkit image push words --release 2.0.0 -e shop"
    pushed = project.done("image", "push", "words", "-e", "shop", "--release", "2.0.0")
    assert pushed["verdict"] == "pushed"
    assert pushed["id"] == built["id"]
    assert pushed["digest"] == registry.digest(f"{_own(tmp_path)}/words", "2.0.0")
    assert pushed["next"] == "toolkit deploy --env shop words --release 2.0.0"
    again = project.done("image", "push", "words", "-e", "shop", "--release", "2.0.0")
    assert (again["verdict"], again["digest"]) == ("present", pushed["digest"])


def test_a_login_is_nowhere_afterwards_and_the_users_own_stay_as_they_are(
    project: ImageProject, guarded: Place, tmp_path: Path
) -> None:
    project.write(guarded.host, more=f'registry_user = "{USER}"\n')
    own = project.root / ".docker" / "config.json"
    own.parent.mkdir()
    own.write_text('{"auths": {"other.example": {"auth": "dTpw"}}}')
    folder = tmp_path / "tmp"
    folder.mkdir()
    more = {"TOOLKIT_REGISTRY_PASSWORD": PASSWORD, "TMPDIR": str(folder)}
    project.done("image", "build", "words", "-e", "shop", "--release", "3", **more)
    ended = project.run("image", "push", "words", "-e", "shop", "--release", "3", **more)
    assert ended.returncode == 0, ended.stderr
    assert PASSWORD not in ended.stdout + ended.stderr
    assert own.read_text() == '{"auths": {"other.example": {"auth": "dTpw"}}}'
    assert list(folder.iterdir()) == []
