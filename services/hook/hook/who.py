"""Who asks, with the token that they came with: it is what a push deploys with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit.serving.actions import Ask
from toolkit.serving.desk import Visit
from toolkit.spec.identity import Caller
from toolkit.spec.target import Secret


@dataclass(frozen=True, slots=True)
class Who:
    """A verified caller."""

    caller: Caller
    token: Secret
    """In memory only: never on disk, in arguments, in git's environment or in a log."""

    def __str__(self) -> str:
        return str(self.caller)


def who_of(asked: Ask[Any] | Visit) -> Who:
    """Who sent a request that the desk let in: this server's desk keeps their token."""
    assert asked.token is not None  # noqa: S101  `about.ABOUT` reads it
    return Who(asked.caller, asked.token)
