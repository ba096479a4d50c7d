"""Where a job's probe enters, what it asks there, and what it reads from an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.clients.probe import Prober, Reply
from toolkit.rollout import edges
from toolkit.rollout.ask import below, in_json, trust
from toolkit.rollout.declared import services
from toolkit.rollout.world import World
from toolkit.spec.jobspec import ServedRelease
from toolkit.spec.probe import ProbeSettings


@dataclass(frozen=True, slots=True)
class Place:
    """One thing that is asked."""

    door: int
    """Which of the addresses."""
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Asking:
    """All that a probe needs to know to ask."""

    addresses: tuple[str, ...]
    host: str
    places: tuple[Place, ...]
    """Asked in turn."""
    settings: ProbeSettings
    served: ServedRelease | None
    verify: bool | str = True
    proxy: str | None = None

    def prober(self, door: int, clock: Callable[[], float]) -> Prober:
        """A connection to one of the addresses, for one thread."""
        return Prober(
            self.addresses[door],
            host=self.host or None,
            timeout=self.settings.timeout,
            verify=self.verify,
            proxy=self.proxy,
            keep_body=self.served is not None and self.served.json is not None,
            clock=clock,
        )

    def problem(self, reply: Reply) -> str | None:
        """Why it is no good answer; None: it is one."""
        if reply.error is not None:
            return reply.error
        assert reply.status is not None  # noqa: S101 - an answer without an error has one
        expected = self.settings.expect
        if reply.status in expected or (not expected and 200 <= reply.status < 400):
            return None
        return f"HTTP {reply.status}"

    def release(self, reply: Reply) -> str | None:
        """The release that answered, where the answer names one."""
        if self.served is None or reply.head is None:
            return None
        if self.served.header:
            return reply.head.get(self.served.header)
        return in_json(reply.body, self.served.json or "")


def asking(
    world: World,
    job: Mapping[str, Any],
    settings: ProbeSettings,
    served: ServedRelease | None,
) -> Asking | None:
    """How to ask a job through the edge as its clients do; None where it has no route.

    Through the environment's edge address, or where it has none through each Traefik itself; an
    Asking without addresses where none can be found.
    """
    route = next((route for service in services(job) for route in service.routes), None)
    if route is None:
        return None
    found = edges.doors(world, route, edges.look(world))
    places = tuple(
        Place(door, method, below(route.path, path))
        for path in settings.paths
        for method in settings.methods
        for door in range(len(found))
    )
    return Asking(
        addresses=tuple(door.url for door in found),
        host=route.host or "",
        places=places,
        settings=settings,
        served=served,
        verify=trust(world),
        proxy=world.target.nomad.proxy,
    )
