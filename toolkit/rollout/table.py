"""The instances of a rollout as its watch has seen them so far, for a live table; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from toolkit.rollout import chain
from toolkit.rollout.consul_side import ConsulSide
from toolkit.rollout.declared import services
from toolkit.rollout.edges import Edges
from toolkit.rollout.machine import Watched
from toolkit.rollout.state import State
from toolkit.spec.chain import InstanceChain
from toolkit.spec.observed import AllocationView

ALIVE = {"pending", "running", "unknown"}


def rows(watched: Watched, state: State) -> tuple[InstanceChain, ...]:
    """Our instances and the older ones that still run, as the feeds show them.

    Nobody is asked for this: what the gate saw last of the edge and of the release stands.
    """
    seen = state.allocations or ()
    declared = [replace(service, routes=()) for service in services(watched.job)]
    # What is not seen is not missing: a list that is still empty may be one that we may not read.
    unread = [service.name for service in declared if not state.consul.get(service.name)]
    blind = "not seen" if unread or state.hidden or "Consul" in state.lost else None
    found = drawn(
        chain.Seen(
            expected=shown(seen, watched.version),
            wanted=0,
            known=seen,
            services=tuple(declared),
            consul=ConsulSide(state.consul, blind=blind),
            edges=Edges(),
            rolling=True,
        )
    )
    last = state.gate.verification if state.gate is not None else state.gated
    gated = {row.allocation: row for row in last.instances} if last is not None else {}
    return tuple(_with_edge(row, gated.get(row.allocation)) for row in found)


def shown(seen: Iterable[AllocationView], version: int) -> tuple[AllocationView, ...]:
    """What a person wants to see: all that runs, and what of `version` ended without a successor.

    The newest version first, and in it in the order in which they were made.
    """
    wanted = [
        each
        for each in seen
        if each.client_status in ALIVE
        or (
            each.job_version == version
            and each.desired_status == "run"
            and each.next_allocation is None
        )
    ]
    return tuple(sorted(wanted, key=lambda each: (-each.job_version, each.create_index, each.id)))


def drawn(seen: chain.Seen) -> tuple[InstanceChain, ...]:
    """Each instance's chain; of one that Nomad wants gone, that it leaves."""
    pairs = zip(chain.rows(seen), seen.expected, strict=True)
    return tuple(_drawn(row, allocation) for row, allocation in pairs)


def _drawn(row: InstanceChain, allocation: AllocationView) -> InstanceChain:
    if allocation.client_status in ALIVE and not row.leaving:
        return row
    # What is over, or about to be, is where it should be when it is in no other system.
    return replace(
        row,
        nomad="leaving" if row.leaving else row.nomad,
        consul="-" if row.consul == "missing" else row.consul,
        traefik="-" if row.traefik == "missing" else row.traefik,
    )


def _with_edge(row: InstanceChain, gated: InstanceChain | None) -> InstanceChain:
    if gated is None or row.leaving or row.consul != gated.consul:
        return row
    return replace(row, traefik=gated.traefik, serves=gated.serves)
