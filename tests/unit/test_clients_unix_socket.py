"""Nomad asked over a unix socket: the same answers, the same errors, and no other way out."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from toolkit.clients.nomad import Nomad
from toolkit.clients.session import session_for
from toolkit.clients.unix_socket import LONGEST_PATH, socket_path
from toolkit.errors import DeniedError, UnreachableError
from toolkit.spec.target import Endpoint, Secret


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.asked.append((self.path, dict(self.headers)))
        status, body = self.server.answers.get(self.path.partition("?")[0], (404, b"job not found"))
        if not body:
            self.close_connection = True
            return
        self.send_response_only(status)
        self.send_header("X-Nomad-Index", "9")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, tuple[int, bytes]] = {}


@contextmanager
def listening(path: Path) -> Iterator[Server]:
    with Server(path) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def client(address: str, **how: object) -> Iterator[Nomad]:
    endpoint = Endpoint("Nomad", address, "kick.toml", **how)  # type: ignore[arg-type]
    with Nomad(endpoint, sleep=lambda _seconds: None) as nomad:
        yield nomad


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose name is short: the kernel takes no long one."""
    return tmp_path_factory.mktemp("s")


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("unix:/secrets/api.sock", "/secrets/api.sock"),
        ("unix:///secrets/api.sock", "/secrets/api.sock"),
        ("unix:api.sock", "api.sock"),
        ("http://127.0.0.1:4646", None),
    ],
)
def test_a_socket_is_told_by_its_address(address: str, path: str | None) -> None:
    assert socket_path(address) == path


@pytest.mark.parametrize("slashes", ["", "//"])
def test_answers_come_over_the_socket(folder: Path, slashes: str) -> None:
    path = folder / "api.sock"
    with listening(path) as server:
        server.answers["/v1/jobs"] = (200, b'[{"ID": "web", "Priority": 50}]')
        server.answers["/v1/job/web/allocations"] = (200, b"[]")
        server.answers["/.well-known/jwks.json"] = (200, b'{"keys": [{"kid": "1"}]}')
        with client(f"unix:{slashes}{path}", token=Secret("s3cret")) as nomad:
            assert nomad.priorities() == {("default", "web"): 50}
            assert nomad.signing_keys() == [{"kid": "1"}]
            page = nomad.allocations("web", index=4, wait=2.0)
            copy = nomad.clone()
            assert copy.priorities() == {("default", "web"): 50}
            copy.close()

    assert (page.index, page.value) == (9, [])
    assert [path.partition("?")[0] for path, _ in server.asked] == [
        "/v1/jobs", "/.well-known/jwks.json", "/v1/job/web/allocations", "/v1/jobs",
    ]  # fmt: skip
    assert "index=4&wait=2000ms" in server.asked[2][0]
    assert all(headers["Host"] == "localhost" for _, headers in server.asked)
    assert all(headers["X-Nomad-Token"] == "s3cret" for _, headers in server.asked)


def test_errors_are_the_same(folder: Path) -> None:
    path = folder / "api.sock"
    with listening(path) as server, client(f"unix:{path}") as nomad:
        server.answers["/v1/jobs"] = (403, b"Permission denied")
        with pytest.raises(DeniedError, match=f"Nomad at unix:{path}: Permission denied"):
            nomad.priorities()
        server.answers["/v1/jobs"] = (200, b"")
        with pytest.raises(UnreachableError, match="closed the connection without a reply"):
            nomad.priorities()


def test_what_is_not_there_is_named(folder: Path) -> None:
    path = folder / "api.sock"
    with client(f"unix:{path}") as nomad, pytest.raises(UnreachableError) as caught:
        nomad.priorities()
    message = f"Nomad at unix:{path} cannot be reached: no such file or directory"
    assert (caught.value.message, caught.value.lost_reply) == (message, False)

    with socket.socket(socket.AF_UNIX) as nobody_listens:
        nobody_listens.bind(str(path))
        refused = pytest.raises(UnreachableError, match="connection refused")
        with client(f"unix:{path}") as nomad, refused:
            nomad.priorities()


@pytest.mark.parametrize(
    ("name", "what"),
    [("s" * (LONGEST_PATH + 1), "file name too long"), ("a\0b", "invalid argument")],
    ids=("long", "zero byte"),
)
def test_a_path_that_no_kernel_takes(name: str, what: str) -> None:
    with client(f"unix:/{name}") as nomad, pytest.raises(UnreachableError, match=what):
        nomad.priorities()


def test_the_socket_is_the_only_way_out(folder: Path) -> None:
    path = folder / "api.sock"
    endpoint = Endpoint("Nomad", f"unix:{path}", "kick.toml", proxy="http://127.0.0.1:1")
    with listening(path) as server, session_for(endpoint) as session:
        server.answers["/v1/jobs"] = (200, b"[]")
        for url in ("http://localhost", "http://192.0.2.1:4646", "https://example.com"):
            assert session.get(f"{url}/v1/jobs", timeout=5).json() == []
