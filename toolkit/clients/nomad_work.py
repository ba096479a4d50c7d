"""Nomad: work that ends: launches and dispatches, what changes while it runs, what it writes."""

from __future__ import annotations

import base64
from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Any, cast

from toolkit.clients.nomad_logs import LogKind, NomadLogs
from toolkit.clients.nomad_watch import NomadWatch
from toolkit.clients.page import Page
from toolkit.clients.session import plain_timeout

Json = dict[str, Any]

QUIET_SECONDS = 30.0
"""Nomad sends a heartbeat each second into a followed log: this long without one, it is dead."""


class NomadWork(NomadLogs, NomadWatch):
    """Calls about batch jobs and their children."""

    def force_periodic(self, job_id: str) -> Json:
        """Launch a periodic job now; `EvalID` of the answer belongs to the child that it made."""
        return cast(
            Json, self._json("job", job_id, "periodic", "force", method="post", has="EvalID")
        )

    def dispatch(self, job_id: str, *, meta: Mapping[str, str], payload: bytes, token: str) -> Json:
        """Make a child of a parameterized job; `DispatchedJobID` of the answer is its id.

        The same `token` again gives the same child, so that a lost reply can be asked for again.
        """
        body = {
            "Meta": dict(meta),
            "Payload": base64.b64encode(payload).decode() if payload else None,
        }
        return cast(
            Json,
            self._json(
                "job", job_id, "dispatch",
                method="post", body=body, params={"idempotency_token": token},
                has="DispatchedJobID",
            ),
        )  # fmt: skip

    def children(self, job_id: str) -> list[Json]:
        """Stubs of the jobs that a periodic or parameterized job made, as far as they are kept."""
        found = self._json("jobs", kind=list, params={"prefix": f"{job_id}/"})
        return [stub for stub in cast(list[Json], found) if stub.get("ParentID") == job_id]

    def watch_job(self, job_id: str, *, index: int, wait: float) -> Page:
        """The job as registered; NotFoundError when it is gone."""
        return self._page("job", job_id, index=index, wait=wait, kind=dict)

    def watch_evaluations(self, job_id: str, *, index: int, wait: float) -> Page:
        """All evaluations of the job."""
        return self._page("job", job_id, "evaluations", index=index, wait=wait)

    def log_frames(
        self, alloc_id: str, task: str, kind: LogKind, *, offset: int = 0, follow: bool = True
    ) -> Generator[tuple[str, bytes], None, None]:
        """What a task wrote, from `offset` bytes after the first file that is kept.

        Each item is the name of a log file and a piece of it; when following an empty piece comes
        each second in which nothing does. Following never ends by itself. NotFoundError for a task
        that has not started, UnreachableError when the connection is lost.
        """
        params = {
            "task": task,
            "type": kind,
            "origin": "start",
            "offset": offset,
            "follow": "true" if follow else "false",
        }
        response = self._ask(
            "client", "fs", "logs", alloc_id,
            params=params, stream=True, timeout=plain_timeout(QUIET_SECONDS),
        )  # fmt: skip
        with closing(response):
            for frame in self.raw_frames(response):
                data = base64.b64decode(frame.get("Data") or "")
                yield str(frame.get("File") or ""), data
