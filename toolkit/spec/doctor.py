"""What `toolkit doctor` says: checks of the cluster that we talk to, each with a word."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from toolkit.errors import ExitCode

CheckWord = Literal["passed", "failed", "could not tell"]

MayWord = Literal["may", "may not", "could not tell"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    """Stable: `--only` takes it, and scripts may rely on it."""
    word: CheckWord
    summary: str
    """One sentence without a full stop."""
    evidence: tuple[str, ...] = ()
    """What was seen, a line each."""
    notes: tuple[str, ...] = ()
    """Worth knowing, and no failure."""
    advice: str | None = None
    """What to do; of a check that passed, None."""


@dataclass(frozen=True, slots=True)
class Right:
    """Whether our tokens may do what one of our commands does."""

    command: str
    may: MayWord
    lacks: tuple[str, ...] = ()
    """What is missing, or what could not be told: `submit-job in namespace default`."""


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """Every check, in an order that does not change."""

    environment: str
    address: str
    """Nomad's."""
    consul_address: str
    namespace: str
    checks: tuple[Check, ...]
    rights: tuple[Right, ...] = ()
    """A row for each of our commands; empty when the rights were not asked for."""
    seconds: float = 0.0
    by_word: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        words: tuple[CheckWord, ...] = ("passed", "failed", "could not tell")
        found = {word: sum(check.word == word for check in self.checks) for word in words}
        object.__setattr__(self, "by_word", found)

    @property
    def sentence(self) -> str:
        """The end said in one sentence."""
        total = len(self.checks)
        checks = f"{total} check" if total == 1 else f"{total} checks"
        parts = [f"{number} {word}" for word, number in self.by_word.items() if number]
        return f"{checks}: {', '.join(parts)}"

    @property
    def code(self) -> ExitCode:
        """0 all passed, 1 something failed, 5 nothing failed and something could not be told."""
        if self.by_word["failed"]:
            return ExitCode.REFUSED
        return ExitCode.UNKNOWN if self.by_word["could not tell"] else ExitCode.OK
