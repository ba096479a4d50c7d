"""Nomad: the servers that decide together."""

from __future__ import annotations

from typing import Any, cast

from toolkit.clients.nomad_wire import NomadWire
from toolkit.clients.session import plain_timeout
from toolkit.errors import ServerError

Json = dict[str, Any]

_SOON = plain_timeout(5.0)
"""A server that is well answers at once."""


class NomadRaft(NomadWire):
    """Calls about servers; none of them changes anything."""

    def raft_servers(self) -> list[Json]:
        """The servers in the consensus, as their leader has them; each has `ID` and `Voter`."""
        answer = self._json("operator", "raft", "configuration", has="Servers", timeout=_SOON)
        return cast(list[Json], answer.get("Servers") or [])

    def is_well(self) -> bool:
        """Whether the answering server says that it follows a leader."""
        try:
            answer = self._json("agent", "health", params={"type": "server"}, timeout=_SOON)
        except ServerError as exc:
            if exc.status == 500:
                # How it says no.
                return False
            raise
        return bool((answer.get("server") or {}).get("ok"))
