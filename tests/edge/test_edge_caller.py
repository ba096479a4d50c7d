"""Who calls: what the shipped edge believes of it, and from whom, behind either kind of balancer.

The arguments are those of the rendered job, but for addresses; Traefik is real, and so is the
balancer of a rehearsal.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.agents.cluster import pinned_machine
from tests.agents.workers import free_ports
from tests.golden.shipped import clustered
from tests.services.running import until
from toolkit.cluster.rehearsal import balancer

pytestmark = pytest.mark.edge

LIMIT = 20.0
TRUSTED, STRANGER, CALLER, FORGED = "127.0.0.1", "127.0.0.2", "127.0.0.5", "198.51.100.7"
CLUSTER = """
region = "eu-west-1"
edge = { kind = "KIND" }
[pools.frontend]
type = "t3.small"
[binaries.nomad]
version = "1.11.3"
[binaries.consul]
version = "1.22.7"
"""
BEFORE = '[env.prod.variables]\ntrusted = ["203.0.113.0/24"]\n'
"""A CDN in front of the balancer."""
DYNAMIC = """
http:
  middlewares: {try-another: {retry: {attempts: 1}}}
  routers: {all: {rule: "PathPrefix(`/`)", entryPoints: [public], service: echo}}
  services: {echo: {loadBalancer: {servers: [{url: "http://127.0.0.1:ECHO"}]}}}
"""


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers it was sent."""

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Answer:
    """A status, and what the service behind was told."""

    status: int
    seen: dict[str, str]


def ask(
    port: int, *, source: str = TRUSTED, before: bytes = b"", path: str = "/", said: str = ""
) -> Answer:
    """Send `before` and then a request from an address of this machine; `said`: a header line."""
    with closing(socket.create_connection(("127.0.0.1", port), LIMIT, (source, 0))) as line:
        request = f"GET {path} HTTP/1.0\r\nHost: shop\r\n{said}\r\n"
        line.sendall(before + request.encode())
        heard = b""
        while data := line.recv(65536):
            heard += data
    head, _, body = heard.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    return Answer(status, json.loads(body) if status == 200 and body.startswith(b"{") else {})


@dataclass(frozen=True)
class Edge:
    """Ports of one Traefik."""

    public: int
    api: int


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Edge]:
    """The shipped edge behind a balancer of a kind that may be at TRUSTED."""
    machine = pinned_machine()
    hcl = clustered("traefik", CLUSTER.replace("KIND", kind), BEFORE).hcl
    assert "=10.42.192.0/18" in hcl
    public, private, api = free_ports(3)
    given = {
        "=:${NOMAD_PORT_public}": f"=127.0.0.1:{public}",
        "${NOMAD_IP_private}:${NOMAD_PORT_private}": f"127.0.0.1:{private}",
        "${NOMAD_IP_api}:${NOMAD_PORT_api}": f"127.0.0.1:{api}",
        "${NOMAD_SECRETS_DIR}": str(folder),
        "10.42.192.0/18": f"{TRUSTED}/32",
    }
    arguments = [each for each in re.findall(r'"(--[^"]+)",', hcl) if "consulCatalog" not in each]
    for old, new in given.items():
        arguments = [each.replace(old, new) for each in arguments]
    assert not any("${" in each for each in arguments), arguments
    with ExitStack() as stack:
        server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Echo))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        (folder / "edge.yml").write_text(DYNAMIC.replace("ECHO", str(server.server_port)))
        log = stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(
            [str(machine.traefik_bin), *arguments], stdout=log, stderr=log, env={}
        )
        stack.callback(process.wait)
        # It would serve on for a while, as it should behind a balancer.
        stack.callback(process.kill)
        edge = Edge(public, api)
        until(lambda: process.poll() is None and _serves(edge), "Traefik routes")
        yield edge


def _serves(edge: Edge) -> bool:
    try:
        return ask(edge.public).status == 200
    except (OSError, ValueError, IndexError):
        return False


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Behind a network load balancer."""
    with running("nlb", tmp_path_factory.mktemp("nlb")) as edge:
        yield edge


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Behind an application load balancer."""
    with running("alb", tmp_path_factory.mktemp("alb")) as edge:
        yield edge


HEADER = balancer.called_by((FORGED, 4242), ("10.0.0.1", 80))
SAID = f"X-Forwarded-For: {FORGED}\r\n"


def test_whoever_is_no_balancer_cannot_say_who_calls(network: Edge, application: Edge) -> None:
    for edge, before in ((network, HEADER), (network, b""), (application, b"")):
        seen = ask(edge.public, source=STRANGER, before=before, said=SAID).seen
        assert (seen["x-forwarded-for"], seen["x-real-ip"]) == (STRANGER, STRANGER)


def test_behind_a_network_balancer_the_caller_is_whom_the_proxy_protocol_names(
    network: Edge,
) -> None:
    seen = ask(network.public, before=HEADER, said="X-Forwarded-For: 192.0.2.1\r\n").seen
    assert (seen["x-forwarded-for"], seen["x-real-ip"]) == (FORGED, FORGED)


def test_behind_a_network_balancer_a_cdn_says_who_its_own_caller_is(network: Edge) -> None:
    cdn = "203.0.113.9"
    header = balancer.called_by((cdn, 4242), ("10.0.0.1", 80))
    seen = ask(network.public, before=header, said=SAID).seen
    assert seen["x-forwarded-for"] == f"{FORGED}, {cdn}"


def test_behind_an_application_balancer_it_is_whom_its_header_names(application: Edge) -> None:
    seen = ask(application.public, said=SAID).seen
    assert seen["x-forwarded-for"] == f"{FORGED}, {TRUSTED}"
    assert ask(application.public, before=HEADER).status == 400


def test_a_network_balancers_check_begins_with_the_protocol_too(
    network: Edge, application: Edge
) -> None:
    assert ask(network.api, before=balancer.OWN, path="/ping").status == 200
    assert ask(network.api, path="/ping").status == 200
    # So an edge that was not told to expect it would be out.
    assert ask(application.api, before=balancer.OWN, path="/ping").status == 400


def test_through_a_rehearsals_balancer_a_service_sees_the_caller(
    network: Edge, tmp_path: Path
) -> None:
    targets, health = tmp_path / "targets.json", tmp_path / "health.json"
    [listen] = free_ports(1)
    said = {"listen": [listen], "port": network.public, "ping": network.api, "proxied": True}
    targets.write_text(json.dumps({**said, "machines": {"frontend-1": "127.0.0.1"}}))
    program = [sys.executable, "-IS", balancer.__file__, str(targets), str(health)]
    process = subprocess.Popen(program)
    try:
        until(lambda: health.exists() and json.loads(health.read_text())["frontend-1"], "it is in")
        assert ask(listen, source=CALLER, said=SAID).seen["x-forwarded-for"] == CALLER
    finally:
        process.terminate()
        process.wait(LIMIT)
