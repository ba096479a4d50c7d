"""What a job waits for in a stack: another job, and what of it has to hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Gate = Literal["verified", "done"]
"""What a job waits for: that a service is verified to serve, or that work has completed."""

GATES: tuple[Gate, ...] = get_args(Gate)


@dataclass(frozen=True, slots=True)
class Need:
    """One job that another one waits for."""

    job: str
    """Its name in the project."""
    gate: Gate | None = None
    """None: whichever fits its kind."""

    @classmethod
    def read(cls, text: str) -> Need:
        """The need that `database` or `migrate:done` says; ValueError for another gate."""
        job, colon, gate = text.partition(":")
        if colon and gate not in GATES:
            raise ValueError(f'"{gate}" is no gate of a job')
        return cls(job, gate or None)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self.job}:{self.gate}" if self.gate else self.job
