"""What is built is said by an admin; what came of it is for readers; a build's code for its job."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from hook.building.order import Order

from tests.services.hook.hook_process import (
    ADMIN,
    PUSHER,
    READER,
    SHOP,
    SHOP_TOKEN,
    STRANGER,
    git,
)
from tests.services.hook.rig import CALLERS, HookRig, make_rig
from toolkit.errors import UnavailableError
from toolkit.repos.builds import Built
from toolkit.spec.identity import Workload
from toolkit.spec.repo import Build

COMMAND = {"command": ["make", "wheel"], "artifact": "dist/app"}
NAME = "build-shop-web-0123456789abcdef"


@pytest.fixture(scope="module")
def running(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookRig]:
    with make_rig(portal, tmp_path_factory.mktemp("building")) as made:
        yield made


@pytest.fixture
def rig(running: HookRig) -> Iterator[HookRig]:
    """With a repository of which nothing is built, `shop`, and no other."""
    assert running.ask("PUT", "/repos/shop", body={}).status_code == 201
    yield running
    running.verifier.callers = CALLERS
    for repo in running.hook.registry.all():
        assert running.ask("DELETE", f"/repos/{repo.name}").status_code == 200


@pytest.fixture
def commit(rig: HookRig, tmp_path: Path) -> str:
    """What was pushed to `shop`."""
    work = tmp_path / "work"
    git("init", "-q", "-b", "main", str(work))
    (work / "app.py").write_text("print(1)\n")
    git("add", "-A", cwd=work)
    git("commit", "-q", "-m", "one", cwd=work)
    shop = rig.hook.registry.path(rig.hook.registry.get("shop"))
    git("push", "-q", str(shop), "HEAD:main", cwd=work)
    return git("rev-parse", "HEAD", cwd=work).stdout.strip()


def put(rig: HookRig, body: Any, service: str = "web", who: Any = ADMIN) -> Any:
    return rig.ask("PUT", f"/repos/shop/builds/{service}", who, body)


# Settings.


@pytest.mark.parametrize("who", [PUSHER, READER, SHOP, STRANGER])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_only_an_admin_says_what_is_built(rig: HookRig, method: str, who: Any) -> None:
    before = len(rig.entries())
    answer = rig.ask(method, "/repos/shop/builds/web", who, COMMAND if method == "PUT" else None)
    assert answer.status_code == 403
    assert rig.hook.registry.get("shop").builds == {}
    assert len(rig.entries()) == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "command"),
        ({"command": []}, "command"),
        ({"command": "make"}, "command"),
        ({"command": [""], "artifact": "out"}, "command"),
        ({"command": ["make\nall"], "artifact": "out"}, "command"),
        ({"command": ["make"]}, "artifact"),
        ({"dockerfile": "Dockerfile", "artifact": "out"}, "artifact"),
        ({**COMMAND, "dockerfile": "Dockerfile"}, "command"),
        ({"command": ["make"], "artifact": "../out"}, "artifact"),
        ({"command": ["make"], "artifact": "/etc/passwd"}, "artifact"),
        ({"command": ["make"], "artifact": "a//b"}, "artifact"),
        ({"command": ["make"], "artifact": "a\x00b"}, "artifact"),
        ({"dockerfile": "a/../../Dockerfile"}, "dockerfile"),
        ({**COMMAND, "engine": "tcp://evil"}, "engine"),
    ],
)
def test_what_makes_no_sense_is_named(rig: HookRig, body: Any, field: str) -> None:
    answer = put(rig, body)
    assert answer.status_code in (400, 422), answer.text
    assert field in answer.text
    assert rig.hook.registry.get("shop").builds == {}


@pytest.mark.parametrize("service", ["Web", "-web", "web.app", "..", "w" * 70, "we%20b", "%2e%2e"])
def test_a_service_has_a_plain_name(rig: HookRig, service: str) -> None:
    assert put(rig, COMMAND, service).status_code in (400, 404, 422)
    assert rig.hook.registry.get("shop").builds == {}


def test_it_is_set_shown_changed_and_removed(rig: HookRig) -> None:
    shown = {"service": "web", "command": ["make", "wheel"], "artifact": "dist/app",
             "dockerfile": ""}  # fmt: skip
    made = put(rig, COMMAND)
    assert (made.status_code, made.json()) == (201, shown)
    assert put(rig, COMMAND).status_code == 200
    assert rig.hook.registry.get("shop").builds == {
        "web": Build("web", ("make", "wheel"), "dist/app")
    }
    put(rig, {"dockerfile": "Dockerfile"}, "worker")
    listed = rig.ask("GET", "/repos/shop/builds", READER).json()["builds"]
    assert [each["service"] for each in listed] == ["web", "worker"]
    assert rig.ask("GET", "/repos/shop/builds/web", READER).json() == shown
    assert rig.ask("DELETE", "/repos/shop/builds/web").json() == shown
    assert rig.ask("GET", "/repos/shop/builds/web").status_code == 404
    assert rig.ask("DELETE", "/repos/shop/builds/web").status_code == 404
    recorded = [each for each in rig.entries() if each.get("action") == "builds.remove"]
    assert recorded[0]["before"] == shown


# What came of it.


def keep(rig: HookRig, text: bytes) -> str:
    """An archive that was built; its digits."""
    store = rig.hook.building.store
    digest, size = store.take("shop", [text], most=1000)
    store.keep("shop", Built("web", digest, url="x", inputs="a" * 64, size=size), kept=5)
    return digest.removeprefix("sha256:")


def test_what_was_built_is_for_readers_by_its_digest(rig: HookRig) -> None:
    digest = keep(rig, b"an archive")
    path = f"/shop/builds/{digest}.tar.gz"
    for who in (READER, SHOP, PUSHER):
        answer = rig.ask("GET", path, who)
        assert (answer.status_code, answer.content) == (200, b"an archive")
        assert answer.headers["content-type"] == "application/gzip"
        assert answer.headers["x-checksum-sha256"] == digest
        # What is unpacked on the way has another checksum.
        assert "content-encoding" not in answer.headers
    assert rig.ask("HEAD", path, READER).headers["x-checksum-sha256"] == digest
    assert rig.ask("GET", path, STRANGER).status_code == 403
    assert rig.ask("GET", path, {}).status_code == 401


@pytest.mark.parametrize(
    "file",
    ["0" * 64 + ".tar.gz", "x.tar.gz", "made", "..%2f..%2fregistry%2fshop.json", "made%2fa.json"],
)
def test_nothing_else_is_found_there(rig: HookRig, file: str) -> None:
    keep(rig, b"an archive")
    assert rig.ask("GET", f"/shop/builds/{file}").status_code == 404


def test_a_repository_may_be_called_as_a_part_of_a_path(rig: HookRig) -> None:
    assert rig.ask("PUT", "/repos/builds", body={}).status_code == 201
    assert rig.ask("GET", "/repos/builds/deployments").json() == {"deployments": []}
    assert rig.ask("GET", "/repos/builds/builds").json() == {"builds": []}


def test_a_commit_is_told_with_what_was_built_of_it(rig: HookRig, commit: str) -> None:
    put(rig, COMMAND)
    said = rig.ask("GET", "/repos/shop/code", READER).json()
    code = said["code"]
    assert said["build"] == {}
    assert code["commit"] == commit
    assert code["archive"] == f"http://hook.example:8655/shop/archive/{commit}.tar.gz"
    archive = rig.ask("GET", f"/shop/archive/{commit}.tar.gz", READER).content
    assert code["checksum"] == f"sha256:{hashlib.sha256(archive).hexdigest()}"
    assert code["audience"] == "hook.dev"

    building, repo = rig.hook.building, rig.hook.registry.get("shop")
    order = Order(
        repo, repo.builds["web"], building.code(repo, commit), building._tree(repo, commit),
        rig.hook.config.builds,
    )  # fmt: skip
    digest = "sha256:" + keep(rig, b"an archive")
    built = Built("web", digest, url="http://x/y.tar.gz", inputs=order.inputs)
    building.store.keep("shop", built, kept=5)
    said = rig.ask("GET", f"/repos/shop/code?commit={commit}").json()
    assert said["build"] == {"web": {"url": "http://x/y.tar.gz", "checksum": digest, "image": ""}}


@pytest.mark.parametrize("asked", ["main", "HEAD", "4be1c02", "0" * 40, "--all", "-x"])
def test_a_commit_is_named_by_its_whole_id(rig: HookRig, commit: str, asked: str) -> None:
    answer = rig.ask("GET", "/repos/shop/code", params={"commit": asked})
    assert answer.status_code == 404
    assert commit not in answer.text


def test_nothing_pushed_is_nothing_to_tell(rig: HookRig) -> None:
    answer = rig.ask("GET", "/repos/shop/code")
    assert answer.status_code == 404
    assert "nothing was pushed to main of shop yet" in answer.text


# The code of a build.


def test_the_code_of_a_build_is_for_its_own_job_while_it_is_under_way(
    rig: HookRig, commit: str
) -> None:
    building, repo = rig.hook.building, rig.hook.registry.get("shop")
    code = building.code(repo, commit)
    order = Order(repo, Build("web", ("make",), "out"), code, "7" * 40, rig.hook.config.builds)
    path = f"/shop/builds/{NAME}/code.tar.gz"
    job = Workload("default", NAME, "build", "5b2c90aa", 4e9)

    def asked(caller: Any) -> int:
        rig.verifier.callers = {**rig.verifier.callers, SHOP_TOKEN: caller}
        return rig.ask("GET", path, SHOP).status_code

    assert asked(job) == 403
    with building._going(order, NAME):
        assert asked(job) == 200
        assert asked(replace(job, namespace="other")) == 403
        assert asked(replace(job, job=f"{NAME}0")) == 403
        assert asked(replace(job, job="shop")) == 403
        # Not even those who may do everything: there are other ways to those.
        assert rig.ask("GET", path, ADMIN).status_code == 403
        assert rig.ask("GET", path.replace("/shop/", "/web/"), SHOP).status_code == 403
        assert asked(job) == 200
        content = rig.ask("GET", path, SHOP).content
    assert asked(job) == 403
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as tar:
        assert tar.getnames() == ["app.py"]


# What jobs are given.


@pytest.mark.parametrize(
    ("path", "text", "speaks"),
    [
        ("jobs/web/job.nomad.hcl.j2", "[[ lib.code(code) ]]", True),
        ("jobs/web/job.nomad.hcl", 'variable "code_archive" {}', True),
        ("jobs/_lib/mine.hcl.j2", "[[ code.url ]]", True),
        ("jobs/web/job.nomad.hcl.j2", "[[ build.web.image ]]", False),
        ("app/main.py", "code = 1", False),
    ],
)
def test_the_archive_is_made_for_jobs_that_speak_of_it(
    rig: HookRig, tmp_path: Path, path: str, text: str, speaks: bool
) -> None:
    work = tmp_path / "work"
    git("init", "-q", "-b", "main", str(work))
    (work / path).parent.mkdir(parents=True)
    (work / path).write_text(text)
    git("add", "-A", cwd=work)
    git("commit", "-q", "-m", "one", cwd=work)
    building, repo = rig.hook.building, rig.hook.registry.get("shop")
    git("push", "-q", str(rig.hook.registry.path(repo)), "HEAD:main", cwd=work)
    commit = git("rev-parse", "HEAD", cwd=work).stdout.strip()
    found = building.given(repo, commit, {})
    assert ("code" in found) is speaks
    assert bool(list((rig.data / "archives").rglob("*.tar.gz"))) is speaks
    # The check of a push never makes one.
    assert building.expected(repo, commit)["code"]["checksum"] == "sha256:" + "0" * 64


def test_nothing_begins_once_the_server_stops(rig: HookRig, commit: str) -> None:
    building, repo = rig.hook.building, rig.hook.registry.get("shop")
    order = Order(
        repo, Build("web", ("make",), "out"), building.code(repo, commit), "7" * 40,
        rig.hook.config.builds,
    )  # fmt: skip
    with building._going(order, NAME) as halt:
        building.stop()
        assert halt.is_set
    with pytest.raises(UnavailableError, match="stopping"), building._going(order, NAME):
        raise AssertionError("it began")
