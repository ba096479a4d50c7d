"""The one writer of DNS: what waits is decided, written into the audit, sent, and answered.

A thread takes everything that waits at once. One sync makes all intents durable, one batch carries
all changes of a zone; a change that the provider refuses is split off and does not stop the others.
Policy is none of its business but for counts: two writes at once must not both be the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kick.audit import Audit
from kick.mirror import Mirror
from toolkit.clients.dns.provider import Provider
from toolkit.errors import ToolkitError
from toolkit.spec.audit import Json
from toolkit.spec.dns import ChangeState, Order, Owner, Record, Wish, Written, Zone
from toolkit.spec.identity import Caller

T = TypeVar("T")
Permit = Callable[[Caller, Zone, Record, int], None]
"""Raises ForbiddenError; the number is of records that the owner has besides this one."""


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """What one outage may cost."""

    waiting: int = 1000
    """Orders in the queue; more are told to come back."""
    together: int = 250
    """Orders of one turn."""
    remember: float = 24 * 3600.0
    """Seconds that an Idempotency-Key is remembered."""
    keys: int = 10_000
    """Idempotency keys that are remembered, the newest."""
    patience: float = 60.0
    """Seconds that a caller waits for its turn and the provider."""
    tries: int = 6
    """Of a batch while the provider is busy."""
    fresh: float = 10.0
    """Seconds that what was read of a name is good enough to refuse something."""


class Writer:
    """Writes to the zones of one kick server; for several threads."""

    def __init__(
        self,
        *,
        zones: Sequence[Zone],
        providers: Mapping[str, Provider],
        audit: Audit,
        permit: Permit,
        clock: Callable[[], float],
        now: Callable[[], float],
        sleep: Callable[[float], None],
        random: Callable[[], float],
        limits: WriterLimits | None = None,
    ):
        """`providers` by `Zone.provider`; `random`: from 0 to 1, spreads retries."""
        self.mirror = Mirror(clock)
        raise NotImplementedError

    def start(self) -> None:
        """Load the zones, find out what became of open intents, and begin to write.

        Blocking. Raises the provider's ApiError: call again later, until then writes are refused.
        """
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Whether `start` has succeeded and `close` has not been called."""
        raise NotImplementedError

    def write(
        self, wish: Wish, *, caller: Caller, key: str | None = None, request: str = ""
    ) -> Written:
        """Grant a wish, or raise why not.

        TakenError, AbsentError, ChangedError, ForbiddenError and KeyReusedError: nothing was
        done. UnavailableError, AuditError, BusyError and UnreachableError: nothing was done, try
        later. ReplyLostError: it cannot be told yet whether it was done.
        """
        raise NotImplementedError

    def write_many(self, orders: Sequence[Order]) -> tuple[Written | ToolkitError, ...]:
        """Grant many, in as few batches as can be; each answered by itself, in order.

        Orders for one name, of one zone, are done together or not at all.
        """
        raise NotImplementedError

    def perform(
        self,
        action: str,
        *,
        caller: Caller,
        effect: Callable[[], T],
        before: Json = None,
        after: Json = None,
        subject: str = "",
        request: str = "",
    ) -> T:
        """Do something that is not DNS, with the audit around it; the effect runs in this thread.

        Raises AuditError before the effect, or whatever the effect raises.
        """
        raise NotImplementedError

    def refresh(self, zone: Zone) -> None:
        """Read a zone anew into the mirror; blocking, raises the provider's ApiError."""
        raise NotImplementedError

    def held(self, owner: Owner) -> int:
        """How many records an owner has, in all zones."""
        raise NotImplementedError

    def state(self, zone: Zone, name: str) -> ChangeState:
        """How far the last change of a name has got; blocking, may ask the provider."""
        raise NotImplementedError

    def close(self, patience: float = 30.0) -> bool:
        """Refuse new writes, finish what was accepted; False when it did not end in time."""
        raise NotImplementedError
