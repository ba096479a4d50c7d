"""May this caller have this record in this zone: deny by default, exact callers, whole labels."""

from __future__ import annotations

from collections.abc import Collection

from toolkit.spec.dns import Record, Zone
from toolkit.spec.identity import Caller
from toolkit.spec.policy import Policy
from toolkit.spec.target import Visibility


def zone_for(policy: Policy, name: str, visibility: Visibility | None = None) -> Zone:
    """The zone that a normalised name belongs to: the longest that it is in, by whole labels.

    ForbiddenError when there is none; BadRecordError of field `zone` when a public and a private
    zone hold the name and the caller chose neither.
    """
    raise NotImplementedError


def permit(
    policy: Policy,
    caller: Caller,
    zone: Zone,
    record: Record,
    *,
    held: int,
    edge: Collection[str] = (),
) -> None:
    """Let the caller set the record, or raise ForbiddenError saying which rule is missing.

    `held`: records of the owner-to-be besides this one. `edge`: addresses of the zone's edge that
    only the cluster knows, where `[edge]` names a job; normalised.
    """
    raise NotImplementedError


def permit_removal(policy: Policy, caller: Caller, zone: Zone, name: str, type_: str) -> None:
    """Let the caller remove the record of this type, or raise ForbiddenError.

    The same names, types and zones as `permit`; neither counts nor targets matter.
    """
    raise NotImplementedError


def may_overrule(policy: Policy, caller: Caller, zone: Zone, name: str, type_: str) -> bool:
    """True for a person who may change this record although a job owns it."""
    raise NotImplementedError


def may_ask(policy: Policy, caller: Caller) -> bool:
    """True when any rule is the caller's: who has none reads nothing either."""
    raise NotImplementedError


def may_see(policy: Policy, caller: Caller, zone: Zone, name: str) -> bool:
    """True when the caller could set some record at this normalised name."""
    raise NotImplementedError
