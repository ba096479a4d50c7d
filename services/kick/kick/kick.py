"""The kick server's parts in one place, for the actions and for the process around them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kick.about import ABOUT
from kick.metrics import Metrics
from kick.statuses import Statuses
from kick.writer import Writer
from toolkit.dns.policy import permit
from toolkit.serving.audit import Audit
from toolkit.serving.base import BaseServer
from toolkit.serving.log import Log
from toolkit.serving.server import Verifies
from toolkit.spec.dns import Record, Zone
from toolkit.spec.identity import Caller
from toolkit.spec.kick import KickConfig

if TYPE_CHECKING:
    from kick.actions import Ask
    from kick.reconciler import Reconciler
    from toolkit.serving.actions import Answer, Json


class Kick(BaseServer):
    """What the actions work with; one for the process."""

    about = ABOUT

    def __init__(
        self,
        config: KickConfig,
        verifier: Verifies,
        *,
        metrics: Metrics | None = None,
        log: Log | None = None,
        now: Callable[[], float] = time.time,
    ):
        super().__init__(verifier, log=log, now=now)
        self.config = config
        self.metrics = metrics or Metrics()
        self.reconciler: Reconciler | None = None
        self._writer: Writer | None = None
        self._audit: Audit | None = None
        self._statuses: Statuses | None = None

    def open(
        self,
        *,
        writer: Writer,
        audit: Audit,
        statuses: Statuses,
        reconciler: Reconciler | None = None,
    ) -> None:
        """Have everything that an action needs."""
        self.reconciler = reconciler
        self._writer = writer
        self._audit = audit
        self._statuses = statuses

    @property
    def is_open(self) -> bool:
        """Whether changes find their writer."""
        return self._writer is not None

    @property
    def writer(self) -> Writer:
        """Where every change goes through; an `unavailable` problem while there is none."""
        return self._there(self._writer)

    @property
    def audit(self) -> Audit:
        """What happened; an `unavailable` problem while it is not open."""
        return self._there(self._audit)

    @property
    def statuses(self) -> Statuses:
        """The history of statuses; an `unavailable` problem while it is not open."""
        return self._there(self._statuses)

    def permit(self, caller: Caller, zone: Zone, record: Record, *, held: int) -> None:
        """Whether the policy grants a record; ForbiddenError, or UnavailableError for now."""
        permit(self.config.policy, caller, zone, record, held=held, edge=self.edge(zone))

    def edge(self, zone: Zone) -> Collection[str] | None:
        """Addresses of the edge that only the cluster knows; None while nobody has looked."""
        return None if self.reconciler is None else self.reconciler.edge(zone)

    def timestamp(self) -> str:
        """Now, in UTC."""
        return datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="milliseconds")

    def perform(
        self, name: str, ask: Ask, *, before: Json, after: Json, effect: Callable[[], Answer]
    ) -> Answer:
        """An effect that is not DNS, with its intent recorded before it and its outcome after."""
        return self.writer.perform(
            name,
            caller=ask.caller,
            effect=effect,
            before=before,
            after=after,
            request=ask.request,
        )
