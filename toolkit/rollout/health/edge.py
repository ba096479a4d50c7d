"""The edge: is there a Traefik, does it read Consul, do requests get in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit.rollout.declared import TRAEFIK_API
from toolkit.rollout.health.look import Look, blind
from toolkit.spec.doctor import Check


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """One Traefik, as its API shows it."""

    address: str
    version: str = ""
    providers: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()
    routers: int = 0
    errors: int = 0
    """Routers, services and middlewares that it has and cannot use."""
    warnings: int = 0
    watches: bool | None = None
    """Whether it is told of changes by Consul, or asks now and then; None: not visible."""
    problem: str | None = None
    """Why its API could not be read."""
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Entrance:
    """An address of the environment at which requests enter."""

    visibility: str
    address: str
    status: int | None
    """Of any answer."""
    error: str | None = None


def judge(
    name: str, edges: Look[Sequence[Gatekeeper]], routed: Look[Mapping[str, Sequence[str]]]
) -> Check:
    """Whether every Traefik can be read and reads Consul; `routed`: jobs -> entry points."""
    if (missing := blind(name, "the edge", edges)) is not None:
        return missing
    found = edges.get(())
    jobs = sorted(routed.get({}))
    if not found:
        summary = f"Consul lists no service {TRAEFIK_API}: no Traefik is known"
        if jobs:
            return Check(
                name, "failed", f"{summary}, and {', '.join(jobs)} {_have(jobs)} routes",
                advice=f"deploy a Traefik whose API is registered as {TRAEFIK_API}: `toolkit "
                "deploy traefik`",
            )  # fmt: skip
        if not routed.seen:
            return Check(
                name, "could not tell", f"{summary}; whether a job has routes: {routed.problem}",
                advice=routed.hint,
            )  # fmt: skip
        return Check(name, "passed", f"{summary}, and no job here has a route")
    unread = [each for each in found if each.problem]
    deaf = [
        each
        for each in found
        if not each.problem and "consulcatalog" not in {p.lower() for p in each.providers}
    ]
    if unread:
        return Check(
            name, "failed", f"the API of {len(unread)} of {len(found)} Traefiks cannot be read",
            tuple(str(each.problem) for each in unread), advice=unread[0].hint,
        )  # fmt: skip
    if deaf:
        reads = ", ".join(deaf[0].providers) or "nothing"
        return Check(
            name, "failed",
            f"Traefik at {deaf[0].address} does not read Consul's catalog (it reads {reads})",
            advice="start it with --providers.consulcatalog; Traefik's own Nomad provider does not "
            "look at health",
        )  # fmt: skip
    evidence = tuple(
        f"{each.address}: {each.routers} routers, {each.errors} errors, {each.warnings} warnings"
        for each in found
    )
    broken = [each for each in found if each.errors]
    if broken:
        return Check(
            name, "failed", f"Traefik at {broken[0].address} has routes that it cannot use",
            evidence, advice=f"{broken[0].address}/dashboard/ says which",
        )  # fmt: skip
    return Check(
        name, "passed", f"{_count(found)} Consul's catalog", evidence, tuple(_notes(found))
    )


def _have(jobs: Sequence[str]) -> str:
    return "has" if len(jobs) == 1 else "have"


def _count(found: Sequence[Gatekeeper]) -> str:
    if len(found) == 1:
        return f"Traefik at {found[0].address} reads"
    return f"{len(found)} Traefiks read"


def _notes(found: Sequence[Gatekeeper]) -> list[str]:
    said = [f"{each.address} has {each.warnings} warnings" for each in found if each.warnings]
    said += [
        f"{each.address} asks Consul now and then (watch is off): a job's shutdown_delay must be "
        "longer than its refreshInterval, 15 s by default, and 2 s more"
        for each in found
        if each.watches is False
    ]
    return said


def judge_entrances(
    name: str,
    edges: Look[Sequence[Gatekeeper]],
    routed: Look[Mapping[str, Sequence[str]]],
    entrances: Look[Sequence[Entrance]],
) -> Check:
    """Whether the entry points that routes name exist, and whether requests get in."""
    wanted = {
        point: sorted(job for job, points in routed.get({}).items() if point in points)
        for point in sorted({p for points in routed.get({}).values() for p in points})
    }
    readable = [each for each in edges.get(()) if not each.problem]
    lacking = {
        point: jobs
        for point, jobs in wanted.items()
        if readable and not any(point in each.entry_points for each in readable)
    }
    asked = entrances.get(())
    shut = [each for each in asked if each.status is None]
    evidence = [
        *(f"entry point {point} is named by {', '.join(jobs)}" for point, jobs in lacking.items()),
        *(
            f"{each.visibility} {each.address}: "
            + (f"HTTP {each.status}" if each.error is None else each.error)
            for each in asked
        ),
    ]
    if lacking:
        have = sorted({point for each in readable for point in each.entry_points})
        return Check(
            name, "failed", f"no Traefik has entry point {' or '.join(lacking)}", tuple(evidence),
            advice=f"add it to Traefik, or name one of {', '.join(have)}",
        )  # fmt: skip
    nothing_needed = edges.seen and not edges.get(()) and routed.seen and not wanted
    # A local environment has addresses before it has a Traefik; without Consul none is known.
    not_known = not edges.seen and not wanted
    if shut and not nothing_needed and not not_known:
        return Check(
            name, "failed", f"nothing answers at {shut[0].address} ({shut[0].visibility})",
            tuple(evidence),
            advice="look at `edge` of the environment, at Traefik, and at what stands before it",
        )  # fmt: skip
    if not entrances.seen or not edges.seen or (wanted and not readable):
        look = next((each for each in (entrances, edges) if not each.seen), edges)
        said = look.problem or "no Traefik can be read"
        return Check(
            name, "could not tell", f"cannot see the entry points: {said}", tuple(evidence),
            advice=look.hint,
        )  # fmt: skip
    if nothing_needed:
        return Check(name, "passed", "no Traefik, and no job here has a route")
    notes = [] if asked else ["the environment names no edge address: none was asked"]
    parts = [f"{each.visibility} {each.address} answers" for each in asked]
    parts += [f"entry point {point} exists" for point in wanted]
    if not routed.seen:
        notes.append(f"which entry points our jobs name: {routed.problem}")
    points = sorted({point for each in readable for point in each.entry_points})
    summary = ", ".join(parts) or f"entry points {', '.join(points)}"
    return Check(name, "passed", summary, notes=tuple(notes))
