"""A proxy in front of a real agent, for what a healthy agent will not do.

    with FaultProxy("http://127.0.0.1:4646") as proxy:
        proxy.add(Rule("lose", method="POST", path=r"/v1/jobs$", times=1))
        … use proxy.address in place of the agent's …
        assert proxy.count("POST", r"/v1/jobs$") == 1

Rules are tried in the order they were added; the first that matches and is not used up acts.
Everything else passes through as it comes, byte by byte, so that blocking queries and followed
logs behave as they do without it.
"""

from __future__ import annotations

import gzip
import http.client
import re
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

Action = Literal[
    "pass", "drop", "lose", "status", "delay", "cut", "garbage", "index", "silence", "headers",
    "rewrite", "forge",
]  # fmt: skip

LONGEST_DELAY = 30.0
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "proxy-connection"}


@dataclass(frozen=True)
class Rule:
    """What to do with the requests that match.

    pass     forward and answer (useful with `before`, or to spare the first requests)
    drop     close the connection before anything is forwarded
    lose     forward, wait for the agent's answer, then close without passing it on
    status   answer `status` with `text`, forward nothing
    delay    wait `seconds`, then forward
    cut      forward, promise the whole body, send its first `keep` bytes, close
    garbage  forward, answer 200 with `text` in place of the body
    index    forward, answer with index `index`
    silence  never answer; the connection stays open until the proxy closes
    headers  forward, answer with `headers` added, or in place of those of the same name
    rewrite  forward, answer with what `rewrite` makes of the body
    forge    forward what `rewrite` makes of the request's body
    """

    action: Action
    method: str = ".*"
    """Regular expression for the whole method."""
    path: str = ".*"
    """Regular expression searched for in path and query."""
    times: int | None = None
    """How often it acts; None: always."""
    status: int = 500
    text: str = ""
    seconds: float = 0.0
    keep: int = 5
    index: int = 1
    headers: tuple[tuple[str, str], ...] = ()
    rewrite: Callable[[bytes], bytes] = bytes
    before: Callable[[], None] | None = None
    """Called first, in the proxy's thread: what happens in between."""


class Request(NamedTuple):
    """One request that arrived."""

    method: str
    path: str
    """With its query."""


class FaultProxy:
    """Listens on a free port of loopback and forwards to `upstream`, except where a rule acts."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        if parts.hostname is None or parts.port is None or parts.scheme != "http":
            raise ValueError(f"{upstream!r} is not http://host:port")
        self.upstream = (parts.hostname, parts.port)
        self.closing = threading.Event()
        self._changed = threading.Condition()
        self._rules: list[list[Any]] = []
        self._requests: list[Request] = []
        self._sockets: set[socket.socket] = set()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="fault-proxy", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        assert self._server is not None and self._thread is not None
        self.closing.set()
        self._server.shutdown()
        self.cut_connections()
        # Joins the threads of the requests under way.
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """To be used in place of the agent's address."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> tuple[Request, ...]:
        """All requests that arrived, in order."""
        with self._changed:
            return tuple(self._requests)

    def count(self, method: str = ".*", path: str = ".*") -> int:
        """How many requests arrived that match."""
        return sum(1 for request in self.requests if _matches(request, method, path))

    def wait_for(
        self, method: str = ".*", path: str = ".*", *, count: int = 1, timeout: float = 30.0
    ) -> None:
        """Block until `count` matching requests arrived; AssertionError after `timeout` s."""
        with self._changed:
            arrived = self._changed.wait_for(
                lambda: sum(_matches(request, method, path) for request in self._requests) >= count,
                timeout,
            )
        if not arrived:
            raise AssertionError(f"{count} × {method} {path} did not arrive: {self.requests}")

    def add(self, *rules: Rule) -> None:
        """Add rules behind those that are there."""
        with self._changed:
            self._rules += [[rule, rule.times] for rule in rules]

    def clear(self) -> None:
        """Forget all rules: everything passes again."""
        with self._changed:
            self._rules.clear()

    def cut_connections(self) -> None:
        """Close every connection, in both directions, as a dying network does."""
        with self._changed:
            sockets = list(self._sockets)
        for sock in sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def note(self, method: str, path: str) -> Rule:
        """Log the request and take the rule that acts on it."""
        request = Request(method, path)
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
            for entry in self._rules:
                rule, left = entry
                if left == 0 or not _matches(request, rule.method, rule.path):
                    continue
                if left is not None:
                    entry[1] = left - 1
                assert isinstance(rule, Rule)
                return rule
        return Rule("pass")

    def track(self, sock: socket.socket) -> None:
        """Remember a connection, to be closed at the end."""
        with self._changed:
            self._sockets.add(sock)
        if self.closing.is_set():
            # It was accepted while `__exit__` closed the others.
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def forget(self, sock: socket.socket) -> None:
        """The connection is closed."""
        with self._changed:
            self._sockets.discard(sock)


def _matches(request: Request, method: str, path: str) -> bool:
    return bool(re.fullmatch(method, request.method) and re.search(path, request.path))


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.proxy.track(self.connection)

    def finish(self) -> None:
        self.server.proxy.forget(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent: `FaultProxy.requests` is the log."""

    def _serve(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        rule = proxy.note(self.command, self.path)
        if rule.before is not None:
            rule.before()
        if rule.action == "delay":
            proxy.closing.wait(min(rule.seconds, LONGEST_DELAY))
        if rule.action == "silence":
            proxy.closing.wait()
        if rule.action in {"drop", "silence"} or proxy.closing.is_set():
            self.close_connection = True
        elif rule.action == "status":
            self._whole(rule.status, [("Content-Type", "text/plain")], rule.text.encode())
        else:
            self._forward(rule, body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _forward(self, rule: Rule, body: bytes) -> None:
        proxy = self.server.proxy
        agent = http.client.HTTPConnection(*proxy.upstream)
        try:
            agent.connect()
            proxy.track(agent.sock)
            if rule.action == "forge":
                body = rule.rewrite(body)
            asked = {name: text for name, text in self.headers.items() if name.lower() not in _HOP}
            agent.request(self.command, self.path, body or None, asked)
            if not self._wait_for_answer(agent.sock):
                self.close_connection = True
                return
            response = agent.getresponse()
            if rule.action == "lose":
                response.read()
                self.close_connection = True
            elif rule.action == "cut":
                whole = response.read()
                self._head(response.status, [*_passed(response), ("Content-Length", len(whole))])
                self.wfile.write(whole[: rule.keep])
                self.close_connection = True
            elif rule.action == "garbage":
                response.read()
                headers = [pair for pair in _passed(response) if pair[0] != "Content-Encoding"]
                self._whole(200, headers, rule.text.encode())
            elif rule.action == "rewrite":
                headers = [pair for pair in _passed(response) if pair[0] != "Content-Encoding"]
                body = _plain(response)
                self._whole(response.status, headers, rule.rewrite(body))
            else:
                self._stream(response, _changed_headers(rule, _passed(response)))
        except OSError:
            self.close_connection = True
        finally:
            if agent.sock is not None:
                proxy.forget(agent.sock)
            agent.close()

    def _wait_for_answer(self, agent: socket.socket) -> bool:
        """False when the client left first: the agent's blocking query must end then as well."""
        while True:
            ready, _, _ = select.select([agent, self.connection], [], [])
            if agent in ready:
                return True
            try:
                gone = not self.connection.recv(1, socket.MSG_PEEK)
            except OSError:
                gone = True
            if gone:
                return False

    def _stream(self, response: http.client.HTTPResponse, headers: list[tuple[str, Any]]) -> None:
        length = response.getheader("Content-Length")
        if length is not None or self.command == "HEAD" or response.status in {204, 304}:
            self._head(response.status, [*headers, ("Content-Length", length or 0)])
            while piece := response.read1(65536):
                self.wfile.write(piece)
            return
        self._head(response.status, [*headers, ("Transfer-Encoding", "chunked")])
        while piece := response.read1(65536):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _whole(self, status: int, headers: list[tuple[str, Any]], body: bytes) -> None:
        self._head(status, [*headers, ("Content-Length", len(body))])
        self.wfile.write(body)

    def _head(self, status: int, headers: list[tuple[str, Any]]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, str(value))
        self.end_headers()


def _plain(response: http.client.HTTPResponse) -> bytes:
    body = response.read()
    return gzip.decompress(body) if response.getheader("Content-Encoding") == "gzip" else body


def _passed(response: http.client.HTTPResponse) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP]


def _changed_headers(rule: Rule, headers: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    if rule.action == "headers":
        ours = {name.lower() for name, _ in rule.headers}
        return [*(pair for pair in headers if pair[0].lower() not in ours), *rule.headers]
    if rule.action != "index":
        return headers
    indexes = {"x-nomad-index", "x-consul-index"}
    return [(name, rule.index if name.lower() in indexes else value) for name, value in headers]
