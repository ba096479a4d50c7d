"""Nomad: looking closely at one thing, with calls whose answers do not grow with the cluster."""

from __future__ import annotations

from typing import Any, cast

from toolkit.clients.nomad_wire import NomadWire

Json = dict[str, Any]

FOUND: dict[str, str] = {
    "jobs": "job",
    "allocs": "allocation",
    "evals": "evaluation",
    "deployment": "deployment",
    "nodes": "node",
}
"""Nomad's names of what a search finds -> ours."""


class NomadLook(NomadWire):
    """Calls that explain."""

    def search(self, prefix: str) -> dict[str, list[str]]:
        """Full ids of what begins with `prefix`, by kind (`job`, `allocation`, …), 20 of each.

        What the token may not see is left out without a word.
        """
        body = {"Prefix": prefix, "Context": "all"}
        answer = self._json("search", method="post", body=body, read=True, has="Matches")
        matches = answer.get("Matches") or {}
        # Nomad rounds an odd number of digits down, and so finds more than was asked for.
        return {
            ours: [name for name in matches.get(theirs) or [] if name.startswith(prefix)]
            for theirs, ours in FOUND.items()
        }

    def allocation_checks(self, id: str) -> list[Json]:  # noqa: A002 - Nomad's own word
        """Results of the checks that Nomad itself makes for an allocation, from its node."""
        answer = self._json("client", "allocation", id, "checks", kind=(dict, type(None)))
        return [check for check in (answer or {}).values() if isinstance(check, dict)]

    def allocations_where(
        self, condition: str, *, most: int, everywhere: bool = False
    ) -> list[Json]:
        """Stubs of at most `most` allocations that meet a filter expression of Nomad's.

        `everywhere`: in all namespaces that the token may see.
        """
        params: Json = {"filter": condition, "per_page": most}
        if everywhere:
            params["namespace"] = "*"
        return cast(list[Json], self._json("allocations", kind=list, params=params))

    def nodes_where(self, condition: str, *, most: int) -> list[Json]:
        """Stubs of at most `most` nodes that meet a filter expression of Nomad's."""
        params = {"filter": condition, "per_page": most}
        return cast(list[Json], self._json("nodes", kind=list, params=params))

    def launched(self, job_id: str, kind: str, *, most: int) -> list[Json]:
        """Stubs of the newest jobs that `job_id` launched, newest first.

        `kind` is Nomad's word in their ids: `periodic` or `dispatch`.
        """
        params = {"prefix": f"{job_id}/{kind}-", "per_page": most, "reverse": "true"}
        return cast(list[Json], self._json("jobs", kind=list, params=params))

    def evaluation_allocations(self, id: str) -> list[Json]:  # noqa: A002
        """Stubs of the allocations that an evaluation made or changed."""
        return cast(list[Json], self._json("evaluation", id, "allocations", kind=list))
