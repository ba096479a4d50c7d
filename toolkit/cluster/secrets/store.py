"""Where a cluster's secrets are kept: SSM in AWS, a folder in a rehearsal."""

from __future__ import annotations

from typing import Protocol

from toolkit.spec.target import Secret


class Store(Protocol):
    """Values by name, such as `server/gossip/consul`; what a store makes of a name is its own.

    Every call may raise `ToolkitError`; nothing is half written by it.
    """

    def get(self, name: str) -> Secret | None:
        """The value, or None where there is none."""

    def put_new(self, name: str, value: Secret) -> None:
        """Keep a value; TakenError where the name has one, which then stays."""

    def replace(self, name: str, value: Secret) -> None:
        """Keep a value in the place of what was there."""

    def remove(self, name: str) -> None:
        """Forget a value; nothing happens where there is none."""

    def names(self) -> tuple[str, ...]:
        """The names of all values, sorted."""
