"""Where the kick server is: Consul says, Nomad has to agree, and only then is a token sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.config.settings import Flags, load_settings
from toolkit.errors import RefusedError, ToolkitError
from toolkit.workflows.dns.find import connect
from toolkit.workflows.session import open_session

ID = "0a1f3c52-1111-4222-8333-444455556666"
SERVICE = f"_nomad-task-{ID}-group-kick-kick-http"


@dataclass
class Cluster:
    """What Consul and Nomad say, on one port."""

    status: str = "passing"
    service: str = SERVICE
    allocation: dict[str, Any] = field(default_factory=dict)
    denied: bool = False
    listed: bool = True
    job: dict[str, Any] | None = None

    def __call__(self, asked: Asked) -> Reply:
        headers = {"X-Consul-Index": "1", "X-Nomad-Index": "1"}
        if asked.path == "/v1/health/service/kick":
            return Reply(json.dumps(self._instances()).encode(), 200, headers)
        if asked.path == "/v1/health/service/consul":
            return Reply(b'[{"Service": {}}]', 200, headers)
        if asked.path == f"/v1/allocation/{ID}":
            if self.denied:
                return Reply(b"Permission denied", 403, headers)
            return Reply(json.dumps(self._allocation()).encode(), 200, headers)
        if asked.path == "/v1/job/kick" and self.job is not None:
            return Reply(json.dumps({"ID": "kick", **self.job}).encode(), 200, headers)
        return Reply(b"not found", 404, headers)

    def _instances(self) -> list[dict[str, Any]]:
        check = {"Name": "service: kick", "Status": self.status, "Output": "starting\nmore"}
        body = {"ID": self.service, "Address": "10.0.0.7", "Port": 8652}
        return [{"Service": body, "Node": {}, "Checks": [check]}] if self.listed else []

    def _allocation(self) -> dict[str, Any]:
        ports = [{"Label": "http", "HostIP": "10.0.0.7", "Value": 8652}]
        return {
            "ID": ID, "JobID": "kick", "Namespace": "default", "ClientStatus": "running",
            "AllocatedResources": {"Shared": {"Ports": ports}}, **self.allocation,
        }  # fmt: skip


@contextmanager
def asking(cluster: Cluster, root: Path) -> Iterator[Any]:
    with Scripted(cluster) as server:
        (root / "toolkit.toml").write_text(
            f'[environments.production]\nnomad = "{server.address}"\nconsul = "{server.address}"\n'
        )
        yield open_session(load_settings(Flags(), {"NOMAD_TOKEN": "t"}, root))


def told(cluster: Cluster, root: Path) -> ToolkitError:
    with asking(cluster, root) as session, pytest.raises(ToolkitError) as caught:
        connect(session)
    return caught.value


def test_an_instance_of_the_job_is_asked_where_nomad_put_it(tmp_path: Path) -> None:
    with asking(Cluster(), tmp_path) as session, connect(session) as kick:
        assert kick.endpoint.address == "http://10.0.0.7:8652"
        assert kick.endpoint.token is not None


@pytest.mark.parametrize(
    "cluster",
    [
        Cluster(service="kick-by-hand"),
        Cluster(service="_nomad-task-ffffffff-1111-4222-8333-444455556666-group-kick-kick-http"),
        Cluster(allocation={"JobID": "kick-2"}),
        Cluster(allocation={"Namespace": "theirs"}),
        Cluster(allocation={"ClientStatus": "complete"}),
        Cluster(allocation={"AllocatedResources": {"Shared": {"Ports": None}}}),
        Cluster(
            allocation={
                "AllocatedResources": {"Shared": {"Ports": [{"HostIP": "10.0.0.7", "Value": 1}]}}
            }
        ),
        Cluster(
            allocation={
                "AllocatedResources": {"Shared": {"Ports": [{"HostIP": "10.0.0.8", "Value": 8652}]}}
            }
        ),
    ],
)
def test_anything_else_of_that_name_is_sent_no_token(cluster: Cluster, tmp_path: Path) -> None:
    error = told(cluster, tmp_path)
    assert isinstance(error, RefusedError)
    assert "http://10.0.0.7:8652 is no instance of job kick in namespace default" in error.message
    assert "no token was sent there" in error.message
    assert "[environments.production]" in (error.hint or "")


def test_one_that_does_not_pass_is_told_with_its_check(tmp_path: Path) -> None:
    error = told(Cluster(status="critical"), tmp_path)
    assert "is not well: service: kick is critical (starting)" in error.message
    assert error.hint == "toolkit explain kick"


def test_none_at_all(tmp_path: Path) -> None:
    error = told(Cluster(listed=False), tmp_path)
    assert "no kick server runs in environment production" in error.message
    assert error.hint == "toolkit deploy kick"


def test_one_that_nomad_cannot_keep_running_is_explained_and_not_deployed_again(
    tmp_path: Path,
) -> None:
    """To deploy what is there already changes nothing, and says less."""
    error = told(Cluster(listed=False, job={"Stop": False}), tmp_path)
    assert error.message == (
        "the kick server of environment production does not run: Consul has no service kick,"
        " and Nomad has the job"
    )
    assert error.hint == "toolkit explain kick"
    stopped = told(Cluster(listed=False, job={"Stop": True}), tmp_path)
    assert stopped.hint == "toolkit deploy kick"


def test_who_may_not_look_may_say_the_address(tmp_path: Path) -> None:
    error = told(Cluster(denied=True), tmp_path)
    assert "Permission denied" in error.message
    assert 'say where the kick server is: kick = "http://…"' in (error.hint or "")
