"""What changed between two views of a rollout, as lines; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from toolkit.errors import ApiError, ConflictError
from toolkit.rollout.events import first_failure
from toolkit.spec.chain import InstanceChain
from toolkit.spec.events import Stage
from toolkit.spec.observed import AllocationView


@dataclass
class Told:
    """What was said already; the one thing that a watch remembers between updates."""

    words: dict[str, str] = field(default_factory=dict)


def transitions(
    told: Told, allocations: Sequence[AllocationView], version: int, *, since: int = 0
) -> list[tuple[Stage, str]]:
    """Lines for allocations whose state became another since the last call."""
    found: list[tuple[Stage, str]] = []
    for allocation in allocations:
        new = allocation.job_version == version
        word = _word(allocation) if new else _old_word(allocation)
        known = told.words.get(allocation.id)
        told.words[allocation.id] = word
        if known == word or (known is None and not new):
            continue
        stage: Stage = ("canary" if allocation.canary else "place") if new else "old"
        if not word or (new and known is None and allocation.create_index < since):
            continue
        found.append((stage, f"{allocation.short} {allocation.node}  {word}"))
    return found


def chains(rows: Sequence[InstanceChain]) -> list[str]:
    """Each instance's whole chain in a line."""
    lines = []
    for row in rows:
        parts = [f"{row.allocation[:8]} {row.node}  {row.nomad}"]
        parts += [f"Consul {row.consul}"] if row.consul != "-" else []
        parts += [f"Traefik {row.traefik}"] if row.traefik != "-" else []
        parts += [f"serves {row.serves}"] if row.serves not in {"-", "not asked"} else []
        lines.append("  ".join(parts))
    return lines


def _word(allocation: AllocationView) -> str:
    if allocation.desired_status in {"stop", "evict"}:
        done = allocation.client_status not in {"pending", "running"}
        return "stopped" if done else "stopping"
    if allocation.client_status in {"failed", "lost", "unknown"}:
        return allocation.client_status
    if allocation.healthy is False:
        return "unhealthy"
    if allocation.healthy:
        return "running  healthy"
    failure = first_failure(allocation)
    if failure is not None and failure.kind == "crash":
        restarts = max(task.restarts for task in allocation.tasks)
        code = failure.event.details.get("exit_code", "?")
        return (
            f"crashed (exit {code}), restart {restarts}" if restarts else f"crashed (exit {code})"
        )
    return allocation.client_status


def _old_word(allocation: AllocationView) -> str:
    if allocation.desired_status in {"stop", "evict"}:
        done = allocation.client_status not in {"pending", "running"}
        return "stopped" if done else "leaving"
    if allocation.client_status in {"failed", "lost"}:
        return allocation.client_status
    return ""


def refused(exc: ApiError) -> str:
    """Why Nomad did not do what was decided; of a race in our words, for it is nobody's mistake."""
    return (exc.hint if isinstance(exc, ConflictError) else None) or exc.message
