"""What the HTTP side asks of a server: its parts, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from toolkit.errors import IdentityError, ToolkitError
from toolkit.serving.log import Log
from toolkit.serving.metrics import Metrics
from toolkit.serving.problems import KINDS, Kind, ProblemError
from toolkit.spec.identity import Caller
from toolkit.spec.target import Secret

if TYPE_CHECKING:
    from toolkit.serving.actions import Answer, Ask


def no_token(authorization: str | None, nomad_token: str | None) -> Secret | None:  # noqa: ARG001
    """Whoever asked is enough: no action works with their token."""
    return None


def no_problem(_: ToolkitError) -> ProblemError | None:
    """Errors mean what they mean for every server."""
    return None


@dataclass(frozen=True, slots=True)
class About:
    """What a server says of itself where all servers do the same."""

    name: str
    """Such as `kick`: in the realm and in front of metrics."""
    title: str
    description: str
    challenge: Callable[[IdentityError], str]
    """`WWW-Authenticate` of a 401."""
    slower: str
    """What to do about too many changes."""
    kinds: Mapping[str, Kind] = field(default_factory=lambda: KINDS)
    """Every kind of problem that it answers with."""
    problem_of: Callable[[ToolkitError], ProblemError | None] = no_problem
    """Errors that mean something of their own here; None for those that do not."""
    token: Callable[[str | None, str | None], Secret | None] = no_token
    """The token of a verified caller, from both headers, for actions that work with it."""
    schemes: Mapping[str, Mapping[str, Any]] | None = None
    """Security schemes of the OpenAPI document; None: bearer and X-Nomad-Token."""


class Verifies(Protocol):
    """Who asks, told from the headers of a request; blocking, for several threads."""

    def verify(
        self, authorization: str | None, *, nomad_token: str | None = None, source: str = ""
    ) -> Caller:
        """Raises IdentityError, or an ApiError when Nomad cannot be asked."""


class Serves(Protocol):
    """A server as the desk, the application and the process see it."""

    @property
    def about(self) -> About:
        """What it says of itself."""

    @property
    def verifier(self) -> Verifies:
        """Who tells callers apart."""

    @property
    def log(self) -> Log:
        """What it says."""

    @property
    def metrics(self) -> Metrics:
        """What it counts."""

    draining: bool
    """It was told to stop."""

    def check_open(self) -> None:
        """Raise an `unavailable` problem when changes are not taken, or no longer."""

    def health(self) -> dict[str, str]:
        """`status`, and what it waits for."""

    def perform(
        self, name: str, ask: Ask[Any], *, before: Any, after: Any, effect: Callable[[], Answer]
    ) -> Answer:
        """An effect with its intent recorded before it and its outcome after."""
