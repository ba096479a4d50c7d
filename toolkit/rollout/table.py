"""The instances of a rollout as its watch has seen them so far, for a live table; pure."""

from __future__ import annotations

from dataclasses import replace

from toolkit.rollout import chain
from toolkit.rollout.consul_side import ConsulSide
from toolkit.rollout.declared import services
from toolkit.rollout.edges import Edges
from toolkit.rollout.machine import Watched
from toolkit.rollout.state import State
from toolkit.spec.chain import InstanceChain


def rows(watched: Watched, state: State) -> tuple[InstanceChain, ...]:
    """Our instances as the feeds show them; the edge is not asked for this."""
    seen = state.allocations or ()
    mine = tuple(a for a in seen if a.job_version == watched.version)
    declared = [replace(service, routes=()) for service in services(watched.job)]
    # What is not seen is not missing: a list that is still empty may be one that we may not read.
    unread = [service.name for service in declared if not state.consul.get(service.name)]
    blind = "not seen" if unread or state.hidden or "Consul" in state.lost else None
    return chain.rows(
        chain.Seen(
            expected=mine,
            wanted=len(mine),
            known=seen,
            services=tuple(declared),
            consul=ConsulSide(state.consul, blind=blind),
            edges=Edges(),
            rolling=True,
        )
    )
