"""One thing that was asked for: what was seen, or why it was not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from toolkit.errors import (
    ApiError,
    DeniedError,
    InvalidRequestError,
    NotFoundError,
    TlsError,
    UnreachableError,
)
from toolkit.spec.doctor import Check

T = TypeVar("T")

Kind = Literal["seen", "denied", "missing", "unreachable", "refused", "broken", "late"]


@dataclass(frozen=True, slots=True)
class Look(Generic[T]):
    """A value that was seen, or a problem."""

    kind: Kind
    value: T | None = None
    problem: str = ""
    """Why it was not seen, without a full stop."""
    hint: str | None = None

    @property
    def seen(self) -> bool:
        """True when there is an answer, whatever it says."""
        return self.kind == "seen"

    def get(self, otherwise: T) -> T:
        """What was seen, or `otherwise`."""
        return otherwise if self.value is None else self.value


def saw(value: T) -> Look[T]:
    """An answer."""
    return Look("seen", value)


def failed(error: ApiError) -> Look[Any]:
    """What an error means for whoever asked."""
    match error:
        case UnreachableError() | TlsError():
            kind: Kind = "unreachable"
        case DeniedError():
            kind = "denied"
        case NotFoundError():
            kind = "missing"
        case InvalidRequestError():
            kind = "refused"
        case _:
            kind = "broken"
    return Look(kind, problem=error.message, hint=error.hint)


def blind(name: str, what: str, *looks: Look[Any]) -> Check | None:
    """The check that cannot be made because one of these was not seen; None when all were.

    `what`: what stays unknown, such as `the servers`.
    """
    missing = next((look for look in looks if not look.seen), None)
    if missing is None:
        return None
    return Check(
        name,
        "could not tell",
        f"cannot see {what}: {missing.problem}",
        advice=missing.hint,
    )


def unseen(what: str, look: Look[Any]) -> str:
    """A note about a part that could not be seen while the rest could."""
    return f"cannot see {what}: {look.problem}"
