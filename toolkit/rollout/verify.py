"""Look along the whole chain, until it holds or the time for it is over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout import ask, chain, consul_side, edges, read
from toolkit.rollout.declared import Service, services
from toolkit.rollout.world import World
from toolkit.spec.chain import InstanceChain, Link, Verification
from toolkit.spec.jobspec import ServedRelease
from toolkit.spec.observed import AllocationView

EDGE_STEP = 0.02
"""Seconds between two looks at Traefik, whose API cannot be blocked on; they grow."""
EDGE_STEP_MOST = 0.25
NOMAD_STEP = 0.1
"""Seconds before Nomad's allocations are read again."""
BLIND_STEP = 0.5
"""Seconds before something that does not answer is tried again."""
EDGE_REQUESTS = 8
"""The most requests sent through one door in one look."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What should be there."""

    job: Mapping[str, Any]
    """The job as registered."""
    allocations: tuple[AllocationView, ...]
    """All that Nomad lists for the job."""
    expected: tuple[AllocationView, ...]
    """Those that should carry the release."""
    wanted: int
    release: str | None
    served: ServedRelease | None
    alone: bool = True
    """False during a rollout: others may be in Consul and at the edge beside the expected."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A verification, and how long Traefik alone was waited for."""

    verification: Verification
    edge_wait: float = 0.0


def expect(
    job: Mapping[str, Any],
    allocations: Sequence[AllocationView],
    versions: Collection[int],
    *,
    served: ServedRelease | None,
    wanted: int | None = None,
) -> Expectation:
    """What should be there when the job versions in `versions` are the ones that serve."""
    expected = tuple(a for a in allocations if a.should_run and a.job_version in versions)
    release = (job.get("Meta") or {}).get("release")
    return Expectation(
        job=job,
        allocations=tuple(allocations),
        expected=expected,
        wanted=count(job) if wanted is None else wanted,
        release=None if release is None else str(release),
        served=served,
    )


def count(job: Mapping[str, Any]) -> int:
    """How many instances a service job wants."""
    return sum(
        1 if group.get("Count") is None else int(group["Count"]) for group in read.groups(job)
    )


def system_count(
    world: World, job: Mapping[str, Any], allocations: Sequence[AllocationView]
) -> int:
    """How many instances a system job should have, by the scheduler's own book.

    One on each node where Nomad wants one, and those that its latest evaluation could not place.
    (The dry run of an unchanged system job counts its instances twice on Nomad 1.11.)
    """
    wanted = {(a.node_id, a.group) for a in allocations if a.desired_status == "run"}
    evaluations = world.nomad.evaluations(str(job["ID"]))
    latest = max(evaluations, key=lambda e: int(e.get("ModifyIndex") or 0), default={})
    queued = (latest.get("QueuedAllocations") or {}).values()
    return len(wanted) + sum(int(number) for number in queued)


def verify(
    world: World,
    expectation: Expectation,
    *,
    wait: float,
    refresh: Callable[[], Expectation] | None = None,
    behind: float = 0.0,
) -> Looked:
    """Look along the chain until it holds or `wait` seconds are over; the last look counts.

    `refresh` reads Nomad's side again, for a list of allocations that may be a moment old.
    `behind`: seconds instead, while Consul's list of instances is the first that does not hold;
    what follows from that list has `wait` seconds more.
    """
    begun = caught_up = world.clock()
    edge_wait, started, step = 0.0, 0.0, EDGE_STEP
    before: Verification | None = None
    while True:
        verification, consul = look(world, expectation)
        now = world.clock()
        if before is not None and _only_edge(before):
            edge_wait += now - started
        first = verification.first_broken
        hopeless = consul.denied and first is None
        deadline = caught_up + wait
        if behind > wait and first is not None and first.name == "consul":
            caught_up, deadline = now, begun + behind
        if verification.holds or hopeless or now >= deadline:
            return Looked(verification, edge_wait)
        before, started = verification, now
        if first is not None and first.name == "nomad" and refresh is not None:
            world.sleep(NOMAD_STEP)
            expectation = refresh()
        else:
            _pause(world, verification, consul.indexes, min(deadline - now, 1.0), step)
            step = min(step * 1.2, EDGE_STEP_MOST)


def look(world: World, expectation: Expectation) -> tuple[Verification, consul_side.ConsulSide]:
    """Look once; also what Consul had to say, with its indexes to block on."""
    declared = services(expectation.job)
    routed = [service for service in declared if service.routes]
    consul = consul_side.look(world, [service.name for service in declared])
    at_edge = edges.look(world) if routed else edges.Edges()
    seen = chain.Seen(
        expected=expectation.expected,
        wanted=expectation.wanted,
        known=expectation.allocations,
        services=declared,
        consul=consul,
        edges=at_edge,
        rolling=not expectation.alone,
    )
    rows = chain.rows(seen)
    strays = chain.extras(seen) if expectation.alone else ()
    links = chain.links(seen, rows, strays)
    rows, release = _releases(world, expectation, seen, rows, links)
    links.append(release)
    links.append(_edge(world, expectation, routed, at_edge, links))
    verification = Verification(
        links=tuple(links),
        instances=rows,
        extras=strays,
        expected=expectation.wanted,
        release=expectation.release,
        rolling=not expectation.alone,
    )
    return verification, consul


def _releases(
    world: World,
    expectation: Expectation,
    seen: chain.Seen,
    rows: tuple[InstanceChain, ...],
    links: Sequence[Link],
) -> tuple[tuple[InstanceChain, ...], Link]:
    """Ask every instance directly, once the links before it hold."""
    served, wanted = expectation.served, expectation.release
    if not seen.services or served is None or wanted is None:
        asked = tuple(replace(row, serves="not asked") for row in rows)
        return asked, Link("release", "absent", "by job version, not asked")
    if any(link.state == "broken" for link in links):
        if not expectation.alone:
            return rows, Link("release", "absent", "not asked before all are there")
        return rows, Link("release", "unseen", "not asked: a link before it is broken")
    if seen.consul.blind:
        return rows, Link("release", "unseen", "not asked: Consul has the addresses")
    found, right = [], 0
    problem = ""
    for row, allocation in zip(rows, seen.expected, strict=True):
        pairs = chain.instances_of(seen, allocation)
        pairs.sort(key=lambda pair: not pair[0].routes)
        instance = next((item for _, item in pairs if item is not None and item.port), None)
        if instance is None:
            found.append(replace(row, serves="not asked"))
            right += 1
            continue
        answer = ask.instance(world, instance, served)
        found.append(replace(row, serves=answer.release or "unseen"))
        right += answer.release == wanted
        if answer.release != wanted and not problem:
            said = answer.release or answer.problem
            problem = f"; {row.allocation[:8]} on {row.node} at {row.address}: {said}"
    state = right == len(rows)
    detail = f"{right} of {expectation.wanted} serve {wanted}{problem}"
    return tuple(found), Link("release", "holds" if state else "broken", detail)


def _edge(
    world: World,
    expectation: Expectation,
    routed: Sequence[Service],
    at_edge: edges.Edges,
    links: Sequence[Link],
) -> Link:
    """Ask through the edge as a client would; only when the job is meant to serve alone."""
    if not routed:
        return Link("edge", "absent", "the job has no route")
    if not expectation.alone:
        return Link("edge", "absent", "both releases serve while it rolls")
    if any(link.state == "broken" for link in links):
        return Link("edge", "unseen", "not asked: a link before it is broken")
    served = expectation.served if expectation.release is not None else None
    details = []
    for service in routed:
        for route in service.routes:
            if route.host is None and "Host" in route.rule:
                return Link("edge", "unseen", f"no host is known that matches {route.rule}")
            places = edges.doors(world, route, at_edge)
            if not places:
                return Link("edge", "unseen", f"no address of the edge is known for {route.router}")
            for place in places:
                number = min(max(2 * expectation.wanted, 2), EDGE_REQUESTS)
                answers = [ask.door(world, place, served) for _ in range(number)]
                wrong = [
                    a for a in answers if a.problem or (served and a.release != expectation.release)
                ]
                where = f"{place.url}{' as ' + place.host if place.host else ''}"
                if wrong and all(a.blind for a in wrong):
                    return Link("edge", "unseen", f"{where} answers {ask.summary(answers)}")
                if wrong:
                    return Link("edge", "broken", f"{where} answers {ask.summary(answers)}")
                details.append(f"{where} serves {ask.summary(answers)}" if served else where)
    return Link("edge", "holds", "; ".join(details))


def _only_edge(verification: Verification) -> bool:
    broken = {link.name for link in verification.links if link.state == "broken"}
    return bool(broken) and broken <= {"traefik", "edge"}


def _pause(
    world: World,
    verification: Verification,
    indexes: Mapping[str, int],
    limit: float,
    step: float,
) -> None:
    """Wait for the first broken link to change: block on Consul, step on Traefik."""
    first = verification.first_broken
    if first is None:
        world.sleep(BLIND_STEP)
    elif first.name == "consul" and len(indexes) == 1:
        name, index = next(iter(indexes.items()))
        # A Consul that is lost meanwhile is what the next look will say.
        with suppress(ApiError):
            world.consul.service(name, index=index, wait=max(limit, 0.1))
    else:
        world.sleep(step)
