"""Clusters as values: jobs that ask for names, their instances, and what the zones have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from toolkit.config.kick import load_kick
from toolkit.dns.desired import desired
from toolkit.dns.ownership import owner_record
from toolkit.dns.plan import Known, plan
from toolkit.dns.reconcile_points import Group, candidates
from toolkit.dns.reconcile_read import service_id
from toolkit.dns.standing import Standing, standings
from toolkit.spec.discovery import Declared, Desired, HostPort, Instance, SeenJob, Turn, View
from toolkit.spec.dns import Claim, Owner, Record, Zone
from toolkit.spec.kick import KickConfig

TEXT = """
cluster = "blue"
[[zone]]
name = "apps.example.com"
visibility = "public"
provider = "local"
[[zone]]
name = "apps.internal"
visibility = "private"
provider = "local"
[targets]
public = ["203.0.113.0/24", "2001:db8::/32"]
private = ["10.0.0.0/8", "fd00::/8"]
[edge.public]
addresses = ["203.0.113.1", "2001:db8::1"]
[edge.private]
service = "traefik"
[reconcile]
policy = "sync"
grace = "300s"
hold = "30s"
"""
RULE = """
[[policy.workload]]
namespace = "default"
job = "{job}"
[[policy.workload.grants]]
names = ["{name}.apps.example.com", "*.{name}.apps.example.com"]
types = ["A", "AAAA", "CNAME", "TXT"]
zones = ["public"]
most = {most}
[[policy.workload.grants]]
names = ["{name}.apps.internal", "*.{name}.apps.internal"]
types = ["A", "AAAA", "SRV", "TXT"]
zones = ["private"]
most = {most}
"""
RULES = (("shop", "shop"), ("rival", "shop"), ("web", "web"))
NOW = 1_800_000_000.0


def kick_config(text: str = TEXT, *, most: int = 10, **change: Any) -> KickConfig:
    """The configuration, with `[reconcile]` changed."""
    rules = "".join(RULE.format(job=job, name=name, most=most) for job, name in RULES)
    config = load_kick((text + rules).encode(), "kick.toml")
    return replace(config, reconcile=replace(config.reconcile, **change)) if change else config


CONFIG = kick_config()
PUBLIC = next(zone for zone in CONFIG.zones if zone.visibility == "public")
PRIVATE = next(zone for zone in CONFIG.zones if zone.visibility == "private")
NAME = "shop.apps.internal"
SITE = "shop.apps.example.com"


def owner(job: str = "shop", cluster: str = "blue") -> Owner:
    return Owner(cluster, "job", "default", job)


def declared(job: str = "shop", *names: str, **change: Any) -> Declared:
    """One service that asks for names of its instances, in the private zone."""
    made = Declared(
        "default", job, "app", "", job, "http", names or (NAME,), "private", "instances", None,
        None, "http", checked=True,
    )  # fmt: skip
    return replace(made, **change)


def job(name: str = "shop", *asks: Declared, created: int = 1, alive: bool = True) -> SeenJob:
    return SeenJob("default", name, created, alive, asks)


def instance(number: int, of: str = "shop", *, address: str = "", port: int = 20_000) -> Instance:
    """A running allocation; number n has the address 10.0.0.n."""
    allocation = f"{number:08x}-0000-0000-0000-000000000000"
    host = address or f"10.0.0.{number}"
    ports = (HostPort("http", host, port + number),)
    return Instance(allocation, f"node-{number}", "default", of, "app", ports)


def view(
    jobs: Iterable[SeenJob], instances: Iterable[Instance] = (), failing: Collection[int] = ()
) -> View:
    """A cluster in which all instances pass but those whose numbers are `failing`."""
    known, running = {each.key: each for each in jobs}, tuple(instances)
    sick = {instance(number).allocation for number in failing}
    checks = {
        service_id(ask, each): {each.node: each.allocation not in sick}
        for each in running
        for owner_job in [known.get((each.namespace, each.job))]
        for ask in (owner_job.declared if owner_job else ())
        if ask.group == each.group
    }
    return View(known, running, checks)


def owned(of: Owner, *records: Record) -> list[Record]:
    """Records with the owner record of their one name."""
    types = tuple(sorted({record.type for record in records}))
    return [*records, owner_record(records[0].name, Claim(of, types))]


def record(name: str, *values: str, type_: str = "A", ttl: int = 60) -> Record:
    return Record(name, type_, ttl, tuple(sorted(values)))


def zones(
    private: Iterable[Record] = (), public: Iterable[Record] = ()
) -> dict[Zone, dict[str, Standing]]:
    """What the two zones have."""
    return {
        zone: {there.name: there for there in standings(records)}
        for zone, records in ((PRIVATE, private), (PUBLIC, public))
    }


def passing(seen: View, config: KickConfig = CONFIG) -> dict[Group, set[str]]:
    """Exactly the instances that pass: no holds."""
    return {
        group: {allocation for allocation, passes in of.items() if passes}
        for group, of in candidates(seen, config).items()
    }


def want(
    seen: View,
    there: Mapping[Zone, Mapping[str, Standing]] | None = None,
    config: KickConfig = CONFIG,
) -> Desired:
    return desired(seen, config, there or zones(), passing(seen, config))


def turn(
    seen: View,
    there: Mapping[Zone, Mapping[str, Standing]] | None = None,
    config: KickConfig = CONFIG,
    known: Known | None = None,
    now: float = NOW,
) -> Turn:
    there = there or zones()
    return plan(seen, want(seen, there, config), there, config, known or Known(), now)


def records(found: Desired) -> dict[tuple[str, str], tuple[str, ...]]:
    """Wanted values by name and type."""
    return {each.record.key: each.record.values for each in found.wanted}


def reasons(found: Desired | Turn) -> list[tuple[str, str]]:
    return [(kept.name, kept.reason) for kept in found.kept]


def steps(found: Turn) -> list[tuple[str, tuple[str, ...] | None]]:
    """Name and values of each step; None where the record goes."""
    return [
        (step.order.wish.name, None if step.after is None else step.after.values)
        for step in found.steps
    ]
