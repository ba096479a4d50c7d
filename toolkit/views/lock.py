"""The deploy lock that a command took."""

from __future__ import annotations

from typing import Any

from toolkit.spec.lock import Holder, LockReport


def document(report: LockReport) -> dict[str, Any]:
    """The lock for programs."""
    return {
        "state": report.state,
        "path": report.path,
        "reason": report.reason,
        "waited": report.waited,
    }


def holder_document(holder: Holder) -> dict[str, Any]:
    """Who has it, for programs; its id is left out."""
    return {
        "actor": holder.actor,
        "host": holder.host,
        "command": holder.command,
        "release": holder.release,
        "since": holder.since,
    }
