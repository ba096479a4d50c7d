"""The kick server's parts in one place, for the actions and for the process around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from kick.log import Log
from kick.metrics import Metrics
from kick.problems import ProblemError
from toolkit.spec.identity import Caller
from toolkit.spec.kick import KickConfig

if TYPE_CHECKING:
    from kick.actions import Answer, Ask, Json


class Verifies(Protocol):
    """Who asks, told from the headers of a request; blocking, for several threads."""

    def verify(
        self, authorization: str | None, *, nomad_token: str | None = None, source: str = ""
    ) -> Caller:
        """Raises IdentityError, or an ApiError when Nomad cannot be asked."""


class Kick:
    """What the actions work with; one for the process.

    It begins without writer and audit: while another kick still holds the audit file, this one
    waits for it and says so, and does nothing else.
    """

    def __init__(
        self,
        config: KickConfig,
        verifier: Verifies,
        *,
        metrics: Metrics | None = None,
        log: Log | None = None,
    ):
        self.config = config
        self.verifier = verifier
        self.metrics = metrics or Metrics()
        self.log = log or Log()
        self.draining = False
        self.reconciler: Any = None
        self._writer: Any = None
        self._audit: Any = None
        self._statuses: Any = None
        self._waits_for = "the audit file"

    def open(self, *, writer: Any, audit: Any, statuses: Any, reconciler: Any = None) -> None:
        """Have everything that an action needs."""
        self._writer = writer
        self._audit = audit
        self._statuses = statuses
        self.reconciler = reconciler
        self._waits_for = ""

    @property
    def writer(self) -> Any:
        """Where every change goes through; an `unavailable` problem while there is none."""
        return self._opened(self._writer)

    @property
    def audit(self) -> Any:
        """What happened; an `unavailable` problem while it is not open."""
        return self._opened(self._audit)

    @property
    def statuses(self) -> Any:
        """The history of statuses; an `unavailable` problem while it is not open."""
        return self._opened(self._statuses)

    def _opened(self, part: Any) -> Any:
        if part is None:
            raise ProblemError(
                "unavailable",
                f"the server is starting and waits for {self._waits_for}",
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
            return {"status": "starting", "waits for": self._waits_for}
        return {"status": "ready"}

    def perform(
        self, name: str, ask: Ask, *, before: Json, after: Json, effect: Callable[[], Answer]
    ) -> Answer:
        """An effect that is not DNS, with its intent recorded before it and its outcome after."""
        answer: Answer = self.writer.perform(
            name, ask.caller, before, after, effect, request=ask.request
        )
        return answer
