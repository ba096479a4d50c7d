"""Whether all servers of a cluster decide together, so that one may be taken away. Pure.

Autopilot's word alone is not believed: for half a minute after a server's death it may still say
that all is well, and it knows members, not slots. What counts is whether the voters are exactly the
agents that answer for themselves at the slots right now, by the IDs that raft knows them by.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from toolkit.spec.cluster import SERVERS
from toolkit.spec.raft import GateVerdict, PeerView, SystemView


def gate(views: Sequence[SystemView], *, expected: int = SERVERS) -> GateVerdict:
    """Judge every system of a cluster; `expected` is the number of server slots.

    Whatever is unknown speaks against it.
    """
    if not views:
        return GateVerdict(("no system was looked at",))
    return GateVerdict(tuple(reason for view in views for reason in _reasons(view, expected)))


def _reasons(view: SystemView, expected: int) -> Iterable[str]:
    yield from _of_slots(view, expected)
    yield from _of_leaders(view)
    if view.healthy is None:
        yield f"{view.system}: its autopilot cannot be asked"
    elif not view.healthy:
        yield f"{view.system}: its autopilot says that the servers are not healthy"
    alive = {server.id: server.slot for server in view.servers if server.id}
    if view.autopilot is None:
        yield f"{view.system}: its autopilot names no servers"
    else:
        yield from _of_peers(view, "autopilot", view.autopilot, alive)
    if view.raft is None:
        yield f"{view.system}: its raft configuration cannot be read"
    else:
        yield from _of_peers(view, "raft", view.raft, alive)


def _of_slots(view: SystemView, expected: int) -> Iterable[str]:
    if len(view.servers) != expected:
        yield f"{view.system}: {len(view.servers)} server slots were looked at, not {expected}"
    seen: dict[str, str] = {}
    for server in view.servers:
        if not server.id:
            yield f"{view.system}: {server.slot} does not answer for itself"
        elif (other := seen.setdefault(server.id, server.slot)) != server.slot:
            yield f"{view.system}: {server.slot} and {other} answer as the same server"
        elif not server.well:
            yield f"{view.system}: {server.slot} says that it is not well"


def _of_leaders(view: SystemView) -> Iterable[str]:
    answered = [server for server in view.servers if server.id]
    for server in answered:
        if not server.leader:
            yield f"{view.system}: {server.slot} follows no leader"
    leaders = sorted({server.leader for server in answered if server.leader})
    if len(leaders) > 1:
        yield f"{view.system}: its servers follow different leaders: {', '.join(leaders)}"


def _of_peers(
    view: SystemView, source: str, peers: Sequence[PeerView], alive: dict[str, str]
) -> Iterable[str]:
    """Compare one list of servers with those that answer for themselves."""
    where = f"{view.system}'s {source}"
    listed = [peer.id for peer in peers]
    if len(set(listed)) != len(listed):
        yield f"{where} names a server twice"
    for peer in peers:
        slot = alive.get(peer.id)
        who = slot or f"{peer.name or 'a server'} ({peer.id[:8] or 'without ID'})"
        if slot is None:
            yield f"{where} still has {who}, which answers at no slot"
        elif not peer.voter:
            yield f"{where} has {who} without a vote"
        elif not peer.healthy:
            yield f"{where} has {who} as not healthy"
    for identity, slot in alive.items():
        if identity not in listed:
            yield f"{where} does not have {slot}"
