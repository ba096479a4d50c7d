"""Why the chain behind a healthy deployment does not hold: Consul, Traefik, release, edge; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toolkit.rollout.causes.words import one_line
from toolkit.rollout.declared import Service
from toolkit.rollout.edges import Edges
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Extra, InstanceChain, Link, Verification
from toolkit.spec.observed import ConsulInstance


@dataclass(frozen=True, slots=True)
class Around:
    """What else was looked at, so that a broken link can be explained and not only named."""

    services: tuple[Service, ...] = ()
    """The job's own."""
    instances: tuple[ConsulInstance, ...] = ()
    edges: Edges | None = None
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Every service in Consul's catalog with its tags."""
    routers: tuple[Mapping[str, Any], ...] = ()
    """All routers of the Traefiks, as their API lists them."""


NOTHING = Around()


def causes_of_chain(verification: Verification, around: Around = NOTHING) -> tuple[Cause, ...]:
    """The cause of the first broken link; nothing when none is broken.

    `around` says more where it is known: which Traefik, which router, which tags disagree.
    """
    link = verification.first_broken
    if link is None:
        return ()
    match link.name:
        case "nomad":
            return (_nomad(verification, link),)
        case "consul":
            return (_consul(verification, link, around.instances),)
        case "traefik":
            return (_traefik(verification, link, around),)
        case "release":
            return (_release(verification, link),)
        case "edge":
            return (_refused(link, None, around) or _edge(verification, link),)


def _nomad(verification: Verification, link: Link) -> Cause:
    rows = verification.instances
    bad = next((row for row in rows if row.nomad not in {"running", "healthy"}), None)
    missing = verification.expected - len(rows)
    summary = f"{missing} of {verification.expected} instances are missing"
    if bad is not None:
        summary = f"allocation {bad.allocation[:8]} should run and is {bad.nomad}"
    advice = "`toolkit explain` of the job, or of the allocation, says what became of it"
    return _cause("missing", summary, bad, link, advice)


def _release(verification: Verification, link: Link) -> Cause:
    expected = verification.release
    rows = verification.instances
    bad = next((row for row in rows if row.serves not in {expected, "not asked"}), None)
    said = f": {bad.address} says {bad.serves}" if bad is not None else ""
    summary = f"an instance does not serve release {expected}{said}"
    advice = "see where the program takes its release from, and which image or file it runs"
    return _cause("release", summary, bad, link, advice)


def _edge(verification: Verification, link: Link) -> Cause:
    before = next((each for each in verification.links if each.name == "traefik"), None)
    if before is not None and before.state == "unseen":
        # What hides Traefik comes before what a client gets without it.
        return _cause(
            "edge",
            "the edge does not serve it, and Traefik cannot be seen: "
            + before.detail.removeprefix("cannot see: "),
            None,
            link,
            "`toolkit doctor` says what is wrong with the edge; where no Traefik runs, deploy one",
        )
    advice = "ask the edge as a client would, and compare host, path and entry point with the route"
    return _cause("edge", "the edge does not serve it", None, link, advice)


def _consul(verification: Verification, link: Link, instances: Sequence[ConsulInstance]) -> Cause:
    bad = next((r for r in verification.instances if r.consul not in {"passing", "-"}), None)
    extra = next((e for e in verification.extras if e.where == "consul" and e.kind != "dead"), None)
    if bad is None and extra is not None:
        return _stale(extra, link)
    if bad is not None and bad.consul == "missing":
        summary = f"allocation {bad.allocation[:8]} is not registered in Consul"
        advice = "see whether Nomad's client on that node talks to Consul: `toolkit doctor`"
        return _cause("check", summary, bad, link, advice)
    said = tuple(
        f"check: {check.name} is {check.status}: {one_line(check.output)}"
        for instance in instances
        if bad is not None and instance.allocation == bad.allocation
        for check in instance.checks
        if check.status != "passing"
    )
    summary = f"a check of the allocation is {bad.consul if bad else 'not passing'} in Consul"
    advice = "ask the check's address on the node, and compare path and port with the job file"
    return _cause("check", summary, bad, link, advice, said)


def _traefik(verification: Verification, link: Link, around: Around) -> Cause:
    bad = next((r for r in verification.instances if r.traefik not in {"up", "-"}), None)
    extra = next((e for e in verification.extras if e.where == "traefik"), None)
    if bad is None and extra is not None:
        return _stale(extra, link)
    if (quarrel := _quarrel(around)) is not None:
        advice = (
            "give router and service names of their own: a name that two definitions share is"
            " dropped, with all that it served"
        )
        return _cause("routers", quarrel[0], bad, link, advice, quarrel[1:])
    if (refused := _refused(link, bad, around)) is not None:
        return refused
    if (behind := _behind(around)) is not None:
        return _cause("edge", behind[0], bad, link, behind[1])
    summary = "Traefik does not have the instance that passes in Consul"
    if bad is not None and bad.traefik == "down":
        summary = f"Traefik holds {bad.address} for down"
    return _cause("edge", summary, bad, link, "see Traefik's log: does it still follow Consul?")


def _behind(around: Around) -> tuple[str, str] | None:
    """Which Traefik knows nothing of the service, and what to do."""
    for view in around.edges.views if around.edges is not None else ():
        if not view.services:
            return (
                f"Traefik at {view.address} has no service of Consul at all",
                "see whether its consulCatalog provider reads this Consul, with a token that may",
            )
        for route in (route for service in around.services for route in service.routes):
            if not view.services.get(route.service):
                return (
                    f"Traefik at {view.address} does not route to service {route.service}",
                    f"see router {route.router} in Traefik's dashboard and log: rule, entry points,"
                    " another definition of the same name",
                )
    return None


def _refused(link: Link, bad: InstanceChain | None, around: Around) -> Cause | None:
    """A router of the job that Traefik has and cannot use."""
    wanted = {route.router for service in around.services for route in service.routes}
    for router in around.routers:
        name = str(router.get("name") or "").partition("@")[0]
        errors = [one_line(str(each)) for each in router.get("error") or []]
        if name in wanted and errors:
            summary = f"Traefik cannot use router {name}: {errors[0]}"
            advice = "mend the router's tags: its rule, and an entry point that Traefik has"
            said = [f"router: {each}" for each in errors[:3]]
            return _cause("edge", summary, bad, link, advice, said)
    return None


def _quarrel(around: Around) -> tuple[str, ...] | None:
    """Who gives one router or service of Traefik's two meanings, and both of them."""
    mine: dict[str, tuple[str, str]] = {}
    for service in around.services:
        for key, value in _routing(service.tags):
            mine.setdefault(key, (value, f"service {service.name}"))
    own = {service.name for service in around.services}
    for instance in around.instances:
        who = f"allocation {(instance.allocation or instance.id)[:8]}"
        for key, value in _routing(instance.tags) if instance.service in own else ():
            known = mine.setdefault(key, (value, who))
            if known[0] != value:
                what = "two versions disagree on traefik.* tags, and Traefik drops the router"
                return what, f"tag: {key}={known[0]} of {known[1]}", f"tag: {key}={value} of {who}"
    for name, tags in sorted(around.tags.items()):
        for key, value in _routing(tags) if name not in own else ():
            if key in mine and mine[key][0] != value:
                router = key.split(".")[3]
                return (
                    f"service {name} gives router {router} another meaning, and Traefik drops it",
                    f"tag: {key}={mine[key][0]} of {mine[key][1]}",
                    f"tag: {key}={value} of service {name}",
                )
    return None


def _routing(tags: Sequence[str]) -> list[tuple[str, str]]:
    """The tags that define routers and services of Traefik's, as key and value."""
    pairs = [(key.strip(), value.strip()) for key, _, value in (t.partition("=") for t in tags)]
    return [
        (key, value)
        for key, value in pairs
        if key.lower().startswith("traefik.http.") and key.count(".") > 3
    ]


def _stale(extra: Extra, link: Link) -> Cause:
    place = "Consul" if extra.where == "consul" else "Traefik"
    summary = f"{place} still lists an instance too many: {extra.what} ({extra.kind})"
    advice = (
        "give each job service names of its own; what is left of an instance that is gone goes"
        " with Consul's own clean-up, or by hand: `consul services deregister -id=…` on its node"
    )
    return _cause("stale", summary, None, link, advice, (f"{extra.where}: {extra.detail}",))


def _cause(
    kind: str,
    summary: str,
    row: InstanceChain | None,
    link: Link,
    advice: str,
    evidence: Sequence[str] = (),
) -> Cause:
    return Cause(
        kind=kind,
        summary=summary,
        group=row.group if row is not None else None,
        allocation=row.allocation if row is not None else None,
        node=row.node if row is not None else None,
        evidence=(*evidence, f"chain: {link.name}: {link.detail}"),
        advice=advice,
    )
