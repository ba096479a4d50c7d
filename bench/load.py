"""A bounded load on the edge, and what was served to it: by second, by release, what failed."""

from __future__ import annotations

import http.client
import itertools
import select
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MOST_REQUESTS = 40_000
MOST_SECONDS = 900.0
PATIENCE = 30.0
"""Seconds that an answer may take: far above what a busy machine makes of it, so that a request
that failed was lost, and not merely late."""


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of request."""

    name: str
    host: str
    path: str = "/"
    method: str = "GET"
    release_header: str = "X-Release"


@dataclass(frozen=True, slots=True)
class Hit:
    """One request's end."""

    at: float
    """Seconds since the load began."""
    target: str
    release: str | None
    problem: str | None
    seconds: float


@dataclass
class Load:
    """Clients that loop over the targets at a total rate until stopped or until a bound is met.

    All but `fresh` of them keep their connection, across releases too.
    """

    address: str
    targets: Sequence[Target]
    rate: float = 150.0
    clients: int = 4
    fresh: int = 0
    """Of the clients, how many open a connection for each request."""
    hits: list[Hit] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._ticket = itertools.count()
        self._threads = [
            threading.Thread(target=self._run, args=(number < self.fresh,), daemon=True)
            for number in range(self.clients)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the load and wait for its last answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=PATIENCE + 5)

    @property
    def now(self) -> float:
        """Seconds since the load began."""
        return time.monotonic() - self._began

    def wait_for(self, requests: int) -> None:
        """Return when that many requests have ended, or the load has."""
        while len(self.hits) < requests and self.now < MOST_SECONDS:
            self._stop.wait(0.05)

    @property
    def failed(self) -> list[Hit]:
        """Requests that got no good answer."""
        return [hit for hit in self.hits if hit.problem]

    def _run(self, fresh: bool) -> None:
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        while not self._stop.is_set():
            number = next(self._ticket)
            due = number / self.rate
            if number >= MOST_REQUESTS or due > MOST_SECONDS:
                break
            if self._stop.wait(max(0.0, due - self.now)):
                break
            if fresh or hung_up(connection):
                connection.close()
            self.hits.append(self._one(connection, self.targets[number % len(self.targets)]))
        connection.close()

    def _one(self, connection: http.client.HTTPConnection, target: Target) -> Hit:
        began = time.monotonic()
        release, problem = None, None
        try:
            body = b"{}" if target.method == "POST" else None
            connection.request(target.method, target.path, body, {"Host": target.host})
            answer = connection.getresponse()
            answer.read()
            release = answer.getheader(target.release_header)
            if answer.status >= 400:
                problem = f"HTTP {answer.status}"
        except (OSError, http.client.HTTPException) as exc:
            problem = type(exc).__name__
            connection.close()
        ended = time.monotonic()
        return Hit(ended - self._began, target.name, release, problem, ended - began)


def hung_up(connection: http.client.HTTPConnection) -> bool:
    """True when the other side has closed a kept connection: every client looks before it asks."""
    if connection.sock is None:
        return False
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def tell_failed(hits: Sequence[Hit]) -> str:
    """What failed, by kind of request and problem, with the first and last second of each."""
    found: dict[tuple[str, str], list[float]] = {}
    for hit in hits:
        if hit.problem:
            found.setdefault((hit.target, hit.problem), []).append(hit.at)
    return ", ".join(
        f"{len(at)} × {name} {problem} ({min(at):.1f}–{max(at):.1f} s)"
        for (name, problem), at in sorted(found.items())
    )


@dataclass(frozen=True, slots=True)
class Served:
    """What one release served."""

    release: str
    requests: int
    first: float
    last: float


def by_release(hits: Sequence[Hit]) -> list[Served]:
    """Requests, first and last second of each release, in the order of their first request."""
    found: dict[str, list[float]] = {}
    for hit in hits:
        if hit.release:
            found.setdefault(hit.release, []).append(hit.at)
    rows = [Served(name, len(at), min(at), max(at)) for name, at in found.items()]
    return sorted(rows, key=lambda row: row.first)


def bars(hits: Sequence[Hit], width: int = 50) -> list[str]:
    """One line a second: which releases served how many requests, and what failed."""
    releases = [row.release for row in by_release(hits)]
    glyphs = dict(zip(releases, "█▒░▓", strict=False))
    seconds: dict[int, dict[str, int]] = {}
    for hit in hits:
        row = seconds.setdefault(int(hit.at), {})
        key = "failed" if hit.problem else (hit.release or "?")
        row[key] = row.get(key, 0) + 1
    most = max((sum(row.values()) for row in seconds.values()), default=1)
    lines = [f"  {'':>4}  " + "  ".join(f"{glyphs.get(name, '?')} {name}" for name in releases)]
    for second in sorted(seconds):
        row = seconds[second]
        bar = "".join(
            glyphs.get(name, "?") * round(row.get(name, 0) * width / most) for name in releases
        )
        words = ", ".join(f"{name} {row[name]}" for name in [*releases, "failed"] if name in row)
        lines.append(f"  {second:>3}s  {bar:<{width}}  {words}")
    return lines
