"""What the jobs of the loop write, both streams, from their first deploy on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

from toolkit.clients.nomad_logs import LogKind
from toolkit.errors import ApiError, ToolkitError
from toolkit.spec.listing import LogLine
from toolkit.spec.loop import Logged, OnItem
from toolkit.workflows.log_streams import follow_job
from toolkit.workflows.session import Session

AGAIN = 2.0
"""Seconds until logs that ended, or could not be read, are followed again."""
KINDS: tuple[LogKind, ...] = ("stdout", "stderr")
MOST = 12
"""Jobs whose logs are followed: each needs connections, and Nomad gives one client a hundred."""


class Tails:
    """Follows the logs of jobs until closed, each job once."""

    def __init__(self, opened: Callable[[], Session], on_item: OnItem) -> None:
        self._opened, self._on_item = opened, on_item
        self._closed = threading.Event()
        self._followed: set[str] = set()

    def follow(self, job: str, job_id: str) -> bool:
        """Follow a job that is registered; False when there are too many already."""
        if job in self._followed:
            return True
        if len(self._followed) >= MOST:
            return False
        self._followed.add(job)
        for kind in KINDS:
            threading.Thread(
                target=self._run, args=(job, job_id, kind), name=f"tail-{job}-{kind}", daemon=True
            ).start()
        return True

    def close(self) -> None:
        """Say nothing any more."""
        self._closed.set()

    def _run(self, job: str, job_id: str, kind: LogKind) -> None:
        lost = False
        while not self._closed.is_set():
            try:
                with closing(self._opened()) as session:
                    for line in follow_job(session, job_id, task=None, kind=kind, lines=0):
                        lost = False
                        if self._closed.is_set():
                            return
                        self._on_item(Logged(job, line))
            except ApiError as exc:
                if not lost and kind == "stdout":
                    lost = True
                    note = LogLine("", "", "note", f"its logs cannot be read now: {exc.message}")
                    self._on_item(Logged(job, note))
            except ToolkitError:
                # A file is being edited: the loop says the mistake in place, and logs are followed
                # again once it is mended.
                pass
            self._closed.wait(AGAIN)
