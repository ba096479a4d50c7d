"""Instances that run, and whose checks never pass; and those that are too slow."""

from __future__ import annotations

from tests.agents.gallery.case import ANY, Case
from tests.agents.gallery.hcl import (
    STAY,
    block,
    group,
    job,
    network,
    server,
    service,
    short_update,
    task,
    web,
)

WHERE = {"group": "web", "allocation": ANY, "node": ANY}
HASTY = short_update(healthy=6)
IMPATIENT = service(check=block("check_restart", limit=1, grace="2s"))
"""Nomad itself ends a task whose check fails."""


def _unhealthy(name: str, mode: int, text: str, kind: str, says: str, **more: object) -> Case:
    how: dict[str, object] = {"place": WHERE, **more}
    return Case(name, text, "failed", 3, mode, kind=kind, says=says, **how)  # type: ignore[arg-type]


CASES = (
    _unhealthy("check-refused", 14, job(web("deaf", update=HASTY)), "check", r"refused"),
    _unhealthy("check-500", 14, job(web("sick", update=HASTY)), "check", r"500.*database is gone"),
    _unhealthy(
        "check-timeout", 14, job(web("stuck", update=HASTY)), "check",
        r"[Tt]ime(d )?out|deadline exceeded",
    ),
    _unhealthy(
        "check-404", 14, job(group(network(), service("/healthz"), server(), update=HASTY)),
        "check", r"404",
    ),
    _unhealthy(
        "check-restart", 14, job(group(network(), IMPATIENT, server("sick"))), "check",
        r"500.*database is gone|check is critical", never=r"exited|used up its restarts|refused",
    ),
    _unhealthy(
        "slow-prestart", 15,
        job(group(
            task("sleep 600", name="migrate", more=block("lifecycle", hook="prestart")), task(STAY),
            update=short_update(healthy=4),
        )),
        "slow", r"healthy_deadline|by its deadline|in time",
    ),
)  # fmt: skip
