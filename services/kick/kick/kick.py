"""The kick server's parts in one place, for the actions and for the process around them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from kick.about import ABOUT
from kick.metrics import Metrics
from kick.statuses import Statuses
from kick.writer import Writer
from toolkit.dns.policy import permit
from toolkit.serving.audit import Audit
from toolkit.serving.bounded import bounded
from toolkit.serving.log import Log
from toolkit.serving.problems import ProblemError
from toolkit.serving.server import Verifies
from toolkit.spec.dns import Record, Zone
from toolkit.spec.identity import Caller
from toolkit.spec.kick import KickConfig

if TYPE_CHECKING:
    from kick.actions import Ask
    from kick.reconciler import Reconciler
    from toolkit.serving.actions import Answer, Json

T = TypeVar("T")


class Kick:
    """What the actions work with; one for the process.

    It begins without writer and audit: while another kick still holds the audit file, this one
    waits for it and says so, and does nothing else.
    """

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
        self.config = config
        self.verifier = verifier
        self.metrics = metrics or Metrics()
        self.log = log or Log()
        self.now = now
        self.draining = False
        self.reconciler: Reconciler | None = None
        self._writer: Writer | None = None
        self._audit: Audit | None = None
        self._statuses: Statuses | None = None
        self._waiting_for = "the audit file"

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

    def waits_for(self, what: str) -> None:
        """Note what keeps the server from opening, for whoever asks."""
        self._waiting_for = bounded(what)

    @property
    def writer(self) -> Writer:
        """Where every change goes through; an `unavailable` problem while there is none."""
        return self._opened(self._writer)

    @property
    def audit(self) -> Audit:
        """What happened; an `unavailable` problem while it is not open."""
        return self._opened(self._audit)

    @property
    def statuses(self) -> Statuses:
        """The history of statuses; an `unavailable` problem while it is not open."""
        return self._opened(self._statuses)

    def _opened(self, part: T | None) -> T:
        if part is None:
            raise ProblemError(
                "unavailable",
                f"the server is starting and waits for {self._waiting_for}",
                headers={"Retry-After": "1"},
            )
        return part

    def check_open(self) -> None:
        """Raise an `unavailable` problem when changes are not taken, or no longer."""
        if self.draining:
            raise ProblemError(
                "unavailable",
                "the server is stopping and takes no more changes",
                headers={"Retry-After": "5"},
            )
        self._opened(self._writer)

    def health(self) -> dict[str, str]:
        """`ready`, `starting` or `draining`.

        Nomad is not part of it: while it is away, tokens known before are still served, and a kick
        that Consul takes out for Nomad's sake would help nobody.
        """
        if self.draining:
            return {"status": "draining"}
        if self._writer is None:
            return {"status": "starting", "waits_for": self._waiting_for}
        return {"status": "ready"}

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
