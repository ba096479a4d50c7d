"""What the servers say of themselves and of the workers, where they can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from toolkit.cluster.gate import gate
from toolkit.cluster.network import slots
from toolkit.cluster.nodes import Place, ready_nodes
from toolkit.errors import ApiError
from toolkit.spec.cluster import Cluster
from toolkit.workflows.cluster.servers import Servers

UNSEEN = "unseen"
SERVERS = "the servers and Nomad's nodes"


@dataclass(frozen=True, slots=True)
class Inside:
    """A cluster as its servers have it."""

    raft: Mapping[str, str] = field(default_factory=dict)
    """By slot: `leader`, `voter`, or what is wrong with it."""
    reasons: tuple[str, ...] = ()
    """Why no server may be taken away now."""
    ready: Mapping[Place, int] | None = None
    """How many of Nomad's nodes take work, by what the machines of a pool have in common there;
    None: not seen."""
    unseen: tuple[str, ...] = ()


def look_inside(cluster: Cluster, asked: Servers, way: str) -> Inside:
    """Ask every server for itself, and any for the nodes; errors of an API are in the answer.

    `way`: by which they are asked. Where none of them answers it may be the way that is broken:
    then nothing was seen of them.
    """
    views = asked.look()
    if not any(server.id for view in views for server in view.servers):
        return Inside(unseen=(f"{SERVERS}: none of them answers through {way}",))
    reasons = gate(views).reasons
    unseen: tuple[str, ...] = ()
    leader, ready = "", None
    try:
        leader = asked.leader_address()
        ready = ready_nodes(filter(_takes_work, asked.nomad.nodes()))
    except ApiError as error:
        unseen = (f"Nomad's nodes: {error.message}",)
    return Inside(
        {
            slot.name: _of_server(slot.name, reasons, leads=slot.address == leader)
            for slot in slots(cluster)
        },
        reasons,
        ready,
        unseen,
    )


def _of_server(name: str, reasons: tuple[str, ...], *, leads: bool) -> str:
    against = next((each for each in reasons if name in each.split()), "")
    if against:
        return against
    # Something speaks against a system as a whole: whether this one votes is not known.
    return "leader" if leads else UNSEEN if reasons else "voter"


def _takes_work(node: Mapping[str, object]) -> bool:
    return node.get("SchedulingEligibility") != "ineligible"
