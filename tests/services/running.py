"""The services as processes, as a job would run them, and servers that stand in for others."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar

import httpx

PATIENCE = 30.0
"""Seconds after which a test gives up; what it waits for takes a fraction of one."""

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here speaks TLS, and reading every authority there is for each request takes its time."""

T = TypeVar("T")


def until(look: Callable[[], T], what: str) -> T:
    """The first true result of `look`, asked again and again until the deadline."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {PATIENCE:g} s: {what}")


def environment(**variables: str) -> dict[str, str]:
    """What a task gets: nothing of ours but the search path, and any free port."""
    return {"PATH": os.environ["PATH"], "PORT": "0", **variables}


def run_to_end(name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A service that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", name],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


class Service:
    """A running service and what it says on its standard output."""

    def __init__(self, name: str, **variables: str):
        self.process = subprocess.Popen(
            [sys.executable, "-m", name],
            env=environment(**variables),
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            said = self.hear(r"listens on (.+):(\d+)$")
        except AssertionError:
            self.close()
            raise
        self.host, self.port = said[1], int(said[2])
        self.url = f"http://{self.host}:{self.port}"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("")  # the end of the output wakes whoever still listens

    def hear(self, pattern: str) -> re.Match[str]:
        """The first further line that matches."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"the service never said {pattern!r}") from None
            if match := re.search(pattern, line):
                return match
            if not line:
                raise AssertionError(f"the service ended without saying {pattern!r}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal and wait until the service says that it took it."""
        self.process.send_signal(number)
        self.hear(f"stops on {number.name}")

    def wait(self) -> int:
        """Its exit code."""
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End it, whatever it was doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextlib.contextmanager
def service(name: str, **variables: str) -> Iterator[Service]:
    """A service for the length of a block."""
    running = Service(name, **variables)
    try:
        yield running
    finally:
        running.close()


class RequestInFlight:
    """A POST whose handler is known to have begun, and which waits for the rest of its body.

    The server's `100 Continue` is sent when the handler first asks for the body, so nobody has to
    guess how long a request needs to arrive.
    """

    def __init__(self, host: str, port: int, path: str = "/"):
        self._socket = socket.create_connection((host, port), PATIENCE)
        self._file = self._socket.makefile("rb")
        self._socket.sendall(
            f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\n"
            "Expect: 100-continue\r\n\r\n".encode()
        )
        assert self._file.readline().startswith(b"HTTP/1.1 100 "), "the handler never began"
        assert self._file.readline() == b"\r\n"

    def finish(self) -> str:
        """Send the rest and return the status line; empty when the server hung up."""
        self._socket.sendall(b"rest")
        return self._file.readline().decode().strip()

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()


def is_refused(host: str, port: int) -> bool:
    """Whether nobody listens there any more."""
    try:
        socket.create_connection((host, port), PATIENCE).close()
    except ConnectionError:
        return True
    return False


Answer = tuple[int, bytes]
Respond = Callable[[str, dict[str, str]], Answer]


@contextlib.contextmanager
def stand_in(respond: Respond) -> Iterator[str]:
    """A server that answers with `respond(path, headers)`; yields its `host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            status, body = respond(self.path, headers)
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)


def closed_port() -> str:
    """An address on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def fetch(url: str, path: str = "/") -> httpx.Response:
    """One GET on a connection of its own."""
    return httpx.get(url + path, timeout=PATIENCE, trust_env=False, verify=NO_TLS)
