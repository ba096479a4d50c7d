"""Clients of the kick server that cost next to nothing: on two cores they must not count."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Address = tuple[str, int]
PATIENCE = 60.0


class Wire:
    """One kept connection; requests are bytes, answers a status."""

    def __init__(self, address: Address, token: str):
        self._socket = socket.create_connection(address, PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._fixed = (
            f"Host: kick\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        )

    def put(self, name: str, value: str) -> int:
        """Let a name have an address; the status."""
        body = json.dumps({"ip_address": value})
        head = (
            f"PUT /record/{name} HTTP/1.1\r\n{self._fixed}"
            f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._socket.sendall((head + body).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._more()
        top, _, rest = answer.partition(b"\r\n\r\n")
        length = int(top.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(rest) < length:
            rest += self._more()
        return int(top[9:12])

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _more(self) -> bytes:
        got = self._socket.recv(65536)
        if not got:
            raise ConnectionError("the server hung up")
        return got


@dataclass(frozen=True, slots=True)
class Taken:
    """What a load saw."""

    seconds: float
    latencies: tuple[float, ...]
    refused: tuple[int, ...]
    """Statuses other than 200 and 201."""

    @property
    def rate(self) -> float:
        """Writes a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, part: float) -> float:
        """Seconds that this part of the writes took at most."""
        return sorted(self.latencies)[min(len(self.latencies) - 1, int(part * len(self.latencies)))]


Next = Callable[[], tuple[str, str]]
"""The next name and value; for several threads."""


def as_fast_as_can_be(address: Address, token: str, clients: int, each: int, next_: Next) -> Taken:
    """Each client writes that many times, one after the other."""

    def due(_first: int) -> Iterator[float]:
        yield from (0.0 for _ in range(each))

    return _load(address, token, clients, due, next_)


def at_a_rate(
    address: Address, token: str, rate: float, seconds: float, clients: int, next_: Next
) -> Taken:
    """Writes begin when they are due, whatever became of those before; late ones count as slow."""

    def due(first: int) -> Iterator[float]:
        for number in range(first, int(rate * seconds), clients):
            yield number / rate

    return _load(address, token, clients, due, next_)


def _load(
    address: Address, token: str, clients: int, due: Callable[[int], Iterator[float]], next_: Next
) -> Taken:
    latencies: list[float] = []
    refused: list[int] = []
    broken: list[BaseException] = []
    ready = threading.Barrier(clients + 1)

    def client(first: int) -> None:
        wire = Wire(address, token)
        try:
            ready.wait(PATIENCE)
            began = time.monotonic()
            for at in due(first):
                if at:
                    time.sleep(max(0.0, began + at - time.monotonic()))
                name, value = next_()
                start = max(began + at, began) if at else time.monotonic()
                status = wire.put(name, value)
                latencies.append(time.monotonic() - start)
                if status not in (200, 201):
                    refused.append(status)
        except BaseException as exc:  # noqa: BLE001  a thread's end is silent otherwise
            broken.append(exc)
            ready.abort()
        finally:
            wire.close()

    threads = [threading.Thread(target=client, args=(n,), daemon=True) for n in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait(PATIENCE)
    began = time.monotonic()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    if broken:
        raise broken[0]
    return Taken(seconds, tuple(latencies), tuple(refused))
