"""A server of ours as a task runs it: a process, what it says, and requests to it."""

from __future__ import annotations

import json
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.services.running import NO_TLS, PATIENCE, environment


class ServerProcess:
    """A running server and what it says."""

    def __init__(self, module: str, **variables: str):
        """`module`: what Python runs. `variables`: all that it is told."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._readers = [threading.Thread(target=self._read), threading.Thread(target=self._heed)]
        for reader in self._readers:
            reader.start()
        try:
            where = self.hear("listens")
        except BaseException:
            self.close()
            raise
        self.host, self.port = where["host"], where["port"]
        self.url = f"http://{self.host}:{self.port}"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def _heed(self) -> None:
        assert self.process.stderr is not None
        self.errors += [line.rstrip("\n") for line in self.process.stderr]

    def hear(self, event: str, **members: Any) -> dict[str, Any]:
        """The next line of this event that has these members."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"never said: {event} {members}") from None
            if line is None:
                raise AssertionError(f"ended without saying {event}: {self.errors}")
            self.said.append(line)
            if line["event"] == event and members.items() <= line.items():
                return line

    def ask(
        self, method: str, path: str, who: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One request on a connection of its own."""
        return httpx.request(
            method, self.url + path, headers=who or {}, timeout=PATIENCE, trust_env=False,
            verify=NO_TLS, **more,
        )  # fmt: skip

    def raw(self, data: bytes = b"") -> socket.socket:
        """A connection that has said this."""
        connection = socket.create_connection((self.host, self.port), PATIENCE)
        connection.sendall(data)
        return connection

    def core_limits(self) -> list[str]:
        """Bytes of a core file, the soft and the hard limit."""
        said = Path(f"/proc/{self.process.pid}/limits").read_text()
        return next(line for line in said.splitlines() if "core file" in line).split()[4:6]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close_readers(self) -> None:
        """Have all that it said, once it has ended."""
        for reader in self._readers:
            reader.join(PATIENCE)

    def close(self) -> None:
        """End it, whatever it was doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.close_readers()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
