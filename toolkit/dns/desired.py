"""What the jobs of a view want of DNS, and what of it is not granted, and why; pure.

Of two jobs that ask for one name, the one that has it keeps it; of a name that nobody has, the
older job is first. A record is never made empty: while no instance passes it stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.dns.names import BadNameError, wanted_name
from toolkit.dns.policy import permit, zone_for
from toolkit.dns.reconcile_points import Listed, Pointed, Points, WithoutError, Zones, type_of
from toolkit.dns.records import BadRecordError, make_record
from toolkit.dns.standing import Standing
from toolkit.errors import ForbiddenError, ToolkitError
from toolkit.spec.discovery import (
    Declared,
    Desired,
    Kept,
    KeptReason,
    Place,
    SeenJob,
    View,
    Wanted,
)
from toolkit.spec.dns import Owner, Zone
from toolkit.spec.identity import Workload
from toolkit.spec.kick import KickConfig

NOTHING = Standing("")


def desired(view: View, config: KickConfig, zones: Zones, listed: Listed) -> Desired:
    """What is wanted; `listed`: the instances of each service that are to be in its record."""
    return _Deciding(view, config, zones, listed).all()


@dataclass(frozen=True, slots=True)
class _Claimant:
    """One service of a job that asks for a name."""

    job: SeenJob
    declared: Declared
    owner: Owner


class _Deciding:
    """One pass over a view; it lasts for one call."""

    def __init__(self, view: View, config: KickConfig, zones: Zones, listed: Listed):
        self._view = view
        self._config = config
        self._zones = zones
        self._points = Points(view, config, listed)
        self._wanted: dict[tuple[Zone, str, str], Wanted] = {}
        self._kept: list[Kept] = []
        self._asked: dict[Place, Owner] = {}
        self._unsure: set[Owner] = set()
        self._has: dict[Owner, set[tuple[Zone, str, str]]] = {}
        for zone, names in zones.items():
            for name, there in names.items():
                if there.owner is not None:
                    mine = self._has.setdefault(there.owner, set())
                    mine.update((zone, name, record.type) for record in there.owned)

    def all(self) -> Desired:
        """Everything that the jobs want."""
        claims = self._claims()
        chosen = {place: self._first(place, claimants) for place, claimants in claims.items()}
        self._asked = {place: mine[0].owner for place, mine in chosen.items()}
        for place, mine in chosen.items():
            self._decide(place, mine)
        wanted = tuple(self._wanted.values())
        return Desired(wanted, tuple(self._kept), self._asked, frozenset(self._unsure))

    def _claims(self) -> dict[Place, list[_Claimant]]:
        """Who asks for which name, oldest job first."""
        claims: dict[Place, list[_Claimant]] = {}
        jobs = [job for job in self._view.jobs.values() if job.alive]
        for job in sorted(jobs, key=lambda job: (job.created, job.key)):
            owner = Owner(self._config.cluster, "job", job.namespace, job.id)
            if job.unread:
                self._unsure.add(owner)
                self._kept.append(Kept("", owner, "unread", job.unread))
            for declared in job.declared:
                for name in declared.names or ("",):
                    place = self._place(name, declared, owner)
                    if place is not None:
                        claims.setdefault(place, []).append(_Claimant(job, declared, owner))
        return claims

    def _place(self, name: str, declared: Declared, owner: Owner) -> Place | None:
        if declared.wrong:
            # What it meant is not known, so that nothing of the job is taken for a leftover.
            self._unsure.add(owner)
            self._kept.append(Kept(name, owner, "wrong", f"{declared}: {declared.wrong}"))
            return None
        try:
            wanted = wanted_name(name)
            return zone_for(self._config.policy, wanted, declared.visibility), wanted
        except BadNameError as error:
            self._kept.append(Kept(name, owner, "bad-name", _told(error)))
        except (ForbiddenError, BadRecordError) as error:
            self._kept.append(Kept(name, owner, "no-zone", _told(error)))
        return None

    def _first(self, place: Place, claimants: list[_Claimant]) -> list[_Claimant]:
        """The services of the one job that the name is granted to."""
        zone, name = place
        now = self._zones.get(zone, {}).get(name, NOTHING).owner
        owners = list(dict.fromkeys(claimant.owner for claimant in claimants))
        chosen = now if now in owners else owners[0]
        for other in owners:
            if other != chosen:
                message = f"{name} in {zone} belongs to {chosen}, which asks for it too"
                self._kept.append(Kept(name, other, "taken", message, zone))
        return [claimant for claimant in claimants if claimant.owner == chosen]

    def _decide(self, place: Place, mine: list[_Claimant]) -> None:
        zone, name = place
        first = mine[0]
        try:
            pointed = self._points.of(place, [claimant.declared for claimant in mine])
        except WithoutError as without:
            if first.declared.type == "SRV":
                self._unsure.add(first.owner)
            self._kept.append(Kept(name, first.owner, without.reason, str(without), zone))
            return
        if pointed.hosts:
            self._decide_service(place, pointed, first)
            return
        for type_ in pointed.values or (first.declared.type or "A",):
            self._grant(place, type_, pointed, first)

    def _decide_service(self, place: Place, pointed: Pointed, first: _Claimant) -> None:
        """A service record, and the names that it points to: all of them or none."""
        hosts = pointed.hosts.items()
        had = all(self._host(host, address, first) for host, address in hosts)
        if not (had and self._grant(place, "SRV", pointed, first)):
            # The record stays as it is, and with it whatever it points to.
            self._unsure.add(first.owner)

    def _host(self, host: str, address: str, first: _Claimant) -> bool:
        """The name of an address that a service record points to; False when it cannot be had."""
        place = self._place(host, first.declared, first.owner)
        if place is None:
            return False
        type_ = type_of(address)
        pointed = Pointed({type_: [address]}, why="a service record points to it")
        self._asked.setdefault(place, first.owner)
        return self._grant(place, type_, pointed, first)

    def _grant(self, place: Place, type_: str, pointed: Pointed, first: _Claimant) -> bool:
        """Want the record, where it can be one and policy grants it."""
        (zone, name), owner, declared = place, first.owner, first.declared
        key = (zone, name, type_)
        if self._asked[place] != owner:
            message = f"{name} in {zone} is asked for by {self._asked[place]}"
            self._kept.append(Kept(name, owner, "taken", message, zone, type_))
            return False
        if key in self._wanted:
            return True
        reason: KeptReason = "wrong"
        try:
            record = make_record(
                name,
                type_,
                pointed.values.get(type_, ()),
                ttl=None if pointed.alias else declared.ttl,
                alias=pointed.alias,
                default_ttl=self._config.ttl,
            )
            reason = "policy"
            has = self._has.setdefault(owner, set())
            caller = Workload(owner.namespace, owner.job, declared.task, "", 0.0)
            held = len(has - {key})
            permit(self._config.policy, caller, zone, record, held=held, edge=pointed.edge)
        except (BadRecordError, ForbiddenError) as error:
            self._kept.append(Kept(name, owner, reason, _told(error), zone, type_))
            return False
        has.add(key)
        self._wanted[key] = Wanted(zone, record, owner, declared.task, pointed.why)
        return True


def _told(error: ToolkitError) -> str:
    """What is wrong, and what would mend it."""
    return error.message + (f" ({error.hint})" if error.hint else "")
