"""The kick server's image: built without a network, run without rights, its data on the machine."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

from tests.agents.cluster import LocalCluster, local_cluster
from tests.services.conftest import SERVICES
from tests.services.engine import Box, Engine, run_box
from tests.services.running import until
from toolkit.cli.main import run
from toolkit.cli.world import World
from toolkit.spec.dev import Machine

pytestmark = [
    pytest.mark.agents, pytest.mark.docker, pytest.mark.root, pytest.mark.timeout(600),
]  # fmt: skip

POLICY = SERVICES.parent / "jobs" / "kick" / "kick.toml"
USER = 65532


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context, its wheels collected for the Python of the tests' base image."""
    context = tmp_path_factory.mktemp("kick")
    for file in ("Dockerfile", ".dockerignore"):
        shutil.copy(SERVICES / "kick" / file, context)
    collected = subprocess.run(
        ["sh", str(SERVICES / "wheels.sh"), "kick", str(context / "wheels")],
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


@pytest.fixture(scope="module")
def image(base_image: str, context: Path) -> str:
    from docker.errors import BuildError
    from testcontainers.core.image import DockerImage

    built = DockerImage(
        path=context,
        tag="kick:0.1.0",
        clean_up=False,
        buildargs={"BASE": base_image},
        network_mode="none",
    )
    try:
        built.build()
    except BuildError as exc:
        raise AssertionError("\n".join(str(line) for line in exc.build_log)) from None
    with contextlib.closing(built.get_docker_client().client):
        return str(built)


@dataclass(frozen=True, slots=True)
class Kept:
    """The folders on the machine that a container is given."""

    data: Path
    config: Path

    def volumes(self) -> dict[Path, tuple[str, Literal["ro", "rw"]]]:
        return {self.data: ("/data", "rw"), self.config: ("/etc/kick/kick.toml", "ro")}


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    data, config = tmp_path / "data", tmp_path / "kick.toml"
    data.mkdir()
    os.chown(data, USER, USER)
    shutil.copy(POLICY, config)
    config.chmod(0o644)
    return Kept(data, config)


@contextlib.contextmanager
def running(image: str, kept: Kept, cluster: LocalCluster) -> Iterator[tuple[Box, str]]:
    """A container with the machine's network, and with nothing to write to but /data."""
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
        volumes=kept.volumes(),
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
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


def test_without_a_policy_it_ends_and_says_what_is_missing(image: str) -> None:
    with run_box(image, port=8652) as box:
        assert box.wait() == 1
        said = box.log()
    assert "FATAL KICK_CONFIG: /etc/kick/kick.toml cannot be read" in said
    assert "Traceback" not in said


def test_another_pythons_wheels_fail_the_build(
    base_image: str, context: Path, tmp_path: Path
) -> None:
    from docker.errors import BuildError
    from testcontainers.core.image import DockerImage

    wrong = tmp_path / "context"
    (wrong / "wheels").mkdir(parents=True)
    for file in ("Dockerfile", ".dockerignore"):
        shutil.copy(context / file, wrong)
    (wrong / "wheels" / "cffi-2.1.1-cp399-cp399-manylinux_2_17_x86_64.whl").touch()
    image = DockerImage(wrong, tag="broken-kick:1", buildargs={"BASE": base_image})
    try:
        with pytest.raises(BuildError) as caught:
            image.build()
        # Read to its end, or the engine's answer stays open.
        said = [str(line) for line in caught.value.build_log]
        assert any("wheels for another Python" in line for line in said)
    finally:
        image.get_docker_client().client.close()


def test_it_writes_records_and_audit_to_the_machine_and_has_no_rights(
    image: str, kept: Kept, acl_cluster: LocalCluster
) -> None:
    with running(image, kept, acl_cluster) as (box, url):
        status = box.ask_python("print(open('/proc/1/status').read())")
        assert re.findall(r"^[UG]id:\s+(\d+)", status, re.MULTILINE) == [str(USER), str(USER)]
        wanted = {"hostname": "shop.apps.example.com", "ip_address": "203.0.113.7"}
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.post("/records", json=wanted).status_code == 401
            client.headers["X-Nomad-Token"] = acl_cluster.state.nomad_token
            answer = client.post("/records", json=wanted)
        assert (answer.status_code, answer.json()["values"]) == (201, ["203.0.113.7"])
        assert acl_cluster.state.nomad_token not in box.log()
        # SIGTERM by the engine; 137 would say that it had to be killed.
        box.wrapped.stop(timeout=25)
        assert box.wait() == 0
    files = [path for path in kept.data.rglob("*") if path.is_file()]
    assert {path.stat().st_uid for path in files} == {USER}
    kinds = [json.loads(line)["kind"] for line in audit_lines(kept.data)]
    assert kinds == ["intent", "outcome"]
    # What was set is there for the next one.
    with running(image, kept, acl_cluster) as (_, url):
        headers = {"X-Nomad-Token": acl_cluster.state.nomad_token}
        answer = httpx.get(f"{url}/record/shop.apps.example.com", headers=headers, trust_env=False)
    assert answer.json()["values"] == ["203.0.113.7"]


def audit_lines(data: Path) -> list[str]:
    return [
        line
        for path in sorted((data / "audit").rglob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]


# --- as a cluster of one's own runs it ---------------------------------------------------------

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


def placed(cluster: LocalCluster) -> str:
    """The shipped job.toml for a cluster of one machine, at ports of its own."""
    text = POLICY.with_name("job.toml").read_text()
    for old, new in (
        ("static = 8652", f"static = {cluster.state.ports.kick_http}"),
        ('node_pool = "control"', 'node_pool = "default"'),
        ("http://127.0.0.1:8500", cluster.consul_address),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


def make_volume(cluster: LocalCluster) -> None:
    """The host volume of the page, on the only node."""
    volume = {
        "Name": "kick",
        "Type": "host",
        "PluginID": "mkdir",
        "NodePool": "default",
        "RequestedCapabilities": [
            {"AccessMode": "single-node-writer", "AttachmentMode": "file-system"}
        ],
        "Parameters": {"uid": str(USER), "gid": str(USER), "mode": "0700"},
    }
    made = httpx.put(
        f"{cluster.nomad_address}/v1/volume/host/create",
        json={"Volume": volume},
        headers={"X-Nomad-Token": cluster.state.nomad_token},
        trust_env=False,
        timeout=30,
    )
    assert made.status_code == 200, made.text
    cluster.until("the volume is there", lambda: has_volume(cluster))


def has_volume(cluster: LocalCluster) -> bool:
    listed = httpx.get(
        f"{cluster.nomad_address}/v1/volumes?type=host",
        headers={"X-Nomad-Token": cluster.state.nomad_token},
        trust_env=False,
    ).json()
    return [volume["State"] for volume in listed] == ["ready"]


def test_the_shipped_job_runs_it_with_a_volume_and_nomads_socket(
    engine: Engine, image: str, machine: Machine
) -> None:
    # Not under pytest's own folder: the path of a task's socket may have 108 bytes only.
    root = Path(tempfile.mkdtemp(prefix="kick-"))
    try:
        with local_cluster(root, acl=True, docker_endpoint=engine.host, machine=machine) as cluster:
            make_volume(cluster)
            (root / "toolkit.toml").write_text(PRODUCTION.format(cluster=cluster))
            folder = root / "jobs" / "kick"
            folder.mkdir(parents=True)
            (folder / "job.toml").write_text(placed(cluster))
            shutil.copy(POLICY, folder / "kick.production.toml")
            tokens = {
                "NOMAD_TOKEN": cluster.state.nomad_token,
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

            assert toolkit("deploy", "kick")["verdict"] == "deployed"
            assert toolkit("dns", "set", "shop.apps.example.com", "203.0.113.7")["verdict"] == "set"
            # The reconciler has read jobs, allocations and checks: a view that it could not read
            # would be an error here.
            assert toolkit("dns", "plan")["steps"] == []
            assert toolkit("dns", "audit", "--verify")["verified"] is True
    finally:
        shutil.rmtree(root, ignore_errors=True)
