"""Nomad: all namespaces at once, for whoever follows the whole cluster."""

from __future__ import annotations

from typing import Any, cast

from toolkit.clients.nomad_wire import NomadWire
from toolkit.clients.page import Page

Json = dict[str, Any]


class NomadEverywhere(NomadWire):
    """Calls whose answers leave out, without a word, what the token may not see."""

    def jobs_everywhere(self, *, index: int = 0, wait: float = 0.0) -> Page:
        """Stubs of all jobs that no other job launched."""
        params = {"namespace": "*", "filter": 'ParentID == ""'}
        return self._page("jobs", index=index, wait=wait, params=params)

    def jobs_with_meta(self, key: str) -> list[Json]:
        """Stubs of the jobs of which a service has this key in its meta, in any namespace."""
        has = f'as service {{ "{key}" in service.Meta }}'
        of_groups = f"any TaskGroups as group {{ any group.Services {has} }}"
        of_tasks = (
            f"any TaskGroups as group {{ any group.Tasks as task {{ any task.Services {has} }} }}"
        )
        condition = f"({of_groups}) or ({of_tasks})"
        params = {"namespace": "*", "filter": condition}
        return cast(list[Json], self._json("jobs", kind=list, params=params))

    def job_in(self, namespace: str, id: str) -> Json:  # noqa: A002 - Nomad's own word
        """One job in full; NotFoundError where there is none, DeniedError where it is hidden."""
        return cast(Json, self._json("job", id, params={"namespace": namespace}, has="ID"))

    def allocations_in(self, namespace: str, id: str) -> list[Json]:  # noqa: A002
        """Stubs of a job's allocations that Nomad still keeps, of all jobs of that ID."""
        params = {"namespace": namespace, "all": "true"}
        return cast(list[Json], self._json("job", id, "allocations", kind=list, params=params))

    def running_everywhere(self, *, index: int = 0, wait: float = 0.0) -> Page:
        """Stubs, with ports and addresses, of all allocations that run."""
        params = {
            "namespace": "*",
            "resources": "true",
            "task_states": "false",
            "filter": 'ClientStatus == "running"',
        }
        return self._page("allocations", index=index, wait=wait, params=params)
