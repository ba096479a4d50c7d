"""A real registry of images on loopback, and a wire to it that can be cut."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.services.running import PATIENCE, until

USER, PASSWORD = "pusher", "a long password"
_BCRYPT = "$2y$05$abcdefghijklmnopqrstuubQAIp2KHArSATlxkyfhXij4AEzV6VKS"
_BCRYPT_AWS = "$2y$05$abcdefghijklmnopqrstuu/4ofrUS75HrKu6f.iuRo0I/XlrmpqlC"
"""Of what moto gives as ECR's password."""


@dataclass(frozen=True, slots=True)
class Place:
    """A running registry."""

    host: str
    """`127.0.0.1:port`."""

    def tags(self, repository: str) -> list[str]:
        """What it has there."""
        answer = httpx.get(f"http://{self.host}/v2/{repository}/tags/list", trust_env=False)
        return list(answer.json().get("tags") or []) if answer.status_code == 200 else []

    def digest(self, repository: str, tag: str) -> str:
        """What a tag stands for, as the registry says it itself."""
        accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
        url = f"http://{self.host}/v2/{repository}/manifests/{tag}"
        answer = httpx.head(url, headers=accept, trust_env=False)
        return str(answer.headers["Docker-Content-Digest"])


@contextlib.contextmanager
def run_registry(folder: Path, *, guarded: bool = False, auth: str = "") -> Iterator[Place]:
    """Debian's `docker-registry`; `guarded`: for known users alone; `auth`: as it words it."""
    if (program := shutil.which("docker-registry")) is None:
        pytest.skip("docker-registry: no such program; on Debian: apt-get install docker-registry")
    with socket.create_server(("127.0.0.1", 0)) as held:
        host = f"127.0.0.1:{held.getsockname()[1]}"
    (folder / "htpasswd").write_text(f"{USER}:{_BCRYPT}\nAWS:{_BCRYPT_AWS}\n")
    lines = [
        "version: 0.1",
        "log: {level: error, accesslog: {disabled: true}}",
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}",
        f"http: {{addr: '{host}', relativeurls: true, secret: tests}}",
    ]
    if guarded:
        auth = f"{{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}"
    lines += [f"auth: {auth}"] if auth else []
    (folder / "config.yml").write_text("\n".join(lines) + "\n")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [program, "serve", str(folder / "config.yml")],
            env={"PATH": "/usr/bin:/bin"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: _answers(host), "the registry answers")
        yield Place(host)
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _answers(host: str) -> bool:
    try:
        return httpx.get(f"http://{host}/v2/", trust_env=False).status_code in {200, 401}
    except httpx.TransportError:
        return False


class Wire:
    """Carries bytes to a registry until it is told not to; `host` stands for the registry's."""

    def __init__(self, place: Place):
        self._upstream = place.host
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._guard = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._cut_at: bytes | None = None
        self._lose_at: bytes | None = None
        self._dead = False
        self.cuts = 0
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def cut_at(self, text: bytes) -> None:
        """The first connection that sends this ends there, as do all others from then on."""
        self._cut_at = text

    def lose_at(self, text: bytes) -> None:
        """What is sent so arrives; its answer, and everything after it, does not."""
        self._lose_at = text

    def mend(self) -> None:
        """Carry everything again."""
        self._cut_at = self._lose_at = None
        self._dead = False

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._die()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        host, _, port = self._upstream.partition(":")
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._dead:
                near.close()
                continue
            far = socket.create_connection((host, int(port)), PATIENCE)
            with self._guard:
                self._sockets |= {near, far}
            lost = threading.Event()
            self._start(self._carry, near, far, True, lost)
            self._start(self._carry, far, near, False, lost)

    def _carry(
        self, source: socket.socket, sink: socket.socket, up: bool, lost: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            source.settimeout(None)
            while piece := source.recv(65536):
                if up and self._cut_at is not None and self._cut_at in piece:
                    self._die()
                    return
                if up and self._lose_at is not None and self._lose_at in piece:
                    lost.set()
                if not up and lost.is_set():
                    self._die()
                    return
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _die(self) -> None:
        self._dead = True
        self.cuts += 1
        with self._guard:
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextlib.contextmanager
def wire_to(place: Place) -> Iterator[Wire]:
    """A wire for the length of a block."""
    wire = Wire(place)
    try:
        yield wire
    finally:
        wire.close()
