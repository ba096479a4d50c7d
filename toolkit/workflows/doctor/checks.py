"""Every check by name: the facts that it needs, and who judges them; in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from toolkit.rollout.health import (
    bridge,
    clocks,
    edge,
    instances,
    local,
    nodes,
    rights,
    servers,
    tls,
    versions,
)
from toolkit.rollout.health.look import Look, saw, unseen
from toolkit.spec.doctor import Check
from toolkit.workflows.doctor import ask_consul, ask_edge, ask_local, ask_nomad
from toolkit.workflows.doctor.ask_local import Jobs
from toolkit.workflows.doctor.gather import Fact, Looks
from toolkit.workflows.session import Session

_NOMAD, _CONSUL = ("nomad_leader",), ("consul_leader",)

FACTS: tuple[Fact, ...] = (
    Fact("nomad_leader", ask_nomad.leader),
    Fact("consul_leader", ask_consul.leader),
    Fact("local_agents", ask_local.agents),
    Fact("lines", ask_edge.lines),
    Fact("entrances", ask_edge.entrances),
    Fact("jobs", ask_local.jobs, after=_NOMAD),
    Fact("nomad_token", ask_nomad.token, alive=_NOMAD),
    Fact("nomad_agent", ask_nomad.agent, alive=_NOMAD, leaderless=True),
    Fact("nomad_peers", ask_nomad.peers, alive=_NOMAD),
    Fact("nomad_members", ask_nomad.members, alive=_NOMAD, leaderless=True),
    Fact("nomad_autopilot", ask_nomad.autopilot, alive=_NOMAD),
    Fact("nomad_scheduler", ask_nomad.scheduler, alive=_NOMAD),
    Fact("nomad_regions", ask_nomad.regions, alive=_NOMAD, leaderless=True),
    Fact("namespaces", ask_nomad.namespaces, alive=_NOMAD),
    Fact("nodes", ask_nomad.nodes, alive=_NOMAD),
    Fact("nodes_without_consul", ask_nomad.nodes_without_consul, alive=_NOMAD),
    Fact("signing_keys", ask_nomad.signing_keys, alive=_NOMAD),
    Fact("consul_asks", ask_consul.asks_for_tokens, alive=_CONSUL),
    Fact("consul_agent", ask_consul.agent, alive=_CONSUL, leaderless=True),
    Fact("consul_peers", ask_consul.peers, alive=_CONSUL),
    Fact("consul_gossip", ask_consul.gossip, alive=_CONSUL, leaderless=True),
    Fact("consul_autopilot", ask_consul.autopilot, alive=_CONSUL),
    Fact("consul_catalog", ask_consul.catalog, alive=_CONSUL),
    Fact("consul_wide", ask_consul.wide, alive=_CONSUL),
    Fact("nomad_servers", ask_consul.nomad_servers, alive=_CONSUL),
    Fact("nomad_clients", ask_consul.nomad_clients, after=("nomad_agent",), alive=_CONSUL),
    Fact("consul_methods", ask_consul.auth_methods, alive=_CONSUL),
    Fact("edge_instances", ask_edge.instances, alive=_CONSUL),
    Fact("consul_members", ask_consul.members, after=("consul_gossip",)),
    Fact("consul_names", ask_consul.names, after=("consul_gossip",)),
    Fact("sights", ask_nomad.sights, after=("nodes", "nodes_without_consul"), alive=_NOMAD),
    Fact("edges", ask_edge.gatekeepers, after=("edge_instances",), alive=_CONSUL),
    Fact("traefik_voice", ask_edge.voice, after=("edge_instances",), alive=_CONSUL),
    Fact("nomad_grants", ask_nomad.grants, after=("nomad_token",), alive=_NOMAD),
    Fact("consul_granted", ask_consul.granted, after=("jobs",), alive=_CONSUL),
    Fact(
        "powers",
        ask_nomad.powers,
        after=(
            "jobs", "nomad_grants", "consul_granted", "nodes", "nomad_agent", "nomad_autopilot",
        ),
        alive=_NOMAD,
    ),
    Fact(
        "census",
        ask_consul.census,
        after=(
            "jobs", "consul_catalog", "consul_wide", "nomad_grants", "nomad_servers",
            "nomad_peers",
        ),
        alive=(*_NOMAD, *_CONSUL),
    ),
)  # fmt: skip

Judge = Callable[[str, Session, Looks], Check]


@dataclass(frozen=True, slots=True)
class Item:
    """One check."""

    name: str
    needs: tuple[str, ...]
    judge: Judge


def _local(name: str, session: Session, see: Looks) -> Check:
    return local.judge(name, session.target.local, see["local_agents"])


def _nomad(name: str, session: Session, see: Looks) -> Check:
    return servers.answers(name, "Nomad", see["nomad_leader"], session.target.nomad.origin)


def _consul(name: str, session: Session, see: Looks) -> Check:
    return servers.answers(name, "Consul", see["consul_leader"], session.target.consul.origin)


def _nomad_version(name: str, _session: Session, see: Looks) -> Check:
    agent, members, nodes_ = see["nomad_agent"], see["nomad_members"], see["nodes"]
    of_servers = {each.version for each in members.get(())}
    if agent.value is not None and agent.value.server:
        of_servers.add(agent.value.version.partition("+")[0])
    of_clients = {each.version for each in nodes_.get(())}
    asked = {agent.value.version} if agent.value is not None else set()
    # The agent's own word has what the others leave out: whether it is Enterprise.
    said = of_servers | of_clients | asked
    for full in asked:
        if "+" in full:
            said.discard(full.partition("+")[0])
    circumstances = {"system jobs"} if _jobs(see).system else set()
    if any((versions.parse(each) or (9,))[:2] < (1, 11) for each in of_clients):
        circumstances.add("old clients")
    if agent.value is not None and agent.value.joins_by_aws:
        circumstances.add("aws join")
    newer = versions.newer_clients(of_servers, of_clients)
    trouble = (
        f"clients ({', '.join(newer)}) are newer than a server, which Nomad does not support",
        "upgrade the servers first",
    )
    hidden = [
        unseen(what, look)
        for what, look in (
            ("the servers' versions", members),
            ("the clients' versions", nodes_),
            ("whether there are system jobs", see["jobs"]),
        )
        if not look.seen
    ]
    if not said:
        return versions.judge(name, "Nomad", (), blind=agent.problem, hint=agent.hint)
    return versions.judge(
        name,
        "Nomad",
        said,
        circumstances=circumstances,
        notes=hidden,
        trouble=trouble if newer else None,
    )


def _consul_version(name: str, _session: Session, see: Looks) -> Check:
    agent, members = see["consul_agent"], see["consul_members"]
    said = {each.version for each in members.get(())}
    if agent.value is not None:
        said.add(agent.value.version)
    notes = [] if members.seen else [unseen("the servers' versions", members)]
    blind = None if said else agent.problem
    return versions.judge(name, "Consul", said, notes=notes, blind=blind, hint=agent.hint)


def _traefik_version(name: str, _session: Session, see: Looks) -> Check:
    edges = see["edges"]
    if edges.seen and not edges.value:
        return Check(name, "passed", "no Traefik is known, see the check edge")
    said = {each.version for each in edges.get(()) if each.version}
    problem = next((each.problem for each in edges.get(()) if each.problem), edges.problem)
    return versions.judge(name, "Traefik", said, blind=problem or None, hint=edges.hint)


def _nomad_servers(name: str, session: Session, see: Looks) -> Check:
    trouble, notes = [], []
    region, regions = session.target.region, see["nomad_regions"]
    if regions.seen and regions.value and region not in regions.value:
        trouble.append(
            (
                f"no region {region}: there is {', '.join(regions.value)}",
                "name the region: `region` of the environment, NOMAD_REGION or --region",
            )
        )
    switches = see["nomad_scheduler"]
    if switches.get({}).get("RejectJobRegistration"):
        trouble.append(
            (
                "registrations are switched off",
                "`nomad operator scheduler set-config -reject-job-registration=false`",
            )
        )
    if switches.get({}).get("PauseEvalBroker"):
        trouble.append(
            (
                "scheduling is switched off",
                "`nomad operator scheduler set-config -pause-eval-broker=false`",
            )
        )
    if not switches.seen:
        notes.append(unseen("whether registrations are switched off", switches))
    agent = see["nomad_agent"].value
    return servers.judge(
        name,
        "Nomad",
        see["nomad_leader"],
        see["nomad_peers"],
        see["nomad_members"],
        see["nomad_autopilot"],
        local=session.target.local or (agent is not None and agent.dev),
        trouble=trouble,
        notes=notes,
    )


def _consul_servers(name: str, session: Session, see: Looks) -> Check:
    agent = see["consul_agent"].value
    asks = see["consul_asks"]
    notes = [] if asks.value is None else [f"ACLs are {'on' if asks.value else 'off'}"]
    return servers.judge(
        name,
        "Consul",
        see["consul_leader"],
        see["consul_peers"],
        see["consul_members"],
        see["consul_autopilot"],
        local=session.target.local or (agent is not None and agent.dev),
        notes=notes,
    )


def _nodes(name: str, session: Session, see: Looks) -> Check:
    target = session.target
    # Only a project says where its jobs go; a job file of the user's own says it itself.
    place = (
        nodes.Place()
        if session.settings.project is None
        else nodes.Place(target.node_pool, target.datacenters)
    )
    return nodes.judge(name, see["nodes"], place)


def _namespace(name: str, session: Session, see: Looks) -> Check:
    return rights.judge_namespace(
        name, session.target.namespace, see["namespaces"], see["nomad_grants"]
    )


def _drivers(name: str, _session: Session, see: Looks) -> Check:
    jobs = see["jobs"]
    needed = jobs if not jobs.seen else saw(_jobs(see).drivers)
    return nodes.judge_drivers(name, see["nodes"], needed)


def _bridge(name: str, _session: Session, see: Looks) -> Check:
    return bridge.judge(
        name,
        see["nodes"],
        see["nodes_without_consul"],
        see["sights"],
        bridge.Ours(see["consul_agent"], see["consul_names"], see["nomad_clients"]),
        _jobs(see).using,
    )


def _identity(name: str, _session: Session, see: Looks) -> Check:
    return bridge.judge_identity(
        name,
        see["signing_keys"],
        see["nomad_agent"],
        see["consul_asks"],
        see["consul_methods"],
        _jobs(see).using,
    )


def _clocks(name: str, _session: Session, see: Looks) -> Check:
    voices = {"Nomad": see["nomad_leader"], "Consul": see["consul_leader"]}
    if see["edge_instances"].get(()):
        voices["Traefik"] = see["traefik_voice"]
    return clocks.judge(name, voices)


def _tls(name: str, session: Session, see: Looks) -> Check:
    return tls.judge(name, see["lines"], session.world.now())


def _edge(name: str, _session: Session, see: Looks) -> Check:
    return edge.judge(name, see["edges"], _routed(see))


def _entrances(name: str, _session: Session, see: Looks) -> Check:
    return edge.judge_entrances(name, see["edges"], _routed(see), see["entrances"])


def _instances(name: str, _session: Session, see: Looks) -> Check:
    return instances.judge(name, see["census"])


def _token(name: str, session: Session, see: Looks) -> Check:
    given = bool(session.target.nomad.token)
    return rights.judge_token(
        name, see["nomad_token"], see["nomad_grants"], session.world.now(), given=given
    )


def _rights(name: str, _session: Session, see: Looks) -> Check:
    return rights.judge(name, see["nomad_token"], see["powers"])


def _consul_rights(name: str, session: Session, see: Looks) -> Check:
    given = bool(session.target.consul.token)
    return rights.judge_consul(name, see["consul_granted"], asks=see["consul_asks"], given=given)


def _jobs(see: Looks) -> Jobs:
    return see["jobs"].value or Jobs()


def _routed(see: Looks) -> Look[Mapping[str, Sequence[str]]]:
    jobs = see["jobs"]
    return saw(_jobs(see).routed) if jobs.seen else jobs


CHECKS: tuple[Item, ...] = (
    Item("dev-agents", ("local_agents",), _local),
    Item("nomad", ("nomad_leader",), _nomad),
    Item("nomad-version", ("nomad_agent", "nomad_members", "nodes", "jobs"), _nomad_version),
    Item(
        "nomad-servers",
        (
            "nomad_leader", "nomad_peers", "nomad_members", "nomad_autopilot", "nomad_regions",
            "nomad_scheduler", "nomad_agent",
        ),
        _nomad_servers,
    ),
    Item("nomad-clients", ("nodes",), _nodes),
    Item("nomad-drivers", ("nodes", "jobs"), _drivers),
    Item("consul", ("consul_leader",), _consul),
    Item("consul-version", ("consul_agent", "consul_members"), _consul_version),
    Item(
        "consul-servers",
        (
            "consul_leader", "consul_peers", "consul_members", "consul_autopilot", "consul_agent",
            "consul_asks",
        ),
        _consul_servers,
    ),
    Item(
        "nomad-consul",
        (
            "nodes", "nodes_without_consul", "sights", "consul_agent", "consul_names",
            "nomad_clients", "jobs",
        ),
        _bridge,
    ),
    Item(
        "identity",
        ("signing_keys", "nomad_agent", "consul_asks", "consul_methods", "jobs"),
        _identity,
    ),
    Item(
        "clocks", ("nomad_leader", "consul_leader", "edge_instances", "traefik_voice"), _clocks
    ),
    Item("tls", ("lines",), _tls),
    Item("edge", ("edges", "jobs"), _edge),
    Item("traefik-version", ("edges",), _traefik_version),
    Item("entrances", ("edges", "jobs", "entrances"), _entrances),
    Item("instances", ("census",), _instances),
    Item("nomad-token", ("nomad_token", "nomad_grants"), _token),
    Item("consul-token", ("consul_granted", "consul_asks"), _consul_rights),
    Item("namespace", ("namespaces", "nomad_grants"), _namespace),
    Item("rights", ("nomad_token", "powers"), _rights),
)  # fmt: skip
