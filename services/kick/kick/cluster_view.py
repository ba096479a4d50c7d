"""The cluster as Nomad and Consul have it, for the reconciler: read whole, or not at all.

Three blocking queries follow everything: the jobs, the allocations that run, and Consul's checks;
beside them there is one call for each job that asks for names and has changed. Calls do not grow
with the number of services.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kick.feeds import Feed
from toolkit.clients.consul import Consul, ServicePage
from toolkit.clients.nomad import Nomad
from toolkit.clients.page import Page
from toolkit.dns.reconcile_read import HOSTNAME, read_checks, read_instances, read_job
from toolkit.errors import DeniedError, NotFoundError, UnavailableError
from toolkit.spec.discovery import JobKey, SeenJob, View
from toolkit.spec.target import Endpoint

Json = dict[str, Any]
NANO = 1e9
MANY = 50
SIDE_BY_SIDE = 4
"""Connections for many specifications; Nomad serves a hundred of one address at most."""


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
        self._specs: dict[JobKey, tuple[int, Json | None, str]] = {}
        self._at: int | None = None
        self._jobs: dict[JobKey, SeenJob] = {}
        self._feeds = {
            "jobs": Feed("Nomad's jobs", lambda: _Jobs(Nomad(nomad())), told, bug=bug),
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
        index, stubs = self._feeds["jobs"].newest()
        running = self._feeds["running"].newest()[1]
        checks = self._feeds["checks"].newest()[1]
        if not stubs:
            # Where this server runs there is a job: its own.
            raise UnavailableError("Nomad lists no job at all: the token may see none", after=5)
        if index != self._at:
            self._jobs = self._read_jobs(stubs)
            self._at = index
        return View(self._jobs, read_instances(running), read_checks(checks))

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

    def _read_jobs(self, stubs: Sequence[Json]) -> dict[JobKey, SeenJob]:
        with self._asking:
            found = self._connection().jobs_with_meta(HOSTNAME)
            declaring = {_key(stub): stub for stub in found if read_job(stub, None).alive}
            self._specs = {key: known for key, known in self._specs.items() if key in declaring}
            changed = {
                key: index
                for key, stub in declaring.items()
                for index in [int(stub.get("JobModifyIndex") or 0)]
                if (known := self._specs.get(key)) is None or known[0] != index or known[2]
            }
            for key, (spec, unread) in self._read_specs(list(changed)).items():
                self._specs[key] = (changed[key], spec, unread)
        return {(job := self._job(stub)).key: job for stub in stubs}

    def _read_specs(self, keys: list[JobKey]) -> dict[JobKey, tuple[Json | None, str]]:
        """The specifications of these jobs; many of them, as after a start, side by side."""
        nomad = self._connection()
        if len(keys) < MANY:
            return {key: _spec(nomad, key) for key in keys}

        def some(first: int) -> dict[JobKey, tuple[Json | None, str]]:
            with nomad.clone() as mine:
                return {key: _spec(mine, key) for key in keys[first::SIDE_BY_SIDE]}

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            parts = list(pool.map(some, range(SIDE_BY_SIDE)))
        return {key: found for part in parts for key, found in part.items()}

    def _job(self, stub: Mapping[str, Any]) -> SeenJob:
        _, spec, unread = self._specs.get(_key(stub), (0, None, ""))
        return read_job(stub, spec, unread=unread)


def _spec(nomad: Nomad, key: JobKey) -> tuple[Json | None, str]:
    """A specification, or why there is none."""
    try:
        return nomad.job_in(*key), ""
    except NotFoundError:
        return None, "it went while it was read"
    except DeniedError as error:
        return None, f"what it asks for cannot be read: {error.message}"


def _key(stub: Mapping[str, Any]) -> JobKey:
    return str(stub.get("Namespace") or "default"), str(stub["ID"])


class _Jobs:
    def __init__(self, nomad: Nomad):
        self._nomad = nomad

    def ask(self, index: int, wait: float) -> Page:
        return self._nomad.jobs_everywhere(index=index, wait=wait)

    def close(self) -> None:
        self._nomad.close()


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
