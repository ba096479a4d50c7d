"""What images are called, what tools and registries say of them, and who is told; all pure."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.job_files import PRODUCTION, load, mistakes
from toolkit.clients import engine_texts
from toolkit.clients.engine_process import run
from toolkit.config.addresses import parse_registry
from toolkit.config.image import image_name, located
from toolkit.errors import (
    ApiError,
    ConfigError,
    ConflictError,
    DeniedError,
    NotFoundError,
    ServerError,
    TlsError,
    UnreachableError,
)
from toolkit.render import render
from toolkit.rollout.images import moved
from toolkit.rollout.read import live_job
from toolkit.spec.image import ImageName, ImageSettings, RegistryPlace
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.target import Secret

PLACE = RegistryPlace("r.example:5000", "shop")
JOB = 'release = "1.0.0"\n[driver]\nname = "docker"\n'


def job(image: str | None = None, more: str = "", **flags: Any) -> JobSpec:
    written = "" if image is None else f'[driver.docker]\nimage = "{image}"\n'
    return load(JOB + written + more, **flags)


# --- mistakes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://r.example/shop", "without a scheme"),
        ("me:password@r.example", "must not hold a user"),
        ("shop", "must begin with a host"),
        ("", "must begin with a host"),
        ("R.example", "must begin with a host in small letters"),
        ("r.example/Shop", "a path that no repository may have"),
        ("r.example/shop:1", "a path that no repository may have"),
        ("r.example//shop", "a path that no repository may have"),
        ("r.example:5000000", "must begin with a host"),
    ],
)
def test_what_is_no_registry(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_registry(text)


@pytest.mark.parametrize(
    "text",
    ["r.example", "r.example:5000/shop/a-b_c.d", "localhost:5000", "127.0.0.1:5000", "box:5000/x"],
)
def test_what_is_one(text: str) -> None:
    assert parse_registry(f"{text}/") == parse_registry(text) == text


def test_releases_and_names_that_can_be_no_image_s() -> None:
    with pytest.raises(ConfigError) as caught:
        image_name(job("Backend", release="1.0.0+build/7"), PLACE)
    name, tag = caught.value.mistakes
    assert (name.where, name.key) == ("jobs/web/job.toml", "driver.docker.image")
    assert (tag.where, tag.message) == ("--release", '"1.0.0+build/7" can be no image\'s tag')
    with pytest.raises(ConfigError) as caught:
        image_name(load(JOB.replace("1.0.0", "1+1")), PLACE)
    assert str(caught.value).startswith("jobs/web/job.toml:1: release:")


def test_a_secret_is_no_build_argument_and_a_context_is_in_the_project() -> None:
    found = mistakes(
        '[image]\ncontext = "../else"\nargs = { BASE = "python:3.12", NPM_TOKEN = "x" }\n'
    )
    assert [each.key for each in found] == ["image.context", "image.args.NPM_TOKEN"]
    assert "readable for whoever has the image" in found[1].message


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "place", "name"),
    [
        (None, PLACE, "r.example:5000/shop/web:1.0.0"),
        ("backend", PLACE, "r.example:5000/shop/backend:1.0.0"),
        ("team/backend", PLACE, "r.example:5000/shop/team/backend:1.0.0"),
        ("backend", RegistryPlace("r.example"), "r.example/backend:1.0.0"),
        ("r.example:5000/else", PLACE, "r.example:5000/else:1.0.0"),
        ("backend", None, "backend:1.0.0"),
    ],
)
def test_a_release_is_the_tag_of_an_image_at_the_registry(
    image: str | None, place: RegistryPlace | None, name: str
) -> None:
    assert str(image_name(job(image), place)) == name


@pytest.mark.parametrize(
    "image",
    [
        "traefik:v3.7.15", "backend@sha256:00", "docker.io/library/redis", "other.example/backend",
        "localhost/backend", "other:5000/backend",
    ],
)  # fmt: skip
def test_what_says_more_than_a_name_is_left_alone(image: str) -> None:
    assert image_name(job(image), PLACE) is None
    target = replace(PRODUCTION, registry=PLACE)
    assert located(job(image), target) == job(image)


@pytest.mark.parametrize(
    "spec",
    [
        load('release = "1"\n[driver]\nname = "raw_exec"\n'),
        load('[driver]\nname = "docker"\n'),
        load('release = "1"\n'),
        replace(job(), plain=True),
    ],
    ids=["another driver", "no release", "no driver", "plain"],
)
def test_jobs_without_an_image_of_ours(spec: JobSpec) -> None:
    assert image_name(spec, PLACE) is None


def test_what_is_rendered_without_asking_anybody_has_the_tag() -> None:
    from toolkit.config.tree import builtin_tree

    target = replace(PRODUCTION, registry=PLACE)
    spec = replace(located(job("backend"), target), template="jobs/backend/job.nomad.hcl.j2")
    hcl = render(builtin_tree(), spec).hcl
    assert 'image = "r.example:5000/shop/backend:1.0.0"' in hcl
    pinned = located(job("backend"), target)
    assert image_name(pinned, PLACE) is None, "it is not looked for twice"


def test_what_the_table_says() -> None:
    text = (
        '[image]\ncontext = "src/"\ndockerfile = "deploy/Dockerfile"\ncommand = ["make"]\n'
        'platform = "linux/arm64"\ntimeout = "5m"\n[image.args]\nBASE = "a"\nDEBUG = true\nN = 3\n'
    )
    assert load(text).image == ImageSettings(
        "src", "deploy/Dockerfile", ("make",), (("BASE", "a"), ("DEBUG", "true"), ("N", "3")),
        "linux/arm64", 300.0,
    )  # fmt: skip
    assert load("").image == ImageSettings()


def test_a_password_is_not_printed() -> None:
    assert "hidden" not in repr(RegistryPlace("r.example", "", "me", Secret("hidden")))
    assert str(PLACE) == "r.example:5000/shop"
    assert ImageName("a/b", "1", "r.example").at("sha256:0") == "r.example/a/b@sha256:0"


# --- a tag that was moved ------------------------------------------------------------------------

ONE, TWO = "r.example/web@sha256:" + "1" * 64, "r.example/web@sha256:" + "2" * 64


def registered(image: str, release: str | None = "1.0.0", **more: Any) -> dict[str, Any]:
    task = {"Name": "app", "Config": {"image": image}}
    meta = None if release is None else {"release": release}
    return {"ID": "web", "Meta": meta, "TaskGroups": [{"Name": "web", "Tasks": [task]}], **more}


def test_the_same_release_that_is_another_image_is_a_question() -> None:
    said = moved(live_job(registered(ONE)), registered(TWO))
    assert said is not None
    assert "moved from sha256:111111111111 to sha256:222222222222" in said
    assert "at r.example/web was" in said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (registered(ONE), registered(ONE)),
        (registered(ONE), registered(TWO, "1.1.0")),
        (registered(ONE, None), registered(TWO, None)),
        (registered(ONE, Stop=True), registered(TWO)),
        (registered("web:1.0.0"), registered(TWO)),
        (registered(ONE), registered("web:1.0.0")),
        (registered(ONE.replace("web", "old")), registered(TWO)),
        (registered(ONE) | {"TaskGroups": None}, registered(TWO)),
    ],
)
def test_anything_else_is_none(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert moved(live_job(before), after) is None
    assert moved(None, after) is None


# --- what they say -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        # ECR, of a tag that is there.
        (
            "tag invalid: The image tag '1.0.0' already exists in the 'shop/web' repository and "
            "cannot be overwritten because the repository is immutable.",
            ConflictError,
        ),
        (
            "name unknown: The repository with name 'shop/web' does not exist in the registry with "
            "id '123456789012'",
            NotFoundError,
        ),
        ("no basic auth credentials", DeniedError),
        ("denied: Your authorization token has expired. Reauthenticate, try again.", DeniedError),
        ("denied: requested access to the resource is denied", DeniedError),
        ("unauthorized: authentication required", DeniedError),
        (
            "Error response from daemon: login attempt to http://127.0.0.1:5000/v2/ failed with "
            "status: 401 Unauthorized",
            DeniedError,
        ),
        ("error parsing HTTP 403 response body: unexpected end of JSON input", DeniedError),
        ('Get "https://r.example/v2/": x509: certificate signed by unknown authority', TlsError),
        ("http: server gave HTTP response to HTTPS client", TlsError),
        ("toomanyrequests: Rate exceeded", ServerError),
        ('Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
         UnreachableError),
        ('Get "https://r.example/v2/": dial tcp: lookup r.example: no such host', UnreachableError),
        ("write tcp 127.0.0.1:1->127.0.0.1:2: write: broken pipe", UnreachableError),
        ('Patch "http://r/v2/": EOF', UnreachableError),
        ("received unexpected HTTP status: 503 Service Unavailable", UnreachableError),
    ],
)  # fmt: skip
def test_why_a_push_was_not_taken(said: str, kind: type[ApiError]) -> None:
    rule = engine_texts.failure(engine_texts.PUSH_RULES, said)
    assert rule is not None
    assert rule.kind is kind


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Cannot connect to the Docker daemon at unix:///nope. Is the docker daemon running?",
         UnreachableError),
        ("permission denied while trying to connect to the Docker daemon socket at unix:///x: Get",
         DeniedError),
        ("error during connect: Get http://docker: ssh: exited", UnreachableError),
        ("write /var/lib/docker/tmp/x: no space left on device", ServerError),
    ],
)  # fmt: skip
def test_why_the_engine_does_nothing(said: str, kind: type[ApiError]) -> None:
    rule = engine_texts.failure(engine_texts.ENGINE_RULES, said)
    assert rule is not None
    assert rule.kind is kind
    assert rule.hint


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("Step 2/7 : COPY wheels/ /wheels/", True),
        ("#7 [unpacked 2/3] COPY wheels/ /wheels/", True),
        ("#7 sha256:1234 3.1MB / 9.0MB 0.4s", False),
        (" ---> 3403049dd81c", False),
        ("Successfully built 8218b4850527", True),
    ],
)
def test_of_a_build_its_steps_are_told(line: str, step: bool) -> None:
    assert bool(engine_texts.STEP.search(line)) is step


# --- the tool as a process -----------------------------------------------------------------------


def test_what_is_told_to_a_tool_is_not_in_its_arguments(tmp_path: Path) -> None:
    code = "import sys; print(sys.argv[1:], sys.stdin.read())"
    heard: list[str] = []
    ran = run(
        [sys.executable, "-c", code], {}, timeout=30, told=b"the secret", on_line=heard.append
    )
    assert (ran.code, ran.text) == (0, "[] the secret")
    assert heard == ["[] the secret"]


def test_a_tool_that_reads_nothing_and_one_that_never_ends() -> None:
    told = b"x" * (1 << 20)
    assert run([sys.executable, "-c", ""], {}, timeout=30, told=told).code == 0
    forever = [sys.executable, "-c", "import signal; print('begun', flush=True); signal.pause()"]
    ran = run(forever, {}, timeout=2)
    assert ran.code is None


def test_what_a_tool_leaves_behind_does_not_keep_us() -> None:
    code = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time;"
    code += " time.sleep(100)']).pid)"
    ran = run([sys.executable, "-c", code], {}, timeout=150)
    assert ran.code == 0
    # It is there still: it was not waited for. And it is ended here.
    os.kill(int(ran.text), signal.SIGKILL)
