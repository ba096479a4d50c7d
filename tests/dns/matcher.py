"""The slow and obviously right second opinion on who may have what."""

from __future__ import annotations

from toolkit.spec.dns import Zone
from toolkit.spec.identity import Caller, Person, Workload
from toolkit.spec.policy import Grant, Policy


def labels(name: str) -> list[str]:
    return name.split(".")[::-1]


def below(name: str, top: str) -> bool:
    return len(labels(name)) > len(labels(top)) and labels(name)[: len(labels(top))] == labels(top)


def allowed(policy: Policy, caller: Caller, zone: Zone, name: str, type_: str) -> bool:
    """Read off kick.toml, one sentence a line."""
    if type_ not in ("A", "AAAA", "CNAME", "TXT", "SRV"):
        return False
    if "_toolkit" in labels(name) or "_wildcard" in labels(name):
        return False
    inside = [
        z
        for z in policy.zones
        if z.visibility == zone.visibility and (z.name == name or below(name, z.name))
    ]
    if zone not in inside or any(len(labels(z.name)) > len(labels(zone.name)) for z in inside):
        return False
    grants: list[Grant] = []
    for rule in policy.workloads:
        if (
            isinstance(caller, Workload)
            and caller.namespace == rule.namespace
            and caller.job == rule.job
            and rule.task in ("", caller.task)
        ):
            grants += rule.grants
    for person in policy.people:
        if isinstance(caller, Person):
            held = set(person.policies) & set(caller.policies) or set(person.roles) & set(
                caller.roles
            )
            if held or (person.management and caller.management):
                grants += person.grants
    for grant in grants:
        if type_ not in grant.types or zone.visibility not in grant.zones:
            continue
        if labels(name)[-1] == "*" and "wildcard" not in grant.special:
            continue
        if name == zone.name and "apex" not in grant.special:
            continue
        for pattern in grant.names:
            wide = labels(pattern)[-1] == "*"
            if (wide and below(name, pattern[2:])) or (not wide and name == pattern):
                return True
    return False
