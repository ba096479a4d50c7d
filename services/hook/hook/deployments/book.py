"""What is written down of a deployment, record and log, in an order that stands a crash."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hook.deployments import choosing, repairing
from hook.deployments.turn import Ending
from toolkit.repos.record_logs import Logs
from toolkit.repos.records import Records
from toolkit.serving.bounded import bounded, unsecret
from toolkit.spec.deployment import Deployment, State

LONGEST = 2000
"""Characters of one line of a log."""


class Book:
    """Writes records and logs; one for the process, used by several threads."""

    def __init__(
        self,
        records: Records,
        logs: Logs,
        *,
        kept: int = choosing.KEPT,
        on_end: Callable[[Deployment], None] = lambda _record: None,
        now: Callable[[], float] = time.time,
    ):
        """`kept`: deployments of a repository that are over. `on_end`: told of each that ends."""
        self.records = records
        self.logs = logs
        self.now = now
        self._kept = kept
        self._on_end = on_end

    def say(
        self,
        record: Deployment,
        text: str,
        *,
        stage: str = "",
        job: str = "",
        at: float | None = None,
    ) -> None:
        """A line of its log, or several; bounded, without control characters and tokens."""
        for each in text.split("\n"):
            said = bounded(unsecret(each), LONGEST)
            self.logs.say(
                record.repo, record.id, said, stage=bounded(stage, 40), job=bounded(job), at=at
            )

    def changed(self, record: Deployment, state: State, sentence: str) -> Deployment:
        """The record as it is from now on; not written yet."""
        said = bounded(unsecret(sentence), LONGEST)
        return replace(record, state=state, sentence=said, changed=self.now())

    def reach(self, repo: str, number: int, state: State) -> None:
        """It has come so far."""
        self.records.settle(self.changed(self.records.get(repo, number), state, ""))

    def supersede(self, record: Deployment, by: int) -> None:
        """A later one came before its turn did."""
        self.end(record, Ending("superseded", f"deployment {by} came after it"))

    def need_token(self, record: Deployment, why: str) -> None:
        """Nothing more can be done with the token that there was."""
        how = f"toolkit repo resume {record.repo} {record.id}"
        changed = self.changed(record, "needs-token", why)
        self._close(changed, f"needs-token: {changed.sentence} · {how} goes on", None)

    def end(self, record: Deployment, ending: Ending) -> None:
        """It has come to its verdict."""
        changed = self.changed(record, ending.state, ending.sentence)
        self._close(changed, repairing.last_line(changed), ending.document)
        with contextlib.suppress(OSError):  # then the next one's end tries again
            for number in choosing.too_old(self.records.all(record.repo), self._kept):
                self.records.remove(record.repo, number)

    def _close(self, record: Deployment, text: str, document: dict[str, Any] | None) -> None:
        """The last line, then the record, then whoever follows is told that it is over."""
        repo, number = record.repo, record.id
        self.logs.open(repo, number)
        said = bounded(text, 2 * LONGEST)
        self.logs.say(repo, number, said, stage=repairing.END, document=document, last=True)
        self.records.settle(record)
        try:
            self._on_end(record)
        finally:
            self.logs.end(repo, number)
