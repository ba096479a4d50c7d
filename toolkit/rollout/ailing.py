"""What checks say that do not pass, read while somebody still knows it.

An agent tells its servers the output of a check only when its status changes, or minutes later: of
a check that never passed Consul's catalog has none. The agent itself has it, until the instance is
taken away, which for a canary that failed is the moment in which it is asked why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from toolkit.clients.consul import Consul
from toolkit.errors import ApiError
from toolkit.spec.observed import CheckView, ConsulInstance

FIRST_LOOK = 2.0
"""Seconds without news after which the agent is asked; each further look waits twice as long."""
MOST = 8
"""Ailing instances that one look asks about."""

Outputs = Mapping[tuple[str, str], str]
"""Service id and check -> what the check said last."""


def is_ailing(instances: Sequence[ConsulInstance]) -> bool:
    """True when a check of some instance does not pass."""
    return any(not instance.passing for instance in instances)


def outputs(consul: Consul, instances: Sequence[ConsulInstance]) -> dict[tuple[str, str], str]:
    """What the agent that we talk to knows of the first `MOST` ailing ones; never raises.

    A call for each.
    """
    found: dict[tuple[str, str], str] = {}
    for instance in [each for each in instances if not each.passing][:MOST]:
        with suppress(ApiError):
            for check in consul.agent_checks(instance.id):
                if said := str(check.get("Output") or ""):
                    found[instance.id, str(check.get("Name") or "")] = said
    return found


def filled(instances: Sequence[ConsulInstance], known: Outputs) -> tuple[ConsulInstance, ...]:
    """The instances with what was heard of checks that do not pass and have no output."""

    def fill(instance: ConsulInstance, check: CheckView) -> CheckView:
        if check.output or check.status == "passing":
            return check
        return replace(check, output=known.get((instance.id, check.name), ""))

    return tuple(
        replace(instance, checks=tuple(fill(instance, check) for check in instance.checks))
        for instance in instances
    )
