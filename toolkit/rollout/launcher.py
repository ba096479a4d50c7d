"""What there is to prove of a job that only launches others: a schedule, a dispatch; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from toolkit.rollout import schedule
from toolkit.spec.chain import Link, Verification


def verification(job: Mapping[str, Any], version: int) -> Verification:
    """The chain of a job that Nomad confirmed to be registered: one link, and four it has not."""
    release = (job.get("Meta") or {}).get("release")
    why = "registering it runs nothing"
    return Verification(
        links=(
            Link("nomad", "holds", f"version {version} is registered"),
            Link("consul", "absent", why),
            Link("traefik", "absent", why),
            Link("release", "absent", why),
            Link("edge", "absent", why),
        ),
        instances=(),
        expected=0,
        release=None if release is None else str(release),
    )


def sentence(job: Mapping[str, Any], now: float) -> str:
    """What starts the work: `next launch 2026-11-24 03:00 UTC (0 3 * * *)`; `now` in epoch s."""
    parts = []
    if job.get("Periodic"):
        crons = ", ".join(schedule.expressions(job))
        if not schedule.is_on(job):
            parts.append("its schedule is switched off")
        elif (at := schedule.next_launch(job, now)) is not None:
            when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
            parts.append(f"next launch {when} (schedule {crons})")
        else:
            zone = (job.get("Periodic") or {}).get("TimeZone") or "UTC"
            parts.append(f"launched by its schedule ({crons}, {zone})")
    if job.get("ParameterizedJob"):
        parts.append("launched by a dispatch")
    return ", ".join(parts)
