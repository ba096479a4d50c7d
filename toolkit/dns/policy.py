"""May this caller have this record in this zone: deny by default, exact callers, whole labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NoReturn

from toolkit.dns.names import BadNameError, is_below, is_in, show, wanted_name
from toolkit.dns.targets import bad_target
from toolkit.dns.values import BadRecordError, Wrong
from toolkit.errors import ForbiddenError, UnavailableError
from toolkit.spec.dns import WRITABLE, Record, Zone
from toolkit.spec.identity import Caller, Workload
from toolkit.spec.policy import Grant, PersonRule, Policy, WorkloadRule
from toolkit.spec.target import Visibility

_LOOKED = 2.0
"""Seconds in which a server that has just begun has seen the cluster, if that answers."""


def zone_for(policy: Policy, name: str, visibility: Visibility | None = None) -> Zone:
    """The zone that a normalised name belongs to: the longest that it is in, by whole labels.

    ForbiddenError when there is none; BadRecordError of field `zone` when a public and a private
    zone hold the name and the caller chose neither.
    """
    holders = _holders(policy, name)
    if visibility is not None:
        holders = [zone for zone in holders if zone.visibility == visibility]
    if not holders:
        kind = f"{visibility} zone" if visibility else "zone"
        zones = ", ".join(str(zone) for zone in policy.zones)
        raise ForbiddenError(
            f"{show(name)} lies in no {kind} of this server", hint=f"its zones are {zones}"
        )
    if len(holders) > 1:
        both = " and ".join(str(zone) for zone in holders)
        message = f"must be given: {show(name)} lies in {both}"
        raise BadRecordError([Wrong("zone", message, "say public or private")])
    return holders[0]


def permit(
    policy: Policy,
    caller: Caller,
    zone: Zone,
    record: Record,
    *,
    held: int,
    edge: Collection[str] | None = (),
) -> None:
    """Let the caller set the record, or raise ForbiddenError saying which rule is missing.

    `held`: records of the owner-to-be besides this one. `edge`: addresses of the zone's edge that
    only the cluster knows, where `[edge]` names a job; normalised; None while it was not asked:
    UnavailableError where they decide.
    """
    grants = _granting(policy, caller, zone, record.name, record.type)
    most = max(grant.most for grant in grants)
    if held >= most:
        hint = f"its rule grants at most {most}; remove some, or raise `most`"
        _refuse(caller, record.type, record.name, f"{held} records are held already", hint)
    if wrong := bad_target(policy, zone, record, edge or ()):
        job = policy.edges[zone.visibility].service if zone.visibility in policy.edges else ""
        # Wrong all the same if each address were the edge's: then there is nothing to wait for.
        if edge is None and job and not bad_target(policy, zone, record, record.values):
            raise UnavailableError(
                f"{record.type} {show(record.name)}: {wrong[0]}, unless it is the edge's, and where"
                f" the edge {show(job)} runs is not known yet",
                after=_LOOKED,
            )
        _refuse(caller, record.type, record.name, *wrong)


def permit_removal(policy: Policy, caller: Caller, zone: Zone, name: str, type_: str) -> None:
    """Let the caller remove the record of this type, or raise ForbiddenError.

    The same names, types and zones as `permit`; neither counts nor targets matter.
    """
    _granting(policy, caller, zone, name, type_)


def may_overrule(policy: Policy, caller: Caller, zone: Zone, name: str, type_: str) -> bool:
    """True for a person who may change this record although a job owns it."""
    return any(
        isinstance(rule, PersonRule) and rule.overrule and _covers(grant, zone, name, type_)
        for rule in _rules(policy, caller)
        for grant in rule.grants
    )


def may_ask(policy: Policy, caller: Caller) -> bool:
    """True when any rule is the caller's: who has none reads nothing either."""
    return any(True for _ in _rules(policy, caller))


def may_see(policy: Policy, caller: Caller, zone: Zone, name: str) -> bool:
    """True when the caller could set some record at this normalised name."""
    return any(
        zone.visibility in grant.zones and _names(grant, zone, name)
        for rule in _rules(policy, caller)
        for grant in rule.grants
    )


def covers(pattern: str, name: str) -> bool:
    """True when a name of a grant covers a name: the same, or below what follows `*.`."""
    if pattern.startswith("*."):
        return is_below(name, pattern[2:])
    return name == pattern


def _granting(
    policy: Policy, caller: Caller, zone: Zone, name: str, type_: str
) -> tuple[Grant, ...]:
    """The caller's grants that cover the record; ForbiddenError when there is none."""
    try:
        spelled = wanted_name(name)
    except BadNameError as error:
        raise ForbiddenError(error.message, hint=error.hint) from error
    if spelled != name:
        _refuse(caller, type_, name, f"the name is spelled {spelled}")
    if zone not in _holders(policy, name):
        _refuse(caller, type_, name, f"it does not belong in {zone}")
    if type_ not in WRITABLE:
        _refuse(caller, type_, name, f"kick sets {', '.join(WRITABLE)} records only")
    rules = tuple(_rules(policy, caller))
    if not rules:
        raise ForbiddenError(f"the policy has no rule for {_who(caller)}", hint=_add(caller))
    grants = [grant for rule in rules for grant in rule.grants]
    found = tuple(grant for grant in grants if _covers(grant, zone, name, type_))
    if not found:
        _refuse(caller, type_, name, *_missing(grants, zone, name, type_))
    return found


def _missing(grants: Iterable[Grant], zone: Zone, name: str, type_: str) -> tuple[str, str]:
    """What the caller's grants lack, the nearest first."""
    named = [grant for grant in grants if any(covers(each, name) for each in grant.names)]
    here = [grant for grant in named if zone.visibility in grant.zones]
    special = "wildcard" if name.startswith("*.") else "apex" if name == zone.name else ""
    if not named:
        also = f' with grant = ["{special}"]' if special else ""
        return "no grant of its rule names it", f'names = ["{name}"]{also} would'
    if not here:
        return f"no grant of it is for {zone.visibility} zones", f'zones = ["{zone.visibility}"]'
    if not any(_names(grant, zone, name) for grant in here):
        what = "a zone's own name" if special == "apex" else "a wildcard"
        return f"{what} needs a grant of its own", f'grant = ["{special}"]'
    return f"no grant of it is for {type_} records", f'types = ["{type_}"]'


def _covers(grant: Grant, zone: Zone, name: str, type_: str) -> bool:
    return type_ in grant.types and zone.visibility in grant.zones and _names(grant, zone, name)


def _names(grant: Grant, zone: Zone, name: str) -> bool:
    if name.startswith("*.") and "wildcard" not in grant.special:
        return False
    if name == zone.name and "apex" not in grant.special:
        return False
    return any(covers(pattern, name) for pattern in grant.names)


def _rules(policy: Policy, caller: Caller) -> Iterator[WorkloadRule | PersonRule]:
    """The rules that are the caller's; compared as a whole, never by a beginning."""
    if isinstance(caller, Workload):
        for rule in policy.workloads:
            if (rule.job, rule.namespace) == (caller.job, caller.namespace) and (
                not rule.task or rule.task == caller.task
            ):
                yield rule
        return
    for person in policy.people:
        if (
            (person.management and caller.management)
            or person.policies & caller.policies
            or person.roles & caller.roles
        ):
            yield person


def _holders(policy: Policy, name: str) -> list[Zone]:
    """The longest zone of each visibility that holds the name."""
    longest: dict[str, Zone] = {}
    for zone in policy.zones:
        if is_in(name, zone.name):
            other = longest.get(zone.visibility)
            if other is None or len(other.name) < len(zone.name):
                longest[zone.visibility] = zone
    return list(longest.values())


def _refuse(caller: Caller, type_: str, name: str, why: str, hint: str | None = None) -> NoReturn:
    message = f"{_who(caller)} may not have {show(type_)[1:-1]} {show(name)[1:-1]}: {why}"
    raise ForbiddenError(message, hint=hint)


def _who(caller: Caller) -> str:
    return show(str(caller))[1:-1]


def _add(caller: Caller) -> str:
    if isinstance(caller, Workload):
        return "kick.toml needs a [[policy.workload]] with exactly this namespace and job"
    return "kick.toml needs a [[policy.person]] with a policy or role of this token"
