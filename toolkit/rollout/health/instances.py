"""Instances in Consul that are stale, or there twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

from toolkit.rollout.health.look import Look, blind
from toolkit.spec.doctor import Check
from toolkit.spec.observed import ConsulInstance
from toolkit.views.text import counted

SHOWN = 10
OVER = {"complete", "failed", "lost"}
"""Client statuses of an allocation that runs no more."""


@dataclass(frozen=True, slots=True)
class Census:
    """The instances that were looked at."""

    instances: tuple[ConsulInstance, ...] = ()
    statuses: Mapping[str, str] = field(default_factory=dict)
    """Of the allocations that Nomad showed us: id -> client status."""
    unsure: str = ""
    """Why an allocation that was not shown may exist all the same; empty when it cannot."""
    left_out: int = 0
    """Services of the catalog that were not looked at."""
    hidden: tuple[str, ...] = ()
    """Services of which our Consul token may not see everything."""
    wide: bool = True
    """True when no service is hidden from us."""


def stale(census: Census) -> list[tuple[ConsulInstance, str]]:
    """Instances whose allocation is over or gone, and why."""
    found = []
    for each in census.instances:
        if each.allocation is None:
            continue
        status = census.statuses.get(each.allocation)
        if status in OVER:
            found.append((each, f"its allocation is {status}"))
        elif status is None and not census.unsure:
            found.append((each, "Nomad has no such allocation"))
    return found


def twice(census: Census) -> list[tuple[ConsulInstance, ...]]:
    """Instances of one service that claim the same address and port."""

    def place(each: ConsulInstance) -> tuple[str, str, int]:
        return each.service, each.address, each.port

    groups = (tuple(group) for _, group in groupby(sorted(census.instances, key=place), place))
    return [group for group in groups if len(group) > 1 and group[0].port]


def judge(name: str, census: Look[Census]) -> Check:
    """Whether Consul's catalog holds what runs, of what was looked at."""
    if (missing := blind(name, "the instances", census)) is not None:
        return missing
    found = census.get(Census())
    gone, doubled = stale(found), twice(found)
    evidence = [f"{each.service} {each.id} on {each.node}: {why}" for each, why in gone]
    evidence += [
        f"{group[0].service} at {group[0].address}:{group[0].port}: "
        + " and ".join(each.id for each in group)
        for group in doubled
    ]
    if len(evidence) > SHOWN:
        evidence[SHOWN:] = [f"and {len(evidence) - SHOWN} more"]
    notes = []
    if found.left_out:
        notes.append(f"{found.left_out} more services of the catalog were not looked at")
    if not found.wide:
        notes.append("services that our Consul token may not read were not looked at")
    names = {each.service for each in found.instances}
    summary = f"{counted(len(found.instances), 'instance')} of {counted(len(names), 'service')}"
    if gone or doubled:
        parts = [f"{len(gone)} stale"] * bool(gone) + [f"{len(doubled)} twice"] * bool(doubled)
        return Check(
            name, "failed", f"{' and '.join(parts)} of {summary}", tuple(evidence), tuple(notes),
            "the Nomad agent on that node takes its stale instances out when it runs; else: "
            "`consul services deregister -id=ID` there",
        )  # fmt: skip
    unknown = {
        each.allocation
        for each in found.instances
        if each.allocation is not None and each.allocation not in found.statuses
    }
    if found.hidden:
        return Check(
            name, "could not tell",
            f"the Consul token may not see all of {', '.join(found.hidden[:3])}",
            notes=tuple(notes), advice="use a Consul token with service:read and node:read",
        )  # fmt: skip
    if unknown and found.unsure:
        return Check(
            name, "could not tell",
            f"{len(unknown)} of {summary} belong to allocations that Nomad does not show us",
            notes=tuple(notes), advice=found.unsure,
        )  # fmt: skip
    if not found.instances and not found.wide:
        return Check(
            name, "could not tell", "Consul shows us no instance, and may hide some",
            advice="use a Consul token with service:read and node:read",
        )  # fmt: skip
    if not found.instances:
        return Check(name, "passed", "no job's service is registered in Consul", notes=tuple(notes))
    return Check(name, "passed", f"{summary}, none stale or twice", notes=tuple(notes))
