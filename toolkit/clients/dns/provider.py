"""The interface of every provider of zones, and how its refusals are told apart.

A provider does not decide: no policy, no ownership, no retries of writes. A batch is applied whole
or not at all, and a DELETE names the exact record that must be there: with it a batch is a
compare-and-swap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from toolkit.errors import ApiError, ConflictError, ServerError
from toolkit.spec.dns import Change, ChangeState, Record, Submitted, Zone


class BatchRefusedError(ConflictError):
    """The provider refused a whole batch, and nothing of it was done."""

    def __init__(
        self,
        message: str,
        *,
        system: str,
        reasons: Sequence[str] = (),
        blamed: Sequence[tuple[str, str]] = (),
        status: int | None = None,
        hint: str | None = None,
    ):
        """`reasons`: the provider's words, one for each thing wrong.

        `blamed`: the name and type of each change that they name, as in `Record.key`; empty where
        the provider's words do not tell, and a batch has to be halved to find out.
        """
        super().__init__(message, system=system, status=status, hint=hint)
        self.reasons = tuple(reasons)
        self.blamed = tuple(blamed)


class BusyError(ServerError):
    """Nothing was done, and the same batch may be sent later: throttled, or an earlier one runs."""


class ReplyLostError(ApiError):
    """Whether the batch was done is not known: only reading tells."""


class Provider(Protocol):
    """One kind of provider; may be used by several threads."""

    def records(self, zone: Zone) -> Iterator[Record]:
        """Every record of the zone, the NS and SOA of its apex among them.

        A record that is routed by weight, region, health or a policy has that in its type, as in
        `A (weighted: blue)`: it is somebody else's, and cannot be written.
        """

    def at(self, zone: Zone, names: Collection[str]) -> tuple[Record, ...]:
        """The records at these names, of every type."""

    def apply(self, zone: Zone, changes: Sequence[Change], *, comment: str = "") -> Submitted:
        """Do a batch, whole or not at all; its deletions first, whatever their place in it.

        Raises the errors of this file, or another ApiError when nothing was done.
        """

    def state(self, change: str) -> ChangeState:
        """How far a batch has got."""

    @property
    def most_changes(self) -> int:
        """Changes that one batch may hold."""

    def close(self) -> None:
        """Close the connections."""


def deletes_first(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The same batch in the order in which it is done.

    Route 53 goes through a batch in its order: a CREATE of a CNAME before the DELETE of what stood
    at its name is refused.
    """
    return tuple(sorted(changes, key=lambda change: change.action != "DELETE"))
