"""Why the chain behind a healthy deployment does not hold: Consul, Traefik, release, edge; pure."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.rollout.declared import Service
from toolkit.rollout.edges import Edges
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Extra, InstanceChain, Link, Verification
from toolkit.spec.observed import ConsulInstance

_STALE = (
    "wait for Consul's own clean-up, or take it out: `consul services deregister -id=…` on its node"
)


def causes_of_chain(
    verification: Verification,
    edges: Edges | None = None,
    services: Sequence[Service] = (),
    instances: Sequence[ConsulInstance] = (),
) -> tuple[Cause, ...]:
    """The cause of the first broken link; nothing when none is broken.

    `edges`, `services` and `instances` say more where they are known: which Traefik, which
    router, which tags disagree.
    """
    link = verification.first_broken
    if link is None:
        return ()
    rows = verification.instances
    match link.name:
        case "nomad":
            bad = next((row for row in rows if row.nomad not in {"running", "healthy"}), None)
            missing = verification.expected - len(rows)
            summary = f"{missing} of {verification.expected} instances are missing"
            if bad is not None:
                summary = f"allocation {bad.allocation[:8]} should run and is {bad.nomad}"
            return (
                _cause(
                    "missing", summary, bad, link,
                    "`toolkit explain` of the job, or of the allocation, says what became of it",
                ),
            )  # fmt: skip
        case "consul":
            return (_consul(verification, link, instances),)
        case "traefik":
            return (_traefik(verification, link, edges, services, instances),)
        case "release":
            expected = verification.release
            bad = next((row for row in rows if row.serves not in {expected, "not asked"}), None)
            said = f" {bad.address} says {bad.serves}" if bad is not None else ""
            return (
                _cause(
                    "release", f"an instance does not serve release {expected}:{said}", bad, link,
                    "see where the program takes its release from, and which image or file it runs",
                ),
            )  # fmt: skip
        case "edge":
            return (
                _cause(
                    "edge", f"the edge does not serve it: {link.detail}", None, link,
                    "ask the edge as a client would, and compare host, path and entry point with"
                    " the route",
                ),
            )  # fmt: skip


def _consul(verification: Verification, link: Link, instances: Sequence[ConsulInstance]) -> Cause:
    bad = next((r for r in verification.instances if r.consul not in {"passing", "-"}), None)
    extra = next((e for e in verification.extras if e.where == "consul"), None)
    if bad is None and extra is not None:
        return _stale(extra, link)
    if bad is not None and bad.consul == "missing":
        return _cause(
            "check", f"allocation {bad.allocation[:8]} is not registered in Consul", bad, link,
            "see whether Nomad's client on that node talks to Consul: `toolkit doctor`",
        )  # fmt: skip
    said = tuple(
        f"check: {check.name} is {check.status}: {' '.join(check.output.split())[:300]}"
        for instance in instances
        if bad is not None and instance.allocation == bad.allocation
        for check in instance.checks
        if check.status != "passing"
    )
    state = bad.consul if bad is not None else "not passing"
    return _cause(
        "check", f"a check of the allocation is {state} in Consul", bad, link,
        "ask the check's address on the node, and compare path and port with the job file",
        said,
    )  # fmt: skip


def _traefik(
    verification: Verification,
    link: Link,
    edges: Edges | None,
    services: Sequence[Service],
    instances: Sequence[ConsulInstance],
) -> Cause:
    bad = next((r for r in verification.instances if r.traefik not in {"up", "-"}), None)
    extra = next((e for e in verification.extras if e.where == "traefik"), None)
    if bad is None and extra is not None:
        return _stale(extra, link)
    routed = {service.name for service in services if service.routes}
    if quarrel := _quarrel([i for i in instances if i.service in routed]):
        return _cause(
            "routers", "two versions disagree on traefik.* tags, and Traefik drops the router",
            bad, link,
            "let the old instances go, or give router and service another name when their tags"
            " change",
            quarrel,
        )  # fmt: skip
    for view in edges.views if edges is not None else ():
        if not view.services:
            return _cause(
                "edge", f"Traefik at {view.address} has no service of Consul at all", bad, link,
                "see whether its consulCatalog provider reads this Consul, with a token that may",
            )  # fmt: skip
        for route in (route for service in services for route in service.routes):
            if not view.services.get(route.service):
                return _cause(
                    "edge",
                    f"Traefik at {view.address} does not route to service {route.service}",
                    bad, link,
                    f"see router {route.router} in Traefik's dashboard and log: rule, entry points,"
                    " another definition of the same name",
                )  # fmt: skip
    if bad is not None and bad.traefik == "down":
        summary = f"Traefik holds {bad.address} for down"
    else:
        summary = "Traefik does not have the instance that passes in Consul"
    return _cause("edge", summary, bad, link, "see Traefik's log: does it still follow Consul?")


def _quarrel(instances: Sequence[ConsulInstance]) -> tuple[str, ...]:
    """Tags of two instances of a service that give one router or service two meanings."""
    seen: dict[tuple[str, str], tuple[str, ConsulInstance]] = {}
    for instance in instances:
        for tag in instance.tags:
            key, _, value = tag.partition("=")
            if not key.lower().startswith("traefik.http."):
                continue
            known = seen.setdefault((instance.service, key.lower()), (value, instance))
            if known[0] != value:
                return tuple(
                    f"tag: {key}={said} of allocation {(one.allocation or one.id)[:8]}"
                    for said, one in (known, (value, instance))
                )
    return ()


def _stale(extra: Extra, link: Link) -> Cause:
    place = "Consul" if extra.where == "consul" else "Traefik"
    summary = f"{place} still lists an instance too many: {extra.what} ({extra.kind})"
    return _cause("stale", summary, None, link, _STALE, (f"{extra.where}: {extra.detail}",))


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
