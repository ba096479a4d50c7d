"""How work stands, in a few words; pure."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.spec.work import WorkInstance


def standing(rows: Sequence[WorkInstance]) -> str:
    """`1 task running, 2 complete`."""
    found = [row.state for row in rows if not row.replaced]
    if not found:
        return "nothing of it was placed"
    numbers = [(found.count(state), state) for state in dict.fromkeys(found)]
    first, *rest = numbers
    noun = "task" if first[0] == 1 else "tasks"
    return ", ".join([f"{first[0]} {noun} {first[1]}", *(f"{n} {state}" for n, state in rest)])


def how(row: WorkInstance) -> str:
    """How a task stands, in a few words; nothing of one that has not begun."""
    ended = _ended(row)
    match row.state:
        case "running":
            return (
                f"running, restart {row.restarts} after it {ended}" if row.restarts else "running"
            )
        case "failed":
            return f"failed: it {ended}" if ended else "failed"
        case "pending":
            return f"starts again: it {ended}" if ended else ""
        case _:
            return row.state


def _ended(row: WorkInstance) -> str:
    if row.oom:
        return "used more memory than it may"
    if row.signal is not None:
        return f"was killed by signal {row.signal}"
    return "" if row.exit_code is None else f"exited {row.exit_code}"
