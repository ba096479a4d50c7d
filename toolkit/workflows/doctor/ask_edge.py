"""What is asked of the edge, and how our connections are secured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from toolkit.clients.certificate import peer_certificate
from toolkit.clients.greeting import greet
from toolkit.clients.http import ask
from toolkit.errors import ApiError, DeniedError, TlsError
from toolkit.rollout import read
from toolkit.rollout.declared import TRAEFIK_API
from toolkit.rollout.health.clocks import interval
from toolkit.rollout.health.edge import Entrance, Gatekeeper
from toolkit.rollout.health.facts import Voice
from toolkit.rollout.health.tls import Line
from toolkit.spec.observed import ConsulInstance
from toolkit.spec.target import Endpoint
from toolkit.workflows.doctor.ask_consul import READ_ALL
from toolkit.workflows.doctor.gather import Looks
from toolkit.workflows.session import Session

MOST = 5
"""How many Traefiks are asked."""
ENTRANCE_SECONDS = 5.0

_WATCH = re.compile(r"providers\.consulcatalog\.watch(=(\w+))?$", re.IGNORECASE)
_CATALOG = re.compile(r"-+providers\.consulcatalog\b", re.IGNORECASE)


def instances(session: Session, _done: Looks) -> tuple[ConsulInstance, ...]:
    """The Traefiks that Consul lists; DeniedError when the token may not see them."""
    page = session.consul.service(TRAEFIK_API)
    if page.filtered:
        raise DeniedError(
            f"the Consul token may not read service {TRAEFIK_API}",
            system="Consul",
            hint=READ_ALL,
        )
    return read.consul_instances(TRAEFIK_API, page.value)


def gatekeepers(session: Session, done: Looks) -> tuple[Gatekeeper, ...]:
    """Each Traefik as its API shows it; one that cannot be read says why."""
    look = done["edge_instances"]
    if not look.seen:
        raise DeniedError(look.problem, system="Consul", hint=look.hint)
    return tuple(_gatekeeper(session, each) for each in look.get(())[:MOST])


def _gatekeeper(session: Session, instance: ConsulInstance) -> Gatekeeper:
    with session.world.traefik(instance.url) as traefik:
        try:
            overview = traefik.overview()
            counts = [
                part
                for protocol in ("http", "tcp", "udp")
                for part in (overview.get(protocol) or {}).values()
            ]
            return Gatekeeper(
                instance.url,
                version=traefik.version(),
                providers=tuple(overview.get("providers") or ()),
                entry_points=tuple(sorted(str(each["name"]) for each in traefik.entry_points())),
                routers=int(overview["http"]["routers"]["total"]),
                errors=sum(int(part.get("errors") or 0) for part in counts),
                warnings=sum(int(part.get("warnings") or 0) for part in counts),
                watches=_watches(session, instance),
            )
        except ApiError as exc:
            return Gatekeeper(instance.url, problem=exc.message, hint=exc.hint)


def _watches(session: Session, instance: ConsulInstance) -> bool | None:
    """What the arguments of the task say, where Nomad runs it and shows it to us."""
    if instance.allocation is None:
        return None
    try:
        job = session.nomad.allocation(instance.allocation).get("Job") or {}
    except ApiError:
        return None
    return watching(list(_arguments(job)))


def watching(arguments: list[str]) -> bool | None:
    """Whether Traefik's arguments make it watch Consul; None when they do not speak of Consul."""
    if not any(_CATALOG.match(each) for each in arguments):
        return None
    said = [match for each in arguments if (match := _WATCH.search(each))]
    return bool(said) and (said[-1].group(2) or "true").lower() in {"true", "1"}


def _arguments(job: Mapping[str, Any]) -> Iterator[str]:
    for group in read.groups(job):
        for task in group.get("Tasks") or ():
            yield from map(str, (task.get("Config") or {}).get("args") or ())


def voice(session: Session, done: Looks) -> Voice:
    """The clock of one Traefik."""
    found = done["edge_instances"].get(())
    if not found:
        raise DeniedError("no Traefik is known", system="Traefik")
    with session.world.traefik(found[0].url) as traefik:
        said = greet(traefik.endpoint, "/api/version", now=session.world.now)
    behind = interval(said.date, said.asked_at, said.answered_at)
    return Voice(found[0].url, "", "", behind)


def entrances(session: Session, _done: Looks) -> tuple[Entrance, ...]:
    """Whether anything answers at the environment's edge addresses; any answer will do."""
    nomad = session.target.nomad
    found = []
    for visibility, address in sorted(session.target.edge.items()):
        # Who answers there is a question of its own, see `lines`.
        said = ask(address, path="/ping", timeout=ENTRANCE_SECONDS, verify=False, proxy=nomad.proxy)
        found.append(Entrance(visibility, address, said.status, said.error))
    return tuple(found)


def lines(session: Session, _done: Looks) -> tuple[Line, ...]:
    """How each address that we use is secured."""
    target = session.target
    endpoints = [target.nomad, target.consul]
    endpoints += [
        Endpoint(
            "Traefik", address, "edge", ca_file=target.nomad.ca_file, verify=target.nomad.verify,
            proxy=target.nomad.proxy,
        )
        for _visibility, address in sorted(target.edge.items())
    ]  # fmt: skip
    return tuple(_line(each) for each in endpoints)


def _line(endpoint: Endpoint) -> Line:
    line = Line(endpoint.system, endpoint.address or "nowhere yet", "plain")
    if not endpoint.address:
        return replace(line, state="unseen", problem="nothing says where", hint=endpoint.origin)
    if not endpoint.address.startswith("https:"):
        return line
    if not endpoint.verify:
        return replace(
            line, state="unchecked", problem="its certificate is not checked, as it was asked",
            hint="leave the skip-verify variable out, and set ca_file",
        )  # fmt: skip
    if endpoint.proxy is not None:
        return replace(line, state="unseen", problem="its certificate is behind a proxy")
    try:
        found = peer_certificate(endpoint)
    except TlsError as exc:
        return replace(line, state="untrusted", problem=exc.message, hint=exc.hint)
    except ApiError as exc:
        return replace(line, state="unseen", problem=exc.message, hint=exc.hint)
    return replace(line, state="checked", ends_at=found.ends_at)
