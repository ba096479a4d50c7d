"""The operator's relay and the balancer, as the programs that they are, on loopback."""

from __future__ import annotations

import http.client
import json
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from toolkit.clients.socks import connect
from toolkit.cluster.rehearsal import balancer, relay

LIMIT = 30.0


class Echo(socketserver.BaseRequestHandler):
    """Says back what it hears until the other end has ended, then says so."""

    def handle(self) -> None:
        while data := self.request.recv(4096):
            self.request.sendall(data)
        self.request.sendall(b" and out")


@contextmanager
def served(server: socketserver.BaseServer) -> Iterator[socketserver.BaseServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with served(Server(("127.0.0.2", 0), Echo)) as server:
        yield server.server_address  # type: ignore[misc]


@contextmanager
def program(path: str, *arguments: str, keep: tuple[int, ...] = ()) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-IS", path, *arguments], pass_fds=keep, stderr=subprocess.PIPE
    )
    try:
        yield
    finally:
        process.terminate()
        _, said = process.communicate(timeout=LIMIT)
    assert said == b""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    names = tmp_path / "names.json"
    names.write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        keep = listening.fileno()
        with program(relay.__file__, str(keep), str(names), keep=(keep,)):
            yield f"socks5h://127.0.0.1:{port}", names


def say(proxy: str, place: tuple[str, int]) -> bytes:
    with closing(connect(urlsplit(proxy), place, LIMIT)) as line:
        line.sendall(b"over")
        line.shutdown(socket.SHUT_WR)
        heard = b""
        while data := line.recv(4096):
            heard += data
        return heard


def test_names_are_looked_up_on_the_other_side(
    proxy: tuple[str, Path], echo: tuple[str, int]
) -> None:
    address, names = proxy
    names.write_text(json.dumps({"server-1.prod.internal": [echo[0]]}))
    assert say(address, ("server-1.prod.internal", echo[1])) == b"over and out"
    assert say(address, ("Server-1.prod.internal.", echo[1])) == b"over and out"
    assert say(address, echo) == b"over and out"


def test_a_name_of_several_leads_to_the_first_that_answers(
    proxy: tuple[str, Path], echo: tuple[str, int]
) -> None:
    address, names = proxy
    names.write_text(json.dumps({"server.global.nomad": ["127.0.0.3", "127.0.0.4", echo[0]]}))
    assert say(address, ("server.global.nomad", echo[1])) == b"over and out"


def test_names_are_read_again_for_every_connection(
    proxy: tuple[str, Path], echo: tuple[str, int]
) -> None:
    address, names = proxy
    with pytest.raises(OSError, match="host unreachable"):
        say(address, ("worker-1.prod.internal", echo[1]))
    names.write_text(json.dumps({"worker-1.prod.internal": [echo[0]]}))
    assert say(address, ("worker-1.prod.internal", echo[1])) == b"over and out"


def test_who_refuses_is_said_to_refuse(proxy: tuple[str, Path], echo: tuple[str, int]) -> None:
    with pytest.raises(OSError, match="refused"):
        say(proxy[0], ("127.0.0.5", echo[1]))


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        (b"\x04\x01\x00\x50", b"\x05\xff"),
        (b"\x05\x01\x02", b"\x05\xff"),
        (b"GET / HTTP/1.1\r\n\r\n" + b"\0" * 300, b"\x05\xff"),
        (b"\x05\x01\x00\x05\x02\x00\x01\x7f\0\0\x01\0\x50", b"\x05\x00\x05\x07\0\x01" + bytes(6)),
        (b"\x05\x01\x00\x05\x01\x00\x09", b"\x05\x00"),
        (b"\x05\x01\x00\x05\x01\x00\x03\x02\xff\xff\0\x50", b"\x05\x00"),
        (b"\x05", b""),
    ],
)
def test_what_is_no_request_is_answered_and_ended(
    proxy: tuple[str, Path], echo: tuple[str, int], told: bytes, answer: bytes
) -> None:
    parts = urlsplit(proxy[0])
    with closing(socket.create_connection((parts.hostname or "", parts.port or 0), LIMIT)) as line:
        line.sendall(told)
        line.shutdown(socket.SHUT_WR)
        heard = b""
        try:
            while data := line.recv(4096):
                heard += data
        except ConnectionResetError:
            # It hung up on what it had not read.
            pass
    assert heard[: len(answer)] == answer
    # And it serves the next one.
    assert say(proxy[0], echo) == b"over and out"


@dataclass
class Edge:
    """A Traefik as the balancer sees one."""

    address: str
    ping: int = 200
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


def front(edge: Edge, port: int = 0) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            body = edge.address.encode()
            self.send_response(edge.ping if self.path == "/ping" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            if self.path == "/ping":
                edge.asked.release()

    return ThreadingHTTPServer((edge.address, port), Handler)


def served_by(port: int) -> str | None:
    """Who answers at the balancer; None when it hangs up."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)) as line:
        try:
            line.request("GET", "/")
            return line.getresponse().read().decode()
        except (http.client.HTTPException, ConnectionError):
            return None


def rounds(edge: Edge, count: int) -> None:
    """So many checks that begin from now on, and one that was under way."""
    while edge.asked.acquire(blocking=False):
        pass
    for _ in range(count):
        assert edge.asked.acquire(timeout=LIMIT)


def test_requests_go_to_machines_that_ping_well_and_to_no_others(tmp_path: Path) -> None:
    one, two = Edge("127.0.0.2"), Edge("127.0.0.3", ping=503)
    targets, health = tmp_path / "targets.json", tmp_path / "health.json"
    with served(front(one)) as first:
        port: int = first.server_address[1]  # type: ignore[index, assignment]
        with served(front(two, port)), socket.create_server(("127.0.0.1", 0)) as held:
            listen = held.getsockname()[1]
            held.close()
            said = {"listen": [listen], "port": port, "ping": port}
            targets.write_text(json.dumps({**said, "machines": {"a": one.address}}))
            with program(balancer.__file__, str(targets), str(health)):
                # One more than it takes: the last answer is counted before the next round.
                rounds(one, balancer.TURNS + 2)
                assert {served_by(listen) for _ in range(4)} == {one.address}
                machines = {"a": one.address, "b": two.address}
                targets.write_text(json.dumps({**said, "machines": machines}))
                rounds(two, balancer.TURNS + 2)
                assert {served_by(listen) for _ in range(4)} == {one.address}
                two.ping = 200
                rounds(two, balancer.TURNS + 2)
                assert {served_by(listen) for _ in range(4)} == {one.address, two.address}
                assert json.loads(health.read_text()) == {"a": True, "b": True}
                one.ping = 503
                rounds(one, balancer.TURNS + 2)
                assert {served_by(listen) for _ in range(4)} == {two.address}
                two.ping = 503
                rounds(two, balancer.TURNS + 2)
                assert served_by(listen) is None


def test_one_bad_answer_is_none_and_a_good_one_begins_again() -> None:
    judge = balancer.Balancer(Path("-"), Path("-"), machines={"a": "127.0.0.2"})
    seen = []
    for well in (True, False, True, True, False, True, False, False, True, True):
        judge.judge("a", well=well)
        seen.append(judge.choose() != [])
    #        T      F      T      T     F     T     F     F      T      T
    assert seen == [False, False, False, True, True, True, True, False, False, True]


def test_machines_take_turns() -> None:
    judge = balancer.Balancer(
        Path("-"), Path("-"), machines={"a": "1", "b": "2", "c": "3"}, good={"a", "c"}
    )
    assert [judge.choose() for _ in range(3)] == [["1", "3"], ["3", "1"], ["1", "3"]]
