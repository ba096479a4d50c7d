"""Every Traefik that Consul lists, and what it routes to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from toolkit.clients.patience import Patience
from toolkit.errors import ApiError
from toolkit.rollout import read
from toolkit.rollout.declared import TRAEFIK_API, Route
from toolkit.rollout.world import World
from toolkit.spec.observed import EdgeView

DEAD_SECONDS = 1.0
"""For a Traefik whose node Consul has lost: it rarely answers, and is asked in every look."""


@dataclass(frozen=True, slots=True)
class Edges:
    """What could be seen of the edge."""

    views: tuple[EdgeView, ...] = ()
    error: str | None = None
    """Why the list of Traefiks itself could not be read."""
    gone: tuple[str, ...] = ()
    """Addresses of those that are silent on nodes that Consul has lost."""

    @property
    def blind(self) -> str | None:
        """Why the edge cannot be judged; None when every Traefik could be read."""
        if self.error:
            return self.error
        if not self.views and self.gone:
            return f"{self.gone[0]}: Consul has lost its node, and it does not answer"
        if not self.views:
            return f"Consul lists no service {TRAEFIK_API}"
        return next((f"{v.address}: {v.error}" for v in self.views if v.error), None)


@dataclass(frozen=True, slots=True)
class Door:
    """A place at which requests enter, and what to ask there."""

    url: str
    """`http://host:port`."""
    host: str | None
    path: str


def look(world: World) -> Edges:
    """Ask Consul for the Traefiks and each Traefik for its servers; never raises for either."""
    try:
        page = world.consul.service(TRAEFIK_API)
    except ApiError as exc:
        return Edges(error=exc.message)
    instances = read.consul_instances(TRAEFIK_API, page.value or [])
    if page.filtered:
        return Edges(error=f"the Consul token may not read service {TRAEFIK_API}")
    views, gone = [], []
    hurried = replace(world, edge_patience=Patience(DEAD_SECONDS))
    for instance in instances:
        # Where only Consul's agent died, Traefik goes on with what it knew: it has to be asked.
        asking = hurried if instance.on_dead_node else world
        try:
            services = asking.traefik(instance.url).services()
            views.append(EdgeView(instance.url, instance.allocation, services))
        except ApiError as exc:
            if instance.on_dead_node:
                gone.append(instance.url)
                continue
            views.append(EdgeView(instance.url, instance.allocation, error=exc.message))
    return Edges(tuple(views), gone=tuple(gone))


def doors(world: World, route: Route, edges: Edges) -> tuple[Door, ...]:
    """Where a route can be asked: the environment's edge address, else each Traefik itself."""
    configured = [
        address
        for name, address in sorted(world.target.edge.items())
        if not route.entry_points or name in route.entry_points
    ]
    if configured:
        return tuple(Door(address, route.host, route.path) for address in configured)
    return tuple(
        Door(url, route.host, route.path)
        for view in edges.views
        # One that kept silent a moment ago would only be waited for again.
        if not view.error
        for url in _entry_urls(world, view.address, route)
    )


def _entry_urls(world: World, api: str, route: Route) -> list[str]:
    host = urlsplit(api).hostname or ""
    try:
        points = world.traefik(api).entry_points()
    except ApiError:
        return []
    wanted = [p for p in points if not route.entry_points or p.get("name") in route.entry_points]
    ports = [
        str(point.get("address") or "").rpartition(":")[2].partition("/")[0] for point in wanted
    ]
    return [f"http://{host}:{port}" for port in ports if port.isdigit() and point_is_http(port)]


def point_is_http(port: str) -> bool:
    """True unless the port is the one that speaks TLS by convention."""
    return port != "443"
