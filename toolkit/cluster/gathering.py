"""Ask every server for itself, and any for all: what the gate judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError
from toolkit.spec.raft import PeerView, ServerView, SystemView

Json = Mapping[str, Any]


def look_at_consul(servers: Mapping[str, Consul]) -> SystemView:
    """Consul as its servers show it; `servers` are clients by slot, each of that server alone.

    Nothing is raised: what cannot be had is missing in the view. At most five calls a server.
    """
    views = tuple(_consul_server(slot, client) for slot, client in servers.items())
    healthy, autopilot, raft = _together(views, servers)
    return SystemView("Consul", views, healthy, autopilot, raft)


def look_at_nomad(servers: Mapping[str, Nomad]) -> SystemView:
    """Nomad as its servers show it; see `look_at_consul`."""
    views = tuple(_nomad_server(slot, client) for slot, client in servers.items())
    healthy, autopilot, raft = _together(views, servers)
    return SystemView("Nomad", views, healthy, autopilot, raft)


def _consul_server(slot: str, client: Consul) -> ServerView:
    try:
        own = str(client.agent_self()["Config"]["NodeID"])
        return ServerView(slot, own, client.leader(), well=True)
    except (ApiError, KeyError, TypeError):
        return ServerView(slot)


def _nomad_server(slot: str, client: Nomad) -> ServerView:
    try:
        own = str(client.agent_self()["member"]["Tags"]["id"])
    except (ApiError, KeyError, TypeError):
        return ServerView(slot)
    try:
        return ServerView(slot, own, client.leader(), well=client.is_well())
    except ApiError:
        # It lives, and knows no leader.
        return ServerView(slot, own)


def _together(
    views: tuple[ServerView, ...], servers: Mapping[str, Consul] | Mapping[str, Nomad]
) -> tuple[bool | None, tuple[PeerView, ...] | None, tuple[PeerView, ...] | None]:
    """What the first server that follows a leader says of all: healthy, autopilot, raft."""
    for view in views:
        if not view.leader:
            continue
        client = servers[view.slot]
        try:
            health = client.autopilot_health()
            raft = client.raft_servers()
        except ApiError:
            continue
        return bool(health.get("Healthy")), _peers(health.get("Servers")), _peers(raft)
    return None, None, None


def _peers(listed: Any) -> tuple[PeerView, ...] | None:
    """The servers of an answer; None where it names none."""
    if not listed:
        return None
    return tuple(
        PeerView(
            id=str(each.get("ID") or ""),
            voter=bool(each.get("Voter")),
            healthy=bool(each.get("Healthy", True)),
            name=str(each.get("Name") or each.get("Node") or ""),
        )
        for each in listed
    )
