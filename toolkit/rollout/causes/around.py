"""What is around a broken link of the chain, looked at once; never raises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout import consul_side, edges
from toolkit.rollout.causes.chain import Around
from toolkit.rollout.declared import services
from toolkit.rollout.world import World
from toolkit.spec.chain import LinkName


def look(world: World, link: LinkName, job: Mapping[str, Any]) -> Around:
    """A call for each service of the job; for the edge some more, one of them for all services."""
    declared = services(job)
    if link not in {"consul", "traefik", "edge"}:
        return Around(declared)
    instances = consul_side.look(world, [each.name for each in declared]).everything()
    if link == "consul":
        return Around(declared, tuple(instances))
    at_edge = edges.look(world)
    return Around(declared, tuple(instances), at_edge, _tags(world), _routers(world, at_edge))


def _tags(world: World) -> dict[str, Sequence[str]]:
    try:
        return dict(world.consul.services())
    except ApiError:
        return {}


def _routers(world: World, at_edge: edges.Edges) -> tuple[Mapping[str, Any], ...]:
    found: list[Mapping[str, Any]] = []
    for view in at_edge.views:
        try:
            found += world.traefik(view.address).routers()
        except ApiError:
            continue
    return tuple(found)
