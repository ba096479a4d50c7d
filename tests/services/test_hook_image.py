"""The hook server's image: built without a network, git in it, its data on the machine."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.agents.cluster import LocalCluster, local_cluster
from tests.services.base_image import python_as_tar
from tests.services.conftest import SERVICES
from tests.services.engine import Engine, run_box
from toolkit.cli.main import run
from toolkit.cli.world import World
from toolkit.spec.dev import Machine

pytestmark = [
    pytest.mark.agents, pytest.mark.docker, pytest.mark.root, pytest.mark.timeout(600),
]  # fmt: skip

CONFIG = """
cluster = "dev"
url = "http://127.0.0.1:8655"
[target]
environment = "production"
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


def test_without_a_policy_it_ends_and_says_what_is_missing(image: str) -> None:
    with run_box(image, port=8655) as box:
        assert box.wait() == 1
        said = box.log()
    assert "HOOK_CONFIG: /etc/hook/hook.toml cannot be read" in said
    assert "Traceback" not in said


PRODUCTION = """
default_environment = "production"
[environments.dev]
local = true
[environments.production]
nomad = "{cluster.nomad_address}"
consul = "{cluster.consul_address}"
driver = "docker"
[environments.production.rollout]
min_healthy_time = "1s"
"""
PUSHED = """
[stack]
jobs = ["once"]
[environments.production]
driver = "raw_exec"
"""
ONCE = 'kind = "batch"\n[driver.raw_exec]\ncommand = "/bin/true"\n'
TEMPLATE = '[% extends "_lib/batch.nomad.hcl.j2" %]\n'


def placed(cluster: LocalCluster) -> str:
    """The shipped job.toml for a cluster of one machine, at ports of its own."""
    text = (SERVICES.parent / "jobs/hook/job.toml").read_text()
    for old, new in (
        ("static = 8655", f"static = {cluster.state.ports.hook_http}"),
        ('node_pool = "control"', 'node_pool = "default"'),
        ("http://127.0.0.1:8500", cluster.consul_address),
        ("memory = 1024", "memory = 300"),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


def make_volume(cluster: LocalCluster) -> None:
    """The host volume of the page, on the only node."""
    volume = {
        "Name": "hook",
        "Type": "host",
        "PluginID": "mkdir",
        "NodePool": "default",
        "RequestedCapabilities": [
            {"AccessMode": "single-node-writer", "AttachmentMode": "file-system"}
        ],
        "Parameters": {"uid": "0", "gid": "0", "mode": "0700"},
    }
    headers = {"X-Nomad-Token": cluster.state.nomad_token}
    with httpx.Client(
        base_url=cluster.nomad_address, headers=headers, trust_env=False, timeout=30
    ) as nomad:
        made = nomad.put("/v1/volume/host/create", json={"Volume": volume})
        assert made.status_code == 200, made.text

        def is_there() -> bool:
            listed = nomad.get("/v1/volumes?type=host").json()
            return [volume["State"] for volume in listed] == ["ready"]

        cluster.until("the volume is there", is_there)


def test_the_shipped_job_runs_it_and_a_push_deploys(
    engine: Engine, image: str, machine: Machine
) -> None:
    """What reads a push is not root, sees no file of the host, and gets to Nomad all the same."""
    # Not under pytest's own folder: the path of a task's socket may have 108 bytes only.
    root = Path(tempfile.mkdtemp(prefix="hook-"))
    try:
        with local_cluster(root, acl=True, docker_endpoint=engine.host, machine=machine) as cluster:
            make_volume(cluster)
            (root / "toolkit.toml").write_text(PRODUCTION.format(cluster=cluster))
            folder = root / "jobs" / "hook"
            folder.mkdir(parents=True)
            (folder / "job.toml").write_text(placed(cluster))
            (folder / "hook.production.toml").write_text(CONFIG)
            token = cluster.state.nomad_token
            tokens = {
                "NOMAD_TOKEN": token,
                "CONSUL_HTTP_TOKEN": cluster.state.consul_token,
            }

            def toolkit(*arguments: str) -> dict[str, Any]:
                world = World(
                    (*arguments, "--json"), {"PATH": os.defpath, "HOME": str(root), **tokens},
                    io.StringIO(), out := io.StringIO(), err := io.StringIO(), root,
                )  # fmt: skip
                code = run(world)
                assert code == 0, out.getvalue() + err.getvalue()
                report: dict[str, Any] = json.loads(out.getvalue())
                return report

            assert toolkit("deploy", "hook")["verdict"] == "deployed"
            remote = toolkit("repo", "create", "shop")["repo"]["url"]
            tree = root / "tree"
            (tree / "jobs/once").mkdir(parents=True)
            (tree / "toolkit.toml").write_text(PUSHED)
            (tree / "jobs/once/job.toml").write_text(ONCE)
            (tree / "jobs/once/job.nomad.hcl.j2").write_text(TEMPLATE)
            assert git(tree, token, "init", "-q", "-b", "main").returncode == 0
            git(tree, token, "add", "-A")
            git(tree, token, "commit", "-q", "-m", "one")
            pushed = git(tree, token, "push", remote, "main")
            assert "deployed in" in pushed.stderr, pushed.stderr
            (tree / "jobs/once/job.toml").write_text("cuont = 1\n" + ONCE)
            git(tree, token, "commit", "-q", "-a", "-m", "two")
            refused = git(tree, token, "push", remote, "main")
            assert "jobs/once/job.toml:1: cuont: unknown key" in refused.stderr, refused.stderr
            newest = toolkit("repo", "show", "shop")["deployments"]
            assert [each["state"] for each in newest] == ["deployed"]
    finally:
        shutil.rmtree(root, ignore_errors=True)
