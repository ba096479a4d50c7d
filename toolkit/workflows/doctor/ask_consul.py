"""What is asked of Consul."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from toolkit.errors import DeniedError, InvalidRequestError
from toolkit.rollout import read
from toolkit.rollout.declared import TRAEFIK_API
from toolkit.rollout.health import facts
from toolkit.rollout.health.facts import Agent, Server, Voice
from toolkit.rollout.health.instances import Census, stale, twice
from toolkit.spec.observed import ConsulInstance
from toolkit.workflows.doctor.ask_nomad import voice
from toolkit.workflows.doctor.gather import Looks
from toolkit.workflows.session import Session

SWEEP = 25
"""How many services are looked at that no job of ours has."""
AT_ONCE = 50
"""How many allocations are asked for in one call."""
RIGHTS_ASKED = 20
READ_ALL = "use a Consul token with service:read and node:read"
_OWN = {"consul", "nomad", "nomad-client"}


def leader(session: Session, _done: Looks) -> Voice:
    """Does Consul answer, and who leads."""
    return voice(session.target.consul, session)


def agent(session: Session, _done: Looks) -> Agent:
    """The agent that answers."""
    return facts.consul_agent(session.consul.agent_self())


def peers(session: Session, _done: Looks) -> list[str]:
    """The servers of the consensus."""
    return session.consul.peers()


def gossip(session: Session, _done: Looks) -> tuple[dict[str, Any], ...]:
    """All agents; DeniedError when an empty list says that we may not see them."""
    found = session.consul.members()
    if not found:
        raise DeniedError(
            "the Consul token may not see Consul's agents",
            system="Consul",
            hint=READ_ALL,
        )
    return tuple(found)


def members(_session: Session, done: Looks) -> tuple[Server, ...]:
    """The servers that gossip knows."""
    found = map(facts.server_of_consul, seen(done, "consul_gossip"))
    return tuple(sorted((each for each in found if each), key=lambda each: each.name))


def names(_session: Session, done: Looks) -> tuple[str, ...]:
    """Node names of all agents."""
    return tuple(str(each["Name"]) for each in seen(done, "consul_gossip"))


def seen(done: Looks, name: str) -> Any:
    """The value of a fact; DeniedError with its problem when there is none."""
    look = done[name]
    if not look.seen:
        raise DeniedError(look.problem, system="Consul", hint=look.hint)
    return look.value


def autopilot(session: Session, _done: Looks) -> Mapping[str, Any]:
    """Whether the servers are healthy."""
    return session.consul.autopilot_health()


def asks_for_tokens(session: Session, _done: Looks) -> bool:
    """Whether ACLs are on: no token need be good for that."""
    try:
        session.consul.authorize([("node", "", "read")])
    except InvalidRequestError:
        return False
    except DeniedError:
        return True
    return True


def catalog(session: Session, _done: Looks) -> tuple[str, ...]:
    """Names of the services that we may see."""
    return tuple(sorted(session.consul.services()))


def nomad_clients(session: Session, done: Looks) -> tuple[str, ...]:
    """`host:port` of Nomad's client agents in the catalog, where ours register themselves.

    DeniedError when we may not see them.
    """
    ours: Agent = seen(done, "nomad_agent")
    if not ours.registers_as:
        # Those that are there may be another Nomad's, which shares the Consul.
        return ()
    return tuple(each.url.removeprefix("http://") for each in _all(session, ours.registers_as))


def nomad_servers(session: Session, _done: Looks) -> tuple[str, ...]:
    """`host:port` of the Nomad servers in the catalog, whoever's they are."""
    servers = [each for each in _all(session, "nomad") if "rpc" in each.tags]
    return tuple(each.url.removeprefix("http://") for each in servers)


def _all(session: Session, name: str) -> tuple[ConsulInstance, ...]:
    page = session.consul.service(name)
    if page.filtered:
        raise DeniedError(
            f"the Consul token may not read service {name}", system="Consul", hint=READ_ALL
        )
    return read.consul_instances(name, page.value)


def auth_methods(session: Session, _done: Looks) -> list[str]:
    """Consul's ways to log in."""
    return session.consul.auth_methods()


def wide(session: Session, _done: Looks) -> bool:
    """Whether no service is hidden from us."""
    try:
        return all(session.consul.authorize([("node", "", "read"), ("service", "", "read")]))
    except InvalidRequestError:
        return True


def granted(session: Session, done: Looks) -> dict[str, bool]:
    """Whether we may read all nodes, the edge, and the services of our jobs."""
    jobs = done["jobs"].value
    services = jobs.services if jobs is not None else ()
    asked = [("node", ""), *(("service", name) for name in (TRAEFIK_API, *services)[:RIGHTS_ASKED])]
    try:
        answers = session.consul.authorize([(kind, name, "read") for kind, name in asked])
    except InvalidRequestError:
        answers = [True] * len(asked)
    return {
        f"service {name}" if name else "nodes": may
        for (_kind, name), may in zip(asked, answers, strict=True)
    }


def census(session: Session, done: Looks) -> Census:
    """The instances of our jobs' services and of some others, with their allocations."""
    jobs = done["jobs"].value
    ours = list(jobs.services) if jobs is not None else []
    others = [name for name in seen(done, "consul_catalog") if name not in {*ours, *_OWN}]
    looked = [*ours, *others[:SWEEP]]
    instances: list[ConsulInstance] = []
    hidden = []
    for name in looked:
        page = session.consul.service(name)
        instances += read.consul_instances(name, page.value)
        if page.filtered:
            hidden.append(name)
    # Nomad is asked after Consul: an allocation that has just been placed is there by then.
    statuses = allocations(session, [each.allocation for each in instances if each.allocation])
    found = Census(
        tuple(instances),
        statuses,
        unsure=_unsure(done),
        left_out=len(others) - len(others[:SWEEP]),
        hidden=tuple(hidden),
        wide=seen(done, "consul_wide"),
    )
    return again(session, found)


def again(session: Session, found: Census) -> Census:
    """Without the suspects that left Consul meanwhile: they were on their way out."""
    suspects = {each.service for each, _why in stale(found)}
    suspects |= {each.service for group in twice(found) for each in group}
    if not suspects:
        return found
    kept = [each for each in found.instances if each.service not in suspects]
    for name in sorted(suspects):
        before = {each.id for each in found.instances if each.service == name}
        now = read.consul_instances(name, session.consul.service(name).value)
        kept += [each for each in now if each.id in before]
    return replace(found, instances=tuple(kept))


def allocations(session: Session, ids: list[str]) -> dict[str, str]:
    """Client statuses of those that Nomad shows us, in as few calls as may be."""
    wanted = sorted(set(ids))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), AT_ONCE):
        try:
            stubs = session.nomad.allocations_among(wanted[start : start + AT_ONCE])
        except DeniedError:
            # What is not shown stays unknown; the judge says so.
            continue
        found |= {stub["ID"]: stub["ClientStatus"] for stub in stubs}
    return found


def _unsure(done: Looks) -> str:
    """Why an allocation that is not shown to us may exist all the same; empty when it cannot."""
    grants = done["nomad_grants"].value
    if grants is None or not grants.allows_everywhere("read-job"):
        return "a Nomad token with read-job in all namespaces can tell"
    servers, peers = done["nomad_servers"].get(()), done["nomad_peers"].get(())
    if not servers:
        return "Nomad's servers are not in Consul's catalog: another Nomad may share it"
    if set(servers) - set(peers):
        return "another Nomad registers in this Consul: ask its own"
    return ""
