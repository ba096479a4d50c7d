"""The kick server's parts in one place, for the actions and for the process around them."""

from __future__ import annotations

from typing import Any, Protocol

from toolkit.spec.identity import Caller


class Verifies(Protocol):
    """Who asks, told from the `Authorization` header; blocking, for several threads."""

    def verify(self, authorization: str | None) -> Caller:
        """Raises IdentityError, or an ApiError when Nomad cannot be asked."""


class Kick:
    """What the actions work with; one for the process."""

    def __init__(
        self,
        *,
        config: Any,
        verifier: Verifies,
        writer: Any,
        audit: Any,
        statuses: Any = None,
        reconciler: Any = None,
    ):
        self.config = config
        self.verifier = verifier
        self.writer = writer
        self.audit = audit
        self.statuses = statuses
        self.reconciler = reconciler
        self.draining = False
