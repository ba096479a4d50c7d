"""Which backends Consul lists as passing, and for how long an old list may stand in for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from frontend.settings import Settings

OLDEST_LIST = 60.0
"""Seconds that the last list is used while Consul does not answer."""


class NoListError(Exception):
    """Consul gave no list and no list is young enough to stand in; the message says why."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One backend that passed its check when Consul was asked."""

    id: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}/"


@dataclass(frozen=True, slots=True)
class Listing:
    """The instances, and why they are not Consul's word of now, if they are not."""

    instances: tuple[Instance, ...]
    excuse: str = ""


class Directory:
    """Asks Consul each time, and remembers the last answer for when Consul is away."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._client = client
        self._url = f"{settings.consul}/v1/health/service/{settings.service}"
        self._headers = {"X-Consul-Token": settings.token} if settings.token else {}
        self._clock = clock
        self._known: tuple[Instance, ...] = ()
        self._known_at: float | None = None

    async def look(self) -> Listing:
        """The backends to try; raises `NoListError` when there is no list.

        An empty list is an answer too: only silence and refusals make the last one stand in.
        """
        try:
            instances = await self._ask()
        except NoListError as exc:
            if self._known_at is None or self._clock() - self._known_at > OLDEST_LIST:
                raise
            return Listing(self._known, str(exc))
        self._known, self._known_at = instances, self._clock()
        return Listing(instances)

    async def _ask(self) -> tuple[Instance, ...]:
        try:
            answer = await self._client.get(
                self._url, params={"passing": "true"}, headers=self._headers
            )
        except httpx.HTTPError as exc:
            raise NoListError(f"Consul does not answer ({type(exc).__name__})") from exc
        if answer.status_code == 403:
            raise NoListError("Consul refuses the token (403)")
        if answer.status_code != 200:
            raise NoListError(f"Consul answered {answer.status_code}")
        try:
            return tuple(_instance(entry) for entry in answer.json())
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise NoListError("Consul's answer cannot be read") from exc


def _instance(entry: dict[str, dict[str, object]]) -> Instance:
    service = entry["Service"]
    # A service without an address of its own is at its node's.
    host = service.get("Address") or entry["Node"]["Address"]
    return Instance(str(service["ID"]), str(host), int(str(service["Port"])))
