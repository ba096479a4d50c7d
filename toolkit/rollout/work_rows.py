"""How each task of each instance stands, from Nomad's list of allocations; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from toolkit.spec.work import TaskState, WorkInstance


def rows(raw: Iterable[Mapping[str, Any]], ids: Collection[str]) -> tuple[WorkInstance, ...]:
    """One row for each task of the allocations in `ids`, oldest allocation first.

    An allocation of which no task state is known yet has one row without a task.
    """
    ours = sorted((a for a in raw if a["ID"] in ids), key=lambda a: int(a.get("CreateIndex") or 0))
    return tuple(row for allocation in ours for row in _of(allocation, ids))


def _of(raw: Mapping[str, Any], ids: Collection[str]) -> list[WorkInstance]:
    states = raw.get("TaskStates") or {}
    replaced = raw.get("NextAllocation") in ids
    return [
        _row(raw, name, states[name], replaced=replaced) for name in sorted(states)
    ] or [_row(raw, "", {}, replaced=replaced)]  # fmt: skip


def _row(
    raw: Mapping[str, Any], task: str, state: Mapping[str, Any], *, replaced: bool
) -> WorkInstance:
    ends = [e for e in state.get("Events") or [] if e.get("Type") == "Terminated"]
    details: Mapping[str, Any] = (ends[-1].get("Details") or {}) if ends else {}
    signal = _number(details.get("signal"))
    return WorkInstance(
        allocation=str(raw["ID"]),
        group=str(raw.get("TaskGroup") or ""),
        task=task,
        node=str(raw.get("NodeName") or ""),
        state=_state(raw, state),
        exit_code=_number(details.get("exit_code")),
        signal=signal or None,
        restarts=int(state.get("Restarts") or 0),
        oom=details.get("oom_killed") == "true",
        started=seconds(state.get("StartedAt")),
        finished=seconds(state.get("FinishedAt")),
        replaced=replaced,
    )


def _state(raw: Mapping[str, Any], task: Mapping[str, Any]) -> TaskState:
    """The task's own state in the words of an allocation's."""
    client = raw.get("ClientStatus")
    if client in {"lost", "unknown"}:
        return "lost" if client == "lost" else "unknown"
    if task.get("Failed"):
        return "failed"
    if task.get("State") == "dead":
        killed = any(e.get("Type") in {"Killed", "Killing"} for e in task.get("Events") or [])
        return "stopped" if killed and raw.get("DesiredStatus") != "run" else "complete"
    if task.get("State") == "running":
        return "running"
    # An allocation may end before Nomad has a word on any task of it.
    return "failed" if client == "failed" and not task else "pending"


def _number(text: object) -> int | None:
    try:
        return int(str(text))
    except ValueError:
        return None


def seconds(text: object) -> float | None:
    """Nomad's time as text in seconds since the epoch; None for none, which Go writes as year 1."""
    if not text or str(text).startswith("0001-"):
        return None
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
