"""What every server does the same way while it starts, serves and stops."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from toolkit.serving.bounded import bounded
from toolkit.serving.log import Log
from toolkit.serving.problems import ProblemError
from toolkit.serving.server import Verifies

T = TypeVar("T")


class BaseServer:
    """One for the process; it begins with nothing opened.

    While another one still holds the audit it waits for that, says so, and does nothing else.
    """

    def __init__(
        self,
        verifier: Verifies,
        *,
        log: Log | None = None,
        now: Callable[[], float] = time.time,
    ):
        self.verifier = verifier
        self.log = log or Log()
        self.now = now
        self.draining = False
        self._waiting_for = "the audit file"

    @property
    def is_open(self) -> bool:
        """Whether it has everything that an action needs."""
        raise NotImplementedError

    def waits_for(self, what: str) -> None:
        """Note what keeps the server from opening, for whoever asks."""
        self._waiting_for = bounded(what)

    def check_open(self) -> None:
        """Raise an `unavailable` problem when changes are not taken, or no longer."""
        if self.draining:
            raise ProblemError(
                "unavailable",
                "the server is stopping and takes no more changes",
                headers={"Retry-After": "5"},
            )
        if not self.is_open:
            raise self._starting()

    def health(self) -> dict[str, str]:
        """`ready`, `starting` or `draining`.

        Nomad is not part of it: while it is away, who is known already is still served, and a
        server that Consul takes out for Nomad's sake would help nobody.
        """
        if self.draining:
            return {"status": "draining"}
        if not self.is_open:
            return {"status": "starting", "waits_for": self._waiting_for}
        return {"status": "ready"}

    def _there(self, part: T | None) -> T:
        """What was opened; an `unavailable` problem while it is not."""
        if part is None:
            raise self._starting()
        return part

    def _starting(self) -> ProblemError:
        return ProblemError(
            "unavailable",
            f"the server is starting and waits for {self._waiting_for}",
            headers={"Retry-After": "1"},
        )
