"""What is asked of Nomad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.clients.errors_map import from_response, garbled, unknown_token_hint
from toolkit.clients.greeting import greet, is_another
from toolkit.errors import ApiError, DeniedError, InvalidRequestError, NotFoundError
from toolkit.rollout.health import facts
from toolkit.rollout.health.bridge import Sight
from toolkit.rollout.health.clocks import interval
from toolkit.rollout.health.facts import Agent, Node, Server, Token, Voice
from toolkit.rollout.health.policy import Grants, combine
from toolkit.rollout.health.rights import (
    AGENT,
    LIST,
    NODES,
    OPERATOR,
    PARSE,
    READ,
    Need,
    Powers,
)
from toolkit.spec.target import Endpoint
from toolkit.workflows.doctor.gather import Looks
from toolkit.workflows.session import Session

FULL_READS = 3
"""How many nodes are read in full, however many there are."""
CONSUL_ATTRIBUTE = "consul.version"
NOBODY = "toolkit-doctor-looks"
"""A job and a variable that nobody has: asking for them shows our rights."""


def voice(endpoint: Endpoint, session: Session) -> Voice:
    """The leader that an address names, and its clock; ApiError when nobody is there."""
    said = greet(endpoint, "/v1/status/leader", now=session.world.now)
    if (wrong := is_another(endpoint, said)) is not None:
        raise wrong
    leader, problem = "", ""
    if said.status < 300:
        try:
            leader = facts.leader(said.body)
        except ValueError as exc:
            raise garbled(endpoint, f"is not {endpoint.system}'s", read=True).error from exc
    else:
        error = from_response(endpoint, said.status, said.body, read=True).error
        # Without a leader the servers answer 500; a gateway before them says other things.
        if said.status != 500:
            raise error
        problem = error.message
    behind = interval(said.date, said.asked_at, said.answered_at)
    return Voice(endpoint.address, leader, problem, behind)


def leader(session: Session, _done: Looks) -> Voice:
    """Does Nomad answer, and who leads."""
    return voice(session.target.nomad, session)


def agent(session: Session, _done: Looks) -> Agent:
    """The agent that answers."""
    return facts.nomad_agent(session.nomad.agent_self())


def peers(session: Session, _done: Looks) -> list[str]:
    """The servers of the consensus."""
    return session.nomad.peers()


def members(session: Session, _done: Looks) -> tuple[Server, ...]:
    """The servers that gossip knows, those of our region."""
    found = [facts.server_of_nomad(each) for each in session.nomad.members()]
    ours = [each for each in found if each.region in {"", session.target.region}]
    return tuple(sorted(ours or found, key=lambda each: each.name))


def autopilot(session: Session, _done: Looks) -> Mapping[str, Any]:
    """Whether the servers are healthy."""
    return session.nomad.autopilot_health()


def scheduler(session: Session, _done: Looks) -> Mapping[str, Any]:
    """What the operators switched."""
    answer = session.nomad.scheduler_configuration()
    found: Mapping[str, Any] = answer["SchedulerConfig"]
    return found


def regions(session: Session, _done: Looks) -> list[str]:
    """The regions."""
    return session.nomad.regions()


def namespaces(session: Session, _done: Looks) -> tuple[str, ...]:
    """The namespaces that we may see."""
    return tuple(sorted(str(each["Name"]) for each in session.nomad.namespaces()))


def nodes(session: Session, _done: Looks) -> tuple[Node, ...]:
    """The client nodes, from one list."""
    return facts.nodes(session.nomad.nodes())


def nodes_without_consul(session: Session, _done: Looks) -> tuple[str, ...]:
    """Ids of the nodes that see no Consul."""
    return tuple(str(each["ID"]) for each in session.nomad.nodes_without(CONSUL_ATTRIBUTE))


def sights(session: Session, done: Looks) -> tuple[Sight, ...]:
    """What a few nodes say of the Consul that they see."""
    blind = set(done["nodes_without_consul"].get(()))
    listed: Sequence[Node] = done["nodes"].get(())
    asked = [each for each in listed if each.status == "ready" and each.id not in blind]
    found = []
    for each in asked[:FULL_READS]:
        raw = session.nomad.node(each.id)
        attributes = raw.get("Attributes") or {}
        found.append(
            Sight(
                each.name,
                attributes.get("unique.consul.name") or "",
                attributes.get("consul.datacenter") or "",
                raw.get("HTTPAddr") or "",
            )
        )
    return tuple(found)


def signing_keys(session: Session, _done: Looks) -> int:
    """How many keys Nomad publishes for its identities."""
    endpoint = session.target.nomad
    said = greet(endpoint, "/.well-known/jwks.json", now=session.world.now)
    if said.status >= 300:
        raise from_response(endpoint, said.status, said.body, read=True).error
    return facts.keys(said.body)


def token(session: Session, _done: Looks) -> Token:
    """Who we are."""
    endpoint = session.target.nomad
    try:
        return facts.token(session.nomad.token_self())
    except (DeniedError, NotFoundError) as exc:
        if endpoint.token and endpoint.token.reveal().count(".") == 2:
            raise InvalidRequestError(
                "our token is a workload's identity, of which Nomad tells nothing",
                system=endpoint.system,
                hint="what it may do shows in the check rights, as far as reads show it",
            ) from exc
        raise DeniedError(
            f"{endpoint.system} at {endpoint.address} does not know our token",
            system=endpoint.system,
            hint=unknown_token_hint(endpoint),
        ) from exc


def grants(session: Session, done: Looks) -> Grants:
    """What our policies allow; DeniedError when they cannot be read."""
    who: Token = done["nomad_token"].value or Token("client")
    if who.kind in {"off", "management"}:
        return Grants(everything=True)
    if done["nomad_token"].value is None:
        raise DeniedError(done["nomad_token"].problem, system="Nomad")
    names = list(who.policies)
    for role in who.roles:
        found = session.nomad.acl_role(role) or {}
        names += [str(each["Name"]) for each in found.get("Policies") or ()]
    rules = []
    for name in dict.fromkeys(names):
        policy = session.nomad.acl_policy(name)
        if policy is None:
            # A name that no policy has grants nothing, `anonymous` first of all.
            continue
        rules.append(policy["RulesJSON"])
    return combine(rules)


def powers(session: Session, done: Looks) -> Powers:
    """What our tokens may, from policies, or from what harmless reads show."""
    jobs = done["jobs"].value
    names: Sequence[str] = jobs.names if jobs is not None and jobs.names else (NOBODY,)
    known: Grants | None = done["nomad_grants"].value
    consul: Mapping[str, bool] | None = done["consul_granted"].value
    return Powers(
        namespace=session.target.namespace,
        paths=tuple(f"nomad/jobs/{name}" for name in names),
        secret=() if jobs is None else tuple(f"nomad/jobs/{name}" for name in jobs.secret),
        grants=known,
        tried={} if known is not None else trials(session, done),
        consul=None if consul is None else all(consul.values()),
    )


def trials(session: Session, done: Looks) -> dict[str, bool]:
    """What reads of things that nobody has show of our rights; they change nothing."""
    nomad = session.nomad
    found: dict[str, bool] = {}

    def note(need: Need, may: bool) -> None:
        found[need.text("")] = may

    for need, ask in (
        (LIST, lambda: nomad.jobs(NOBODY)),
        (READ, lambda: nomad.job(NOBODY)),
        (PARSE, lambda: nomad.parse(f'job "{NOBODY}" {{}}')),
        (Need("variables", ("read",)), lambda: nomad.variable(f"nomad/jobs/{NOBODY}")),
    ):
        try:
            ask()
        except DeniedError:
            note(need, False)
        except NotFoundError:
            note(need, True)
        except ApiError:
            continue
        else:
            note(need, True)
    for need, name in ((NODES, "nodes"), (AGENT, "nomad_agent"), (OPERATOR, "nomad_autopilot")):
        if done[name].kind in {"seen", "denied"}:
            note(need, done[name].seen)
    return found
