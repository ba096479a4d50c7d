"""The IAM policy of the kick server's role, rendered from the policy that it enforces itself.

The second line behind `policy.permit`: whoever takes over the server still reaches no name, type or
zone beyond the rules of kick.toml. AWS judges whole batches, so it cannot tell callers apart, and
pairs any granted name of a zone with any granted type of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from toolkit.dns.names import is_below, is_in
from toolkit.dns.ownership import owner_name
from toolkit.dns.policy import covers
from toolkit.errors import RefusedError
from toolkit.spec.dns import Zone
from toolkit.spec.kick import KickConfig
from toolkit.spec.policy import Grant, Policy

LARGEST = 10_240
"""Characters, spaces between words not counted, of all policies that a role has of its own."""

_CHANGE = "route53:ChangeResourceRecordSets"
_NAMES = f"{_CHANGE}NormalizedRecordNames"
_TYPES = f"{_CHANGE}RecordTypes"
_ACTIONS = f"{_CHANGE}Actions"
_STAR = "\\052"
"""How Route 53 spells `*` in a name, there and in its condition keys."""


def kick_role_policy(config: KickConfig) -> dict[str, Any]:
    """The policy document: just what the rules of kick.toml can lead to, zone by zone.

    RefusedError without a zone of Route 53's, and when it is larger than IAM takes.
    """
    zones = sorted(
        (zone for zone in config.zones if zone.provider == "route53"), key=lambda zone: zone.id
    )
    if not zones:
        hint = 'provider = "route53" in a [[zone]]'
        raise RefusedError("no zone is Route 53's, so there is no role to describe", hint=hint)
    arns = [_arn(zone) for zone in zones]
    statements = [
        *(each for zone in zones for each in _of_zone(config.policy, zone)),
        {
            "Sid": "Read",
            "Effect": "Allow",
            "Action": "route53:ListResourceRecordSets",
            "Resource": arns,
        },
        {
            "Sid": "Progress",
            "Effect": "Allow",
            "Action": "route53:GetChange",
            "Resource": "arn:aws:route53:::change/*",
        },
    ]
    document = {"Version": "2012-10-17", "Statement": statements}
    size = len(json.dumps(document, separators=(",", ":")))
    if size > LARGEST:
        hint = "grant names below one suffix, as *.NAME, in the place of many single ones"
        message = f"the policy has {size} characters, and IAM takes {LARGEST} for a role"
        raise RefusedError(message, hint=hint)
    return document


def _arn(zone: Zone) -> str:
    return f"arn:aws:route53:::hostedzone/{zone.id}"


def _of_zone(policy: Policy, zone: Zone) -> Iterator[dict[str, Any]]:
    every = [(grant, _names(policy, grant, zone)) for grant in _grants(policy)]
    grants = [(grant, names) for grant, names in every if names]
    if not grants:
        return
    types = sorted({"TXT", *(type_ for grant, _ in grants for type_ in grant.types)})
    yield {
        "Sid": f"Change{zone.id}",
        "Effect": "Allow",
        "Action": _CHANGE,
        "Resource": _arn(zone),
        "Condition": {
            "ForAllValues:StringLike": {_NAMES: _fewest(names for _, names in grants)},
            # No UPSERT: a DELETE that names what must be there is what keeps writers apart.
            "ForAllValues:StringEquals": {_TYPES: types, _ACTIONS: ["CREATE", "DELETE"]},
            # ForAllValues is true of a key that a request does not have.
            "Null": {_NAMES: "false", _TYPES: "false", _ACTIONS: "false"},
        },
    }
    if never := [*_denied_wildcards(grants), *_names_of_others(policy, zone)]:
        yield {
            "Sid": f"Never{zone.id}",
            "Effect": "Deny",
            "Action": _CHANGE,
            "Resource": _arn(zone),
            "Condition": {"ForAnyValue:StringLike": {_NAMES: never}},
        }


def _grants(policy: Policy) -> Iterator[Grant]:
    for workload in policy.workloads:
        yield from workload.grants
    for person in policy.people:
        yield from person.grants


def _names(policy: Policy, grant: Grant, zone: Zone) -> tuple[str, ...]:
    """The names of the zone that a grant covers, those of owner records included, as patterns."""
    if zone.visibility not in grant.zones:
        return ()
    found: list[str] = []
    for pattern in grant.names:
        suffix = pattern.removeprefix("*.")
        if pattern.startswith("*."):
            # A pattern over a zone whole covers what is in the zone.
            if is_below(zone.name, suffix):
                found.append(f"*.{zone.name}")
            elif _is_home(policy, suffix, zone):
                found.append(pattern)
        elif _is_home(policy, suffix, zone) and pattern != zone.name:
            found += [pattern, owner_name(pattern)]
        if "apex" in grant.special and covers(pattern, zone.name):
            found += [zone.name, owner_name(zone.name)]
    return tuple(found)


def _is_home(policy: Policy, name: str, zone: Zone) -> bool:
    """True when no longer zone of the same visibility has the name."""
    return is_in(name, zone.name) and not any(
        other.visibility == zone.visibility
        and is_below(other.name, zone.name)
        and is_in(name, other.name)
        for other in policy.zones
    )


def _fewest(names: Iterable[tuple[str, ...]]) -> list[str]:
    """Sorted, without names that a pattern among them covers: the document has a largest size."""
    every = {name for some in names for name in some}
    patterns = {name for name in every if name.startswith("*.")}
    return sorted(
        name
        for name in every
        if not any(is_below(name.removeprefix("*."), pattern[2:]) for pattern in patterns)
    )


def _names_of_others(policy: Policy, zone: Zone) -> Iterator[str]:
    """Names in the zone that belong to a longer one, and that a pattern over both takes in."""
    for other in policy.zones:
        if other.visibility == zone.visibility and is_below(other.name, zone.name):
            yield from (other.name, f"*.{other.name}")


def _denied_wildcards(grants: Iterable[tuple[Grant, tuple[str, ...]]]) -> list[str]:
    """Patterns of the wildcards that nobody may set, though a pattern of names takes them in.

    A wildcard that is granted below one that is not cannot be told apart by IAM: what is between
    the two is left to the server.
    """
    granted: set[str] = set()
    plain: set[str] = set()
    for grant, names in grants:
        suffixes = {name[2:] for name in names if name.startswith("*.")}
        (granted if "wildcard" in grant.special else plain).update(suffixes)
    if not granted:
        return [f"{_STAR}.*"]
    denied = []
    for suffix in sorted(plain):
        if any(is_in(suffix, other) for other in granted):
            continue
        denied.append(f"{_STAR}.{suffix}")
        if not any(is_below(other, suffix) for other in granted):
            denied.append(f"{_STAR}.*.{suffix}")
    return denied
