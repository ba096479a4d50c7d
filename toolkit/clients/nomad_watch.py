"""Nomad: what changes during a rollout: allocations, deployments, evaluations."""

from __future__ import annotations

from typing import Any, cast

from toolkit.clients.nomad_wire import NomadWire
from toolkit.clients.page import Page
from toolkit.clients.session import plain_timeout

Json = dict[str, Any]

RESTART_SECONDS = 120.0
"""A restart answers when the task was stopped, which its kill timeout may draw out."""


class NomadWatch(NomadWire):
    """Calls about what the scheduler made; `index` and `wait` (seconds) make a query block."""

    def allocations(self, id: str, *, index: int = 0, wait: float = 0.0) -> Page:  # noqa: A002
        """Stubs of the job's allocations, of all its versions, with task states."""
        return self._page("job", id, "allocations", index=index, wait=wait)

    def allocation(self, id: str) -> Json:  # noqa: A002 - Nomad's own word
        """One allocation in full."""
        return cast(Json, self._json("allocation", id, has="ID"))

    def allocations_by_prefix(self, prefix: str) -> list[Json]:
        """Stubs of the allocations whose id begins with `prefix` (hexadecimal, dashes allowed)."""
        # Nomad answers 500 to a prefix of an odd number of digits.
        digits = prefix.replace("-", "")
        even = prefix if len(digits) % 2 == 0 else prefix[:-1]
        found = self._json("allocations", method="get", params={"prefix": even}, kind=list)
        return [stub for stub in cast(list[Json], found) if stub["ID"].startswith(prefix)]

    def restart_allocation(self, alloc_id: str, *, task: str | None = None) -> None:
        """Restart one task, or all running tasks, in place."""
        body = {} if task is None else {"TaskName": task}
        self._ask(
            "client",
            "allocation",
            alloc_id,
            "restart",
            method="post",
            body=body,
            timeout=plain_timeout(RESTART_SECONDS),
        )

    def deployments(self, id: str, *, index: int = 0, wait: float = 0.0) -> Page:  # noqa: A002
        """The job's deployments."""
        return self._page("job", id, "deployments", index=index, wait=wait)

    def every_deployment(self) -> list[Json]:
        """The deployments of all jobs of the namespace that Nomad still keeps."""
        return cast(list[Json], self._json("deployments", kind=list))

    def deployments_page(self, *, index: int = 0, wait: float = 0.0) -> Page:
        """The same as a query that blocks."""
        return self._page("deployments", index=index, wait=wait)

    def deployment(self, id: str, *, index: int = 0, wait: float = 0.0) -> Page:  # noqa: A002
        """One deployment."""
        return self._page("deployment", id, index=index, wait=wait, kind=dict)

    def latest_deployment(self, job_id: str) -> Json | None:
        """The job's newest deployment, if it has one."""
        return cast(Json | None, self._json("job", job_id, "deployment", kind=(dict, type(None))))

    def deployment_allocations(self, id: str) -> list[Json]:  # noqa: A002
        """Stubs of the allocations that belong to a deployment."""
        return cast(list[Json], self._json("deployment", "allocations", id, kind=list))

    def promote(self, deployment_id: str) -> Json:
        """Promote all canaries; ConflictError when they are not healthy, or it ended."""
        body = {"DeploymentID": deployment_id, "All": True}
        return self._act("promote", deployment_id, body)

    def fail(self, deployment_id: str) -> Json:
        """Fail the deployment now; `RevertedJobVersion` in the answer says what comes back."""
        return self._act("fail", deployment_id, {})

    def pause(self, deployment_id: str, paused: bool) -> Json:
        """Pause the deployment or let it go on."""
        return self._act("pause", deployment_id, {"DeploymentID": deployment_id, "Pause": paused})

    def job_evaluations(self, id: str, *, index: int = 0, wait: float = 0.0) -> Page:  # noqa: A002
        """The evaluations of the job that Nomad still keeps, of all its versions."""
        return self._page("job", id, "evaluations", index=index, wait=wait)

    def evaluation(self, id: str, *, index: int = 0, wait: float = 0.0) -> Page:  # noqa: A002
        """One evaluation."""
        return self._page("evaluation", id, index=index, wait=wait, kind=dict)

    def _act(self, what: str, deployment_id: str, body: Json) -> Json:
        return cast(Json, self._json("deployment", what, deployment_id, method="post", body=body))
