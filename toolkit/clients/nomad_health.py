"""Nomad: how the cluster itself is, and what our token may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from toolkit.clients.errors_map import unhealthy
from toolkit.clients.nomad_wire import NomadWire
from toolkit.errors import NotFoundError, ServerError

Json = dict[str, Any]


class NomadHealth(NomadWire):
    """Calls about servers, nodes and policies; none of them changes anything."""

    def peers(self) -> list[str]:
        """Addresses of the servers in the consensus."""
        return self._texts("status", "peers")

    def regions(self) -> list[str]:
        """The regions that the agent knows."""
        return self._texts("regions")

    def members(self) -> list[Json]:
        """The servers as gossip sees them, with their status."""
        answer = cast(Json, self._json("agent", "members", has="Members"))
        return cast(list[Json], answer.get("Members") or [])

    def autopilot_health(self) -> Json:
        """Whether the servers are healthy; of servers in trouble only that they are."""
        try:
            return cast(Json, self._json("operator", "autopilot", "health", has="Healthy"))
        except ServerError as exc:
            return unhealthy(exc)

    def nodes_without(self, attribute: str) -> list[Json]:
        """Stubs of the nodes that lack an attribute, picked out by the servers."""
        expression = f'"{attribute}" not in Attributes'
        return cast(list[Json], self._json("nodes", kind=list, params={"filter": expression}))

    def allocations_among(self, ids: Sequence[str]) -> list[Json]:
        """Stubs of those of the allocations that exist and that the token may read, anywhere."""
        expression = f'ID matches "^({"|".join(ids)})$"'
        params = {"namespace": "*", "filter": expression}
        return cast(list[Json], self._json("allocations", kind=list, params=params))

    def acl_policy(self, name: str) -> Json | None:
        """A policy with its rules, if there is one of that name."""
        try:
            return cast(Json, self._json("acl", "policy", name, has="Rules"))
        except NotFoundError:
            return None

    def acl_role(self, id: str) -> Json | None:  # noqa: A002 - Nomad's own word
        """A role with the names of its policies, if there is one."""
        try:
            return cast(Json, self._json("acl", "role", id, has="Policies"))
        except NotFoundError:
            return None

    def _texts(self, room: str, *segments: str) -> list[str]:
        response = self._ask(room, *segments)
        try:
            found = response.json()
        except ValueError:
            found = None
        if not isinstance(found, list):
            # `_decode` knows only lists of objects, and says in our words what is wrong here.
            found = self._decode(response, list, read=True)
        return [str(item) for item in found]
