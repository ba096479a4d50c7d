"""Why something failed, as a value: what, where, evidence, advice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause of a failure; reports list them in time, the first cause first."""

    kind: str
    """A stable word, such as `crash`, `driver`, `check`, `unplaced`, `artifact`, `image`."""
    summary: str
    """One sentence without a full stop: `task app exited 1 twice within 3 s of its start`."""
    group: str | None = None
    task: str | None = None
    allocation: str | None = None
    """Full id."""
    node: str | None = None
    """Node name."""
    evidence: tuple[str, ...] = ()
    """Lines to show below, each with its source: `stderr: FATAL …`, `check: GET … 500`."""
    advice: str | None = None
    at: float | None = None
    """Seconds since the epoch, when it happened, if known."""
    count: int = 1
    """Instances that it happened to; the place is that of the first."""

    def place(self) -> str:
        """`group web, allocation 5b2c90aa on node-1`, as far as it is known."""
        parts = []
        if self.allocation:
            # A cause without an instance names its group itself.
            parts.append(f"group {self.group}," if self.group else "")
            parts.append(f"allocation {self.allocation[:8]}")
        if self.node:
            parts.append(f"on {self.node}")
        if self.allocation and self.count > 1:
            others = self.count - 1
            parts.append(f"and {others} more instance{'' if others == 1 else 's'}")
        return " ".join(part for part in parts if part)
