"""The hook server's image: built without a network, git in it, its data on the machine."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.agents.cluster import LocalCluster
from tests.services.base_image import python_as_tar
from tests.services.conftest import SERVICES
from tests.services.engine import Box, Engine, run_box
from tests.services.running import until

pytestmark = [
    pytest.mark.agents, pytest.mark.docker, pytest.mark.root, pytest.mark.timeout(600),
]  # fmt: skip

CONFIG = """
cluster = "dev"
url = "http://127.0.0.1:8655"
[target]
environment = "dev"
[[policy.person]]
management = true
[[policy.person.grants]]
repos = ["*"]
rights = ["admin"]
"""


@pytest.fixture(scope="module")
def git_base(engine: Engine) -> str:
    """The base image of the tests with the git, prlimit and shell of this machine."""
    import docker

    found = [shutil.which("git"), shutil.which("prlimit"), "/usr/lib/git-core/git", "/bin/sh"]
    programs = [Path(each) for each in found if each and Path(each).exists()]
    with contextlib.closing(docker.DockerClient(base_url=engine.host)) as client:
        client.api.import_image_from_data(
            python_as_tar(*programs).read(), repository="git-of-the-tests", tag="local"
        )
    return "git-of-the-tests:local"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context, its wheels collected for the Python of the tests' base image."""
    context = tmp_path_factory.mktemp("hook")
    for file in ("Dockerfile", ".dockerignore"):
        shutil.copy(SERVICES / "hook" / file, context)
    collected = subprocess.run(
        ["sh", str(SERVICES / "wheels.sh"), "hook", str(context / "wheels")],
        env={
            **os.environ,
            "PYTHON": sys.executable,
            "PYTHON_VERSION": f"{sys.version_info.major}.{sys.version_info.minor}",
        },
        capture_output=True,
        text=True,
    )
    assert collected.returncode == 0, collected.stderr
    return context


def built(base: str, context: Path, tag: str) -> str:
    """The image; AssertionError with what the build said."""
    from docker.errors import BuildError
    from testcontainers.core.image import DockerImage

    image = DockerImage(
        path=context, tag=tag, clean_up=False, buildargs={"BASE": base}, network_mode="none"
    )
    try:
        image.build()
    except BuildError as exc:
        raise AssertionError("\n".join(str(line) for line in exc.build_log)) from None
    finally:
        image.get_docker_client().client.close()
    return str(image)


@pytest.fixture(scope="module")
def image(git_base: str, context: Path) -> str:
    return built(git_base, context, "hook:0.1.0")


@contextlib.contextmanager
def running(image: str, folder: Path, cluster: LocalCluster) -> Iterator[tuple[Box, str]]:
    """A container with the machine's network, and with nothing to write to but /data."""
    data, config = folder / "data", folder / "hook.toml"
    data.mkdir(exist_ok=True)
    config.write_text(CONFIG)
    environment = {
        "NOMAD_PORT_http": "0",
        "NOMAD_ADDR": cluster.nomad_address,
        "NOMAD_TOKEN": cluster.state.nomad_token,
        "CONSUL_HTTP_ADDR": cluster.consul_address,
        "CONSUL_HTTP_TOKEN": cluster.state.traefik_token,
    }
    with run_box(
        image,
        environment=environment,
        network_mode="host",
        volumes={data: ("/data", "rw"), config: ("/etc/hook/hook.toml", "ro")},
        read_only=True,
    ) as box:
        port = until(lambda: re.findall(r'"listens".*"port": (\d+)', box.log()), "it listens")
        url = f"http://127.0.0.1:{port[0]}"
        until(lambda: is_ready(url, box), "it is ready")
        yield box, url


def is_ready(url: str, box: Box) -> bool:
    box.wrapped.reload()
    assert box.wrapped.status == "running", box.log()
    try:
        return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def git(folder: Path, token: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Git, with the token in a header: no helper is needed for a test."""
    return subprocess.run(
        [
            "git", "-c", "user.name=a", "-c", "user.email=a@example.com",
            "-c", f"http.extraHeader=X-Nomad-Token: {token}", *words,
        ],
        cwd=folder, capture_output=True, text=True, timeout=60,
        env={"PATH": os.defpath, "HOME": str(folder), "GIT_TERMINAL_PROMPT": "0"},
    )  # fmt: skip


def test_a_base_without_git_makes_no_image(base_image: str, context: Path) -> None:
    with pytest.raises(AssertionError, match="git"):
        built(base_image, context, "hook-without-git:1")


def test_without_a_policy_it_ends_and_says_what_is_missing(image: str) -> None:
    with run_box(image, port=8655) as box:
        assert box.wait() == 1
        said = box.log()
    assert "HOOK_CONFIG: /etc/hook/hook.toml cannot be read" in said
    assert "Traceback" not in said


def test_pushes_are_checked_in_it_and_outlive_it(
    image: str, acl_cluster: LocalCluster, tmp_path: Path
) -> None:
    token = acl_cluster.state.nomad_token
    tree = tmp_path / "tree"
    (tree / "jobs/web").mkdir(parents=True)
    (tree / "toolkit.toml").write_text('[stack]\njobs = ["web"]\n')
    (tree / "jobs/web/job.toml").write_text('kind = "service"\ncuont = 1\n')
    assert git(tree, token, "init", "-q", "-b", "main").returncode == 0
    git(tree, token, "add", "-A")
    git(tree, token, "commit", "-q", "-m", "one")
    with running(image, tmp_path, acl_cluster) as (box, url):
        made = httpx.put(
            f"{url}/repos/shop", json={}, headers={"X-Nomad-Token": token}, trust_env=False
        )
        assert made.status_code == 201, made.text
        remote = f"{url}/shop.git"
        refused = git(tree, token, "push", remote, "main")
        said = refused.stderr + box.log()
        assert "jobs/web/job.toml:2: cuont: unknown key" in refused.stderr, said
        aside = git(tree, token, "push", remote, "main:later")
        assert aside.returncode == 0, aside.stderr
        assert token not in box.log()
        # SIGTERM by the engine; 137 would say that it had to be killed.
        box.wrapped.stop(timeout=25)
        assert box.wait() == 0
    with running(image, tmp_path, acl_cluster) as (_, url):
        heads = git(tree, token, "ls-remote", f"{url}/shop.git").stdout
    assert [line.partition("\t")[2] for line in heads.splitlines()] == ["refs/heads/later"]
