"""The turn of one deployment, and how it ended: what is handed to whoever performs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from toolkit.spec.deployment import Deployment, State
from toolkit.spec.repo import Repo

if TYPE_CHECKING:
    from hook.who import Who


class Say(Protocol):
    """Append a line to the deployment's log."""

    def __call__(
        self, text: str, *, stage: str = "", job: str = "", at: float | None = None
    ) -> None:
        """`at`: seconds since 1970; None: now."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What there is to do."""

    deployment: Deployment
    repo: Repo
    who: Who
    """Whose token deploys: the pusher's, or that of whoever resumed it."""
    say: Say
    reach: Callable[[State], None]
    """Write down that it has come so far: `building`, `deploying`."""
    stopping: Callable[[], bool]
    """True once the server ends."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended."""

    state: State
    sentence: str
    document: dict[str, Any] | None = None
    """The report, as `toolkit deploy --all --json` prints it."""


Perform = Callable[[Turn], Ending]
"""Builds and deploys; blocks until the verdict. Raises nothing that a person could mend."""
