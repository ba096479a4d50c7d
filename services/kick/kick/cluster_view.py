"""The cluster as Nomad and Consul have it, for the reconciler: read whole, or not at all.

Three blocking queries follow everything: the jobs, the allocations that run, and Consul's checks;
beside them there is one call for each job that asks for names and has changed. Calls do not grow
with the number of services.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from kick.cluster_view_jobs import Jobs, Specifications
from kick.feeds import Feed
from toolkit.clients.consul import Consul, ServicePage
from toolkit.clients.nomad import Nomad
from toolkit.clients.page import Page
from toolkit.dns.reconcile_read import read_checks, read_instances
from toolkit.errors import DeniedError, NotFoundError, UnavailableError
from toolkit.spec.discovery import JobKey, View
from toolkit.spec.target import Endpoint

NANO = 1e9


class ClusterView:
    """One cluster, followed until closed; `view` by one thread at a time."""

    def __init__(
        self,
        nomad: Callable[[], Endpoint],
        consul: Callable[[], Endpoint],
        *,
        told: Callable[[], None],
        bug: Callable[[BaseException], None],
    ):
        """`nomad` and `consul` are asked anew for each connection: tokens are replaced.

        `told` is called, by other threads, when there is news.
        """
        self._nomad = nomad
        self._asking = threading.Lock()
        self._client: Nomad | None = None
        known = Specifications()
        self._feeds = {
            "jobs": Feed("Nomad's jobs", lambda: Jobs(Nomad(nomad()), known), told, bug=bug),
            "running": Feed("Nomad's allocations", lambda: _Running(Nomad(nomad())), told, bug=bug),
            "checks": Feed("Consul's checks", lambda: _Checks(Consul(consul())), told, bug=bug),
        }

    def start(self) -> None:
        """Begin to follow."""
        for feed in self._feeds.values():
            feed.start()

    def close(self) -> None:
        """End."""
        for feed in self._feeds.values():
            feed.close()
        with self._asking:
            if self._client is not None:
                self._client.close()
                self._client = None

    def view(self) -> View:
        """The newest view; raises UnavailableError or another ToolkitError, never a part of it."""
        jobs = self._feeds["jobs"].newest()
        running = self._feeds["running"].newest()
        checks = self._feeds["checks"].newest()
        if not jobs:
            # Where this server runs there is a job: its own.
            raise UnavailableError("Nomad lists no job at all: the token may see none", after=5)
        return View(jobs, read_instances(running), read_checks(checks))

    def ended(self, job: JobKey) -> float | None:
        """Since when a job is certainly over, in seconds since 1970; None when it is not.

        Lists leave out what the token may not see: that a job is gone is only believed when Nomad
        says so of this very job. One that came back and went again while nobody looked left its
        allocations behind. Raises ApiError.
        """
        with self._asking:
            nomad = self._connection()
            since = 0.0
            try:
                found = nomad.job_in(*job)
                if not found.get("Stop") and found.get("Status") != "dead":
                    return None
                if found.get("Stop"):
                    since = float(found.get("SubmitTime") or 0) / NANO
            except NotFoundError:
                pass
            except DeniedError:
                return None
            for allocation in nomad.allocations_in(*job):
                since = max(since, float(allocation.get("ModifyTime") or 0) / NANO)
            return since

    def _connection(self) -> Nomad:
        endpoint = self._nomad()
        if self._client is None or self._client.endpoint != endpoint:
            if self._client is not None:
                self._client.close()
            self._client = Nomad(endpoint)
        return self._client


class _Running:
    def __init__(self, nomad: Nomad):
        self._nomad = nomad

    def ask(self, index: int, wait: float) -> Page:
        return self._nomad.running_everywhere(index=index, wait=wait)

    def close(self) -> None:
        self._nomad.close()


class _Checks:
    def __init__(self, consul: Consul):
        self._consul = consul

    def ask(self, index: int, wait: float) -> Page:
        page: ServicePage = self._consul.checks(index=index, wait=wait)
        if page.filtered:
            raise DeniedError(
                "Consul's token may not read every service and node", system="Consul",
                hint='it needs service_prefix "" and node_prefix "" with policy read',
            )  # fmt: skip
        return page

    def close(self) -> None:
        self._consul.close()
