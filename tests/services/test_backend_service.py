"""The backend as a process on a free port of loopback: what goes wrong first."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals

import httpx
import pytest
from backend.environ import read_address
from backend.reveal import reveal

from tests.services.running import (
    PATIENCE,
    RequestInFlight,
    Service,
    environment,
    fetch,
    is_refused,
    run_to_end,
    service,
    until,
)

SERVICES = Path(__file__).parents[2] / "services"


@pytest.fixture(scope="module")
def backend() -> Iterator[Service]:
    with service(
        "backend",
        RELEASE="1.0.0",
        NOMAD_ALLOC_ID="0a1f3c52-aaaa-bbbb-cccc-000000000000",
        NODE_NAME="node-1",
        GREETING="hello",
        DB_URL="postgres://demo:hunter2@db.internal/demo",
        API_KEY="k-hunter2",
        SHOW_ENV="EXTRA,API_KEY",
        EXTRA="seen",
        UNLISTED="unseen",
    ) as running:
        yield running


# --- configuration that cannot work ------------------------------------------------------------


def test_empty_db_url_ends_it_with_one_exact_line() -> None:
    ended = run_to_end("backend", DB_URL="")
    assert ended.stderr == "FATAL config key 'db_url' missing\n"
    assert ended.stdout == ""
    assert ended.returncode == 1


def test_empty_db_url_is_found_before_the_server_is_imported() -> None:
    code = (
        "import sys; from backend.__main__ import main; code = main();"
        "sys.exit(code if not {'starlette', 'uvicorn', 'asyncio'} & set(sys.modules) else 99)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment(DB_URL=""), capture_output=True
    )
    assert ended.returncode == 1


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "http", "FATAL PORT must be a port number from 0 to 65535, not 'http'"),
        ("PORT", "65536", "FATAL PORT must be a port number from 0 to 65535, not '65536'"),
        ("NOMAD_PORT_http", "-1", "FATAL NOMAD_PORT_http must be a port number"),
        ("SLOW_START", "soon", "FATAL SLOW_START must be a number of seconds, not 'soon'"),
        ("SLOW_START", "inf", "FATAL SLOW_START must be a number of seconds, not 'inf'"),
        ("DRAIN_SECONDS", "-1", "FATAL DRAIN_SECONDS must be a number of seconds, not '-1'"),
        ("RELEASE", "1.0\r\nX: y", "FATAL RELEASE must be printable ASCII"),
    ],
)
def test_wrong_variables_are_named(name: str, value: str, said: str) -> None:
    ended = run_to_end("backend", **{name: value})
    assert ended.stderr.startswith(said)
    assert ended.stderr.count("\n") == 1
    assert ended.returncode == 1


def test_a_taken_port_is_said_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_to_end("backend", PORT=str(port))
    assert ended.stderr == f"FATAL cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    assert ended.returncode == 1


# --- requests that are refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("DELETE", "/", 405),
        ("POST", "/health", 405),
        ("GET", "/?sleep=11", 400),
        ("GET", "/?sleep=-1", 400),
        ("GET", "/?sleep=nan", 400),
        ("GET", "/?sleep=long", 400),
    ],
)
def test_refusals_are_json_and_say_the_release(
    backend: Service, method: str, path: str, status: int
) -> None:
    answer = httpx.request(method, backend.url + path, trust_env=False)
    assert answer.status_code == status
    assert answer.headers["X-Release"] == "1.0.0"
    assert set(answer.json()) == {"error"}


def test_a_body_without_end_is_cut_off(backend: Service) -> None:
    answer = httpx.post(backend.url, content=b"x" * ((1 << 20) + 1), trust_env=False)
    assert answer.status_code == 413


# --- readiness and shutdown --------------------------------------------------------------------


def test_not_ready_while_starting_yet_it_answers() -> None:
    with service("backend", SLOW_START="3600") as starting:
        health = fetch(starting.url, "/health")
        assert (health.status_code, health.json()) == (503, {"status": "starting"})
        assert health.headers["X-Release"] == "dev"
        assert fetch(starting.url).status_code == 200


def test_not_ready_once_a_signal_came_and_a_second_one_ends_the_drain() -> None:
    with service("backend", DRAIN_SECONDS="3600") as draining:
        assert fetch(draining.url, "/health").status_code == 200
        draining.signal(SIGTERM)
        health = fetch(draining.url, "/health")
        assert (health.status_code, health.json()) == (503, {"status": "draining"})
        assert fetch(draining.url).status_code == 200, "requests are answered while it drains"
        draining.signal(SIGTERM)
        assert draining.wait() == 0


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
def test_a_request_in_flight_is_answered_after_the_signal(number: Signals) -> None:
    with service("backend") as ending:
        request = RequestInFlight(ending.host, ending.port)
        ending.signal(number)
        until(lambda: is_refused(ending.host, ending.port), "it stops listening")
        assert ending.process.poll() is None, "it ended with a request in flight"
        assert request.finish() == "HTTP/1.1 200 OK"
        assert ending.wait() == 0
        request.close()


def test_an_idle_connection_does_not_hold_up_the_end() -> None:
    with service("backend") as ending, httpx.Client(trust_env=False) as client:
        assert client.get(ending.url).status_code == 200
        ending.signal(SIGTERM)
        assert ending.wait() == 0


# --- what it says ------------------------------------------------------------------------------


def test_secrets_are_named_and_not_shown(backend: Service) -> None:
    answer = fetch(backend.url)
    shown = answer.json()["environment"]
    assert "hunter2" not in answer.text
    assert shown["DB_URL"] is None
    assert shown["API_KEY"] is None, "not even when it is asked for by name"
    assert shown["UNLISTED"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NOMAD_TOKEN", "x"),
        ("VAULT_TOKEN", "x"),
        ("DB_PASSWORD", "x"),
        ("DB_PASS", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("SENTRY_DSN", "x"),
        ("GREETING", "eyJhbGciOi.J9.x"),
        ("GREETING", "-----BEGIN PRIVATE KEY-----"),
        ("GREETING", "Bearer x"),
        ("DB_URL", "redis://:x@db"),
        ("DB_URL", "postgres://db/demo?user=a&password=x"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_even_when_asked_for(name: str, value: str) -> None:
    assert reveal({name: value, "SHOW_ENV": name})[name] is None


def test_plain_values_are_shown(backend: Service) -> None:
    shown = fetch(backend.url).json()["environment"]
    assert (shown["GREETING"], shown["EXTRA"], shown["RELEASE"]) == ("hello", "seen", "1.0.0")
    assert reveal({"DB_URL": "postgres://db.internal/demo"})["DB_URL"] is not None


def test_get_and_post_say_who_answers(backend: Service) -> None:
    got = fetch(backend.url)
    assert got.status_code == 200
    assert got.headers["X-Release"] == "1.0.0"
    said = got.json()
    assert said["service"] == "backend"
    assert said["release"] == "1.0.0"
    assert said["allocation"].startswith("0a1f3c52")
    assert said["node"] == "node-1"
    assert (said["method"], said["received"]) == ("GET", 0)
    posted = httpx.post(backend.url, content=b"four", trust_env=False).json()
    assert (posted["method"], posted["received"]) == ("POST", 4)


def test_ready_at_once_without_a_slow_start(backend: Service) -> None:
    health = fetch(backend.url, "/health")
    assert (health.status_code, health.json()) == (200, {"status": "ready"})


def test_one_connection_serves_many_requests(backend: Service) -> None:
    with socket.create_connection((backend.host, backend.port), PATIENCE) as connection:
        answers = connection.makefile("rb")
        for _ in range(3):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answers.read(length)
        answers.close()


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, ("127.0.0.1", 8080)),
        ({"PORT": "1234"}, ("127.0.0.1", 1234)),
        ({"PORT": "1234", "NOMAD_PORT_http": "5678"}, ("127.0.0.1", 5678)),
        ({"NOMAD_IP_http": "10.0.0.5"}, ("10.0.0.5", 8080)),
        ({"NOMAD_IP_http": "10.0.0.5", "HOST": "0.0.0.0"}, ("0.0.0.0", 8080)),
    ],
)
def test_where_it_listens(variables: dict[str, str], address: tuple[str, int]) -> None:
    assert read_address(variables) == address


@pytest.mark.parametrize("name", ["serve.py", "environ.py"])
def test_the_files_that_both_services_carry_are_the_same(name: str) -> None:
    backends, frontends = (SERVICES / kind / kind / name for kind in ("backend", "frontend"))
    assert backends.read_text() == frontends.read_text()
