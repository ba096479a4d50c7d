"""The services' images: built by their Dockerfiles, run on a Docker engine of the tests' own."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM

import httpx
import pytest

from tests.services.engine import Box, Engine, run_box
from tests.services.running import RequestInFlight, fetch, until

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.timeout(400)]


def is_ready(url: str) -> bool:
    try:
        return fetch(url, "/health").status_code == 200
    except httpx.TransportError:
        return False


@contextlib.contextmanager
def ready_box(image: str, **settings: object) -> Iterator[Box]:
    """A service's container once its health check passes."""
    with run_box(image, **settings) as box:  # type: ignore[arg-type]
        until(lambda: is_ready(box.url), f"{image} is ready")
        yield box


# --- builds that must fail ---------------------------------------------------------------------


def test_a_wheel_that_is_not_pure_fails_the_build(
    base_image: str, contexts: dict[str, Path], tmp_path: Path
) -> None:
    from docker.errors import BuildError
    from testcontainers.core.image import DockerImage

    context = tmp_path / "context"
    shutil.copytree(contexts["backend"], context)
    (context / "wheels" / "fast-1.0-cp312-cp312-manylinux_2_28_x86_64.whl").touch()
    image = DockerImage(context, tag="broken:1", buildargs={"BASE": base_image})
    try:
        with pytest.raises(BuildError) as caught:
            image.build()
        # Read to its end, or the engine's answer stays open.
        said = [str(line) for line in caught.value.build_log]
        assert any("pure wheels only" in line for line in said)
    finally:
        image.get_docker_client().client.close()


# --- runs that must fail -----------------------------------------------------------------------


def test_empty_db_url_ends_the_container_with_the_line(images: dict[str, str]) -> None:
    with run_box(images["backend"], environment={"DB_URL": ""}) as box:
        assert box.wait() == 1
        assert box.log() == "FATAL config key 'db_url' missing\n"


def test_not_ready_while_starting(images: dict[str, str]) -> None:
    with run_box(images["backend"], environment={"SLOW_START": "3600"}) as box:
        until(lambda: "listens on" in box.log(), "it listens")
        assert fetch(box.url, "/health").status_code == 503


# --- shutdown ----------------------------------------------------------------------------------


def test_sigterm_lets_the_request_in_flight_finish(images: dict[str, str]) -> None:
    with ready_box(images["backend"]) as box:
        request = RequestInFlight(box.host, box.port)
        box.wrapped.kill(signal=SIGTERM)
        until(lambda: "stops on SIGTERM" in box.log(), "it takes the signal")
        assert request.finish() == "HTTP/1.1 200 OK"
        request.close()
        assert box.wait() == 0


@pytest.mark.parametrize("name", ["backend", "frontend"])
def test_the_engines_own_stop_is_a_graceful_one(images: dict[str, str], name: str) -> None:
    with ready_box(images[name]) as box:
        box.wrapped.stop(timeout=25)
        assert box.wait() == 0, "137 would say that it had to be killed"
        assert "stops on SIGTERM" in box.log()


# --- what it may do ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["backend", "frontend"])
def test_it_is_not_root_and_cannot_change_itself(images: dict[str, str], name: str) -> None:
    with ready_box(images[name]) as box:
        status = box.ask_python("print(open('/proc/1/status').read())")
        assert re.findall(r"^[UG]id:\s+(.+)$", status, re.MULTILINE) == [
            "65532\t65532\t65532\t65532",
            "65532\t65532\t65532\t65532",
        ]
        said = box.ask_python(f"open('/app/{name}/__main__.py', 'a')")
        assert "Permission denied" in said


def test_it_runs_with_nothing_to_write_to_and_no_rights(images: dict[str, str]) -> None:
    locked = {
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
    }
    with ready_box(images["backend"], **locked) as box:
        assert fetch(box.url).status_code == 200


# --- what it says ------------------------------------------------------------------------------


def test_health_release_and_environment_values(images: dict[str, str]) -> None:
    given = {
        "RELEASE": "1.0.0",
        "GREETING": "hello",
        "DB_PASSWORD": "hunter2",
        # What Nomad gives: its address is the machine's, on which a container cannot listen.
        "NOMAD_IP_http": "192.0.2.1",
        "NOMAD_PORT_http": "8080",
        "NOMAD_ALLOC_ID": "0a1f3c52",
    }
    with ready_box(images["backend"], environment=given) as box:
        answer = fetch(box.url)
    assert answer.headers["X-Release"] == "1.0.0"
    said = answer.json()
    assert said["allocation"] == "0a1f3c52"
    assert said["environment"]["GREETING"] == "hello"
    assert said["environment"]["HOST"] == "0.0.0.0"
    assert said["environment"]["DB_PASSWORD"] is None
    assert "hunter2" not in answer.text


# --- together ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def consul_image(
    engine: Engine, consul_binary: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Consul and nothing else, from scratch."""
    from testcontainers.core.image import DockerImage

    context = tmp_path_factory.mktemp("consul")
    shutil.copy(consul_binary, context / "consul")
    (context / "Dockerfile").write_text(
        'FROM scratch\nCOPY consul /consul\nUSER 65532:65532\nENTRYPOINT ["/consul"]\n'
    )
    with DockerImage(context, tag="consul:local", clean_up=False) as image:
        return str(image)


def test_frontend_and_backends_beside_consul(images: dict[str, str], consul_image: str) -> None:
    from testcontainers.core.network import Network

    command = ["agent", "-dev", "-client=0.0.0.0", "-disable-host-node-id", "-node=tests"]
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network())
        consul = stack.enter_context(
            run_box(consul_image, port=8500, network=network, alias="consul", command=command)
        )
        api = stack.enter_context(httpx.Client(base_url=consul.url, trust_env=False))
        until(lambda: has_leader(api), "Consul has a leader")
        old, new = (
            stack.enter_context(
                ready_box(images["backend"], network=network, environment={"RELEASE": release})
            )
            for release in ("1.0.0", "1.1.0")
        )
        frontend = stack.enter_context(
            ready_box(
                images["frontend"],
                network=network,
                environment={"RELEASE": "3.0.0", "CONSUL_HTTP_ADDR": "http://consul:8500"},
            )
        )

        def releases() -> set[str | None]:
            return {fetch(frontend.url).headers.get("X-Backend-Release") for _ in range(4)}

        assert fetch(frontend.url).status_code == 503, "nobody is registered yet"
        register(api, "old", old.address_in(network))
        until(lambda: releases() == {"1.0.0"}, "the first backend is found")
        register(api, "new", new.address_in(network))
        until(lambda: releases() == {"1.0.0", "1.1.0"}, "both are found")
        old.wrapped.stop(timeout=25)
        page = fetch(frontend.url)
        assert (page.status_code, page.headers["X-Backend-Release"]) == (200, "1.1.0")
        assert page.headers["X-Release"] == "3.0.0"
        new.wrapped.stop(timeout=25)
        assert fetch(frontend.url).status_code == 503


def has_leader(api: httpx.Client) -> bool:
    try:
        answer = api.get("/v1/status/leader")
    except httpx.TransportError:
        return False
    return answer.status_code == 200 and answer.json() != ""


def register(api: httpx.Client, name: str, address: str) -> None:
    """A backend whose health Consul asks itself, container to container."""
    check = {"HTTP": f"http://{address}:8080/health", "Interval": "1s", "Timeout": "1s"}
    body = {"ID": name, "Name": "backend", "Address": address, "Port": 8080, "Check": check}
    api.put("/v1/agent/service/register", json=body).raise_for_status()
