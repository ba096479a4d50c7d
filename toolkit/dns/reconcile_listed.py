"""The instances that records are to list, service by service: checks, tempered by holds; pure."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.dns.names import BadNameError, wanted_name
from toolkit.dns.policy import zone_for
from toolkit.dns.reconcile_hold import Holds, hold
from toolkit.dns.reconcile_points import Group, Zones, group_of, listed_before
from toolkit.dns.records import BadRecordError
from toolkit.dns.standing import Standing
from toolkit.errors import ForbiddenError
from toolkit.spec.discovery import Declared, Instance, View
from toolkit.spec.kick import KickConfig


def step_holds(
    before: Mapping[Group, Holds],
    running: Mapping[Group, Mapping[str, bool]],
    view: View,
    config: KickConfig,
    zones: Zones,
    clock: float,
) -> dict[Group, Holds]:
    """What becomes of every service's instances; services that are gone are forgotten.

    Of a service that is new here, what its records list is gone on from: the server may have been
    started a moment ago.
    """
    listed = _listed_by_records(before, view, config, zones)
    seconds = config.reconcile.hold
    return {
        group: hold(before.get(group, {}), passing, clock, seconds, listed=listed.get(group, ()))
        for group, passing in running.items()
    }


def listed_of(holds: Mapping[Group, Holds]) -> dict[Group, frozenset[str]]:
    """The allocations that are to be in each service's record."""
    return {
        group: frozenset(key for key, shown in of.items() if shown.listed)
        for group, of in holds.items()
    }


def _listed_by_records(
    before: Mapping[Group, Holds], view: View, config: KickConfig, zones: Zones
) -> dict[Group, set[str]]:
    found: dict[Group, set[str]] = {}
    running: dict[tuple[str, str, str], list[Instance]] = {}
    for each in view.instances:
        running.setdefault((each.namespace, each.job, each.group), []).append(each)
    for job in view.jobs.values():
        for declared in job.declared if job.alive else ():
            group = group_of(declared)
            if group in before or declared.target == "edge" or declared.wrong:
                continue
            mine = running.get((job.namespace, job.id, declared.group), [])
            names = _records(declared, config, zones)
            found.setdefault(group, set()).update(listed_before(declared, names, mine))
    return found


def _records(declared: Declared, config: KickConfig, zones: Zones) -> dict[str, Standing]:
    """What is there at the names that a service asks for."""
    found = {}
    for name in declared.names:
        try:
            wanted = wanted_name(name)
            zone = zone_for(config.policy, wanted, declared.visibility)
        except (BadNameError, ForbiddenError, BadRecordError):
            continue
        there = zones.get(zone, {}).get(wanted)
        if there is not None:
            found[wanted] = there
    return found
