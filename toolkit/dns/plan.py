"""What is wanted beside what is there: the steps of one turn; pure.

Whether a wish is granted, `decide` says, as it does for requests: nothing of another owner's,
another cluster's or nobody's is ever touched. What a job left behind goes after the grace.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from toolkit.dns.decide import Decision, decide
from toolkit.dns.reconcile_points import Zones
from toolkit.dns.standing import Standing
from toolkit.errors import RefusedError
from toolkit.spec.discovery import Desired, Kept, Leftover, Place, Step, Turn, View, Wanted
from toolkit.spec.dns import Order, Owner, RemoveRecord, SetRecord, Wish, Zone
from toolkit.spec.identity import Workload
from toolkit.spec.kick import KickConfig

FOLLOWED = frozenset({"A", "AAAA", "CNAME", "SRV"})
"""Types that say where a name points: discovery decides on all of them where it keeps the name."""
NEVER = float("inf")

Mark = tuple[Zone, str, Owner]
"""A name, and whose leftover it is."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of earlier turns."""

    found: Mapping[Place, Collection[str]] = field(default_factory=dict)
    """By name, the types that discovery made, not a request."""
    since: Mapping[Mark, float] = field(default_factory=dict)
    """When a leftover was first noted, in seconds since 1970."""


def plan(
    view: View, desired: Desired, zones: Zones, config: KickConfig, known: Known, now: float
) -> Turn:
    """The steps of a turn at `now`, in seconds since 1970."""
    making = _Making(zones)
    for wanted in desired.wanted:
        making.want(wanted)
    types: dict[tuple[Zone, str, Owner], set[str]] = {}
    for wanted in desired.wanted:
        mark = (wanted.zone, wanted.record.name, wanted.owner)
        types.setdefault(mark, set()).add(wanted.record.type)
    for mark, mine in types.items():
        making.trim(mark, mine)
    leftovers = _leftovers(view, desired, zones, config, known, now)
    for leftover in leftovers:
        if leftover.since is not None and leftover.due <= now:
            making.remove(leftover)
    return Turn(
        tuple(making.steps), (*desired.kept, *making.kept), tuple(leftovers), making.unchanged
    )


class _Making:
    """The steps so far, and what the names look like after them."""

    def __init__(self, zones: Zones):
        self._zones = zones
        self._after: dict[Place, Standing] = {}
        self.steps: list[Step] = []
        self.kept: list[Kept] = []
        self.unchanged = 0

    def want(self, wanted: Wanted) -> None:
        """A wanted record, unless it is there or somebody else's."""
        zone, record, owner = wanted.zone, wanted.record, wanted.owner
        there = self._at((zone, record.name))
        if record.type != "CNAME" and "CNAME" in _types_of(there, owner, {record.type}):
            self._step(RemoveRecord(zone, record.name, "CNAME", owner), "", wanted.why)
        wish = SetRecord(zone, record, owner)
        decision = self._step(wish, wanted.task, wanted.why)
        self.unchanged += decision is not None and not decision.changes_anything

    def trim(self, mark: Mark, types: Collection[str]) -> None:
        """Take away what pointed elsewhere before, once what is wanted is there."""
        zone, name, owner = mark
        others = _types_of(self._at((zone, name)), owner, types)
        for type_ in sorted(others & FOLLOWED):
            wish = RemoveRecord(zone, name, type_, owner)
            self._step(wish, "", "the name points elsewhere now")

    def remove(self, leftover: Leftover) -> None:
        """A leftover whose time has come."""
        there = self._at((leftover.zone, leftover.name))
        whole = set(leftover.types) >= {record.type for record in there.owned}
        for type_ in ("*",) if whole else leftover.types:
            wish = RemoveRecord(leftover.zone, leftover.name, type_, leftover.owner)
            self._step(wish, "", leftover.why)

    def _step(self, wish: Wish, task: str, why: str) -> Decision | None:
        place = (wish.zone, wish.name)
        there = self._at(place)
        try:
            decision = decide(wish, there)
        except RefusedError as error:
            type_ = wish.record.type if isinstance(wish, SetRecord) else wish.type or ""
            self.kept.append(Kept(wish.name, wish.owner, "taken", error.message, wish.zone, type_))
            return None
        if decision.changes_anything:
            caller = Workload(wish.owner.namespace, wish.owner.job, task, "", 0.0)
            before = [record for record in there.records if record.type in decision.types]
            self.steps.append(
                Step(
                    Order(wish, caller, via="discovery"),
                    before[0] if before else None,
                    decision.record,
                    why,
                )
            )
            self._after[place] = decision.after
        return decision

    def _at(self, place: Place) -> Standing:
        zone, name = place
        return self._after.get(place) or self._zones.get(zone, {}).get(name) or Standing(name)


def _types_of(there: Standing, owner: Owner, known: Collection[str]) -> set[str]:
    """The types that the owner has there beside those that are known."""
    others = {record.type for record in there.records}.difference(known)
    # Whose a name is, is only read where it matters: it takes its time with thousands.
    claim = there.claim if others else None
    return others.intersection(claim.types) if claim and claim.owner == owner else set()


def _leftovers(
    view: View, desired: Desired, zones: Zones, config: KickConfig, known: Known, now: float
) -> list[Leftover]:
    """Names of this cluster's jobs that no living job of theirs asks for any more."""
    found = []
    for zone, names in zones.items():
        for name, there in sorted(names.items()):
            owner = there.owner
            if owner is None or owner.kind != "job" or owner.cluster != config.cluster:
                continue
            if desired.asked.get((zone, name)) == owner:
                continue
            left = _left(view, desired, known, (zone, name), there, owner)
            if left is None:
                continue
            types, why = left
            since = known.since.get((zone, name, owner))
            due = (now if since is None else since) + config.reconcile.grace
            if config.reconcile.policy == "upsert-only":
                due = NEVER
            found.append(Leftover(zone, name, types, owner, why, since, due))
    return found


def _left(
    view: View, desired: Desired, known: Known, place: Place, there: Standing, owner: Owner
) -> tuple[tuple[str, ...], str] | None:
    """What of a name is a leftover, and why; None when it is none."""
    job = view.jobs.get((owner.namespace, owner.job))
    every = tuple(sorted({record.type for record in there.owned}))
    if job is None:
        return every, "its job is gone"
    if not job.alive:
        return every, "its job is stopped or dead"
    if owner in desired.unsure:
        return None
    ours = known.found.get(place, ())
    followed = tuple(type_ for type_ in every if type_ in FOLLOWED and type_ in ours)
    return (followed, "its job no longer asks for it") if followed else None
