"""`toolkit doctor`: the cluster that we talk to, check by check.

What the chosen checks need is asked for by a few threads, each fact once; then each check is
judged on what was seen. A fact that does not come leaves its checks `could not tell`.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.errors import ExitCode, ToolkitError
from toolkit.rollout.health.rights import table
from toolkit.spec.doctor import DoctorReport
from toolkit.workflows.doctor.checks import CHECKS, FACTS, Item
from toolkit.workflows.doctor.gather import closure, gather
from toolkit.workflows.session import Session

TIMEOUT = 20.0
"""Seconds."""

NAMES = tuple(item.name for item in CHECKS)


def doctor(
    session: Session, *, only: Sequence[str] = (), timeout: float | None = None
) -> DoctorReport:
    """Look at the cluster and judge; `only` some checks by name, `timeout` in seconds for all.

    ToolkitError (usage) for a name that no check has; whatever else happens is in the report.
    """
    items = chosen(only)
    session = session.glancing()
    world = session.world
    started = world.clock()
    facts = closure(FACTS, (name for item in items for name in item.needs))
    seen = gather(
        session, facts, timeout=TIMEOUT if timeout is None else timeout, clock=world.clock
    )
    powers = seen["powers"].value if "powers" in seen else None
    target = session.target
    return DoctorReport(
        environment=target.environment,
        address=target.nomad.address,
        consul_address=target.consul.address,
        namespace=target.namespace,
        checks=tuple(item.judge(item.name, session, seen) for item in items),
        rights=() if powers is None else table(powers),
        seconds=world.clock() - started,
    )


def chosen(only: Sequence[str]) -> tuple[Item, ...]:
    """The named checks in their own order; all of them without names."""
    unknown = [name for name in only if name not in NAMES]
    if unknown:
        raise ToolkitError(
            f"there is no check {unknown[0]!r}",
            hint=f"--only takes {', '.join(NAMES)}",
            code=ExitCode.USAGE,
        )
    return tuple(item for item in CHECKS if not only or item.name in only)
