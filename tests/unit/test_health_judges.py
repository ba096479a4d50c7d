"""Every check on values: what fails it, what leaves it open, what is only worth a note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from toolkit.errors import DeniedError, ServerError, UnreachableError
from toolkit.rollout.health import (
    bridge,
    clocks,
    edge,
    instances,
    local,
    nodes,
    servers,
    tls,
)
from toolkit.rollout.health.bridge import Ours, Sight
from toolkit.rollout.health.edge import Entrance, Gatekeeper
from toolkit.rollout.health.facts import Agent, Driver, Node, Server, Voice
from toolkit.rollout.health.instances import Census
from toolkit.rollout.health.local import LocalAgent
from toolkit.rollout.health.look import Look, failed, saw
from toolkit.rollout.health.tls import Line
from toolkit.spec.doctor import Check
from toolkit.spec.observed import ConsulInstance

VOICE = Voice("http://a:4646", "10.0.0.1:4647", "", (0.0, 1.0))
THREE = [Server(f"s{number}", "alive", "1.11.3") for number in (1, 2, 3)]
DENIED: Look[Any] = failed(DeniedError("Permission denied", system="Nomad", hint="set a token"))
LATE: Look[Any] = Look("late", problem="no answer within 20 s")
READY = Node("n1", "node-1", "1.11.3", "ready", True, False, "dc1", "default",
             (Driver("docker", True, True, "Healthy"),))  # fmt: skip
NOMAD = Agent("1.11.3", server=True, dev=False, acl=True, auth_method="nomad-workloads")
CONSUL = Agent("1.22.7", server=True, dev=False, acl=True, datacenter="dc1")


def seen(check: Check) -> str:
    """All that a check says."""
    return "\n".join((check.summary, *check.evidence, *check.notes, check.advice or ""))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UnreachableError("x", system="Nomad"), "unreachable"),
        (DeniedError("x", system="Nomad"), "denied"),
        (ServerError("x", system="Nomad"), "broken"),
    ],
)
def test_an_error_is_a_look(error: Any, kind: str) -> None:
    assert failed(error).kind == kind
    assert not failed(error).seen


# Does it answer.


@pytest.mark.parametrize(
    ("voice", "word"),
    [
        (saw(VOICE), "passed"),
        (Look("unreachable", problem="refused", hint="start it"), "failed"),
        (LATE, "failed"),
        (Look("broken", problem="not Nomad's"), "failed"),
    ],
)
def test_whether_it_answers(voice: Look[Voice], word: str) -> None:
    assert servers.answers("nomad", "Nomad", voice, "NOMAD_ADDR").word == word


# Servers.


def serve(
    voice: Look[Voice] | None = None,
    peers: Any = 3,
    members: Look[Sequence[Server]] | None = None,
    autopilot: Look[Any] | None = None,
    **how: Any,
) -> Check:
    """The check of servers, well where nothing else is said."""
    found = saw([f"10.0.0.{n}:4647" for n in range(peers)]) if isinstance(peers, int) else peers
    return servers.judge(
        "nomad-servers",
        "Nomad",
        voice or saw(VOICE),
        found,
        members or saw(THREE),
        autopilot or saw({"Healthy": True}),
        **{"local": False, **how},
    )


def test_servers_that_are_well() -> None:
    check = serve()
    assert (check.word, check.notes) == ("passed", ())
    assert check.summary == "leader 10.0.0.1:4647, 3 in the consensus"


def test_servers_without_a_leader() -> None:
    check = serve(saw(replace(VOICE, leader="", said="No cluster leader")))
    assert check.word == "failed"
    assert "no leader: No cluster leader" in check.summary
    assert check.advice


@pytest.mark.parametrize(
    ("number", "local_", "note"),
    [
        (1, True, None),
        (1, False, "one server survives no loss"),
        (2, False, "2 servers survive no loss"),
        (3, False, None),
        (4, False, "4 servers survive the loss of 1, as 3 do"),
        (5, False, None),
    ],
)
def test_the_number_of_servers_is_said(number: int, local_: bool, note: str | None) -> None:
    check = serve(peers=number, local=local_)
    assert check.word == "passed"
    assert len(check.notes) == (note is not None)
    assert (note or "") in "\n".join(check.notes)


def test_a_server_that_failed_and_one_that_left() -> None:
    gone = [replace(THREE[0], status="failed"), replace(THREE[1], status="left"), THREE[2]]
    check = serve(members=saw(gone))
    assert check.word == "failed"
    assert check.summary.startswith("failed: s1")
    assert "left: s2" in check.notes


@pytest.mark.parametrize("answer", [{"Healthy": False}, {"Healthy": False, "Servers": []}])
def test_servers_that_autopilot_finds_sick(answer: dict[str, Any]) -> None:
    assert serve(autopilot=saw(answer)).word == "failed"
    named = {"Healthy": False, "Servers": [{"Name": "s2", "Healthy": False}]}
    assert "s2" in serve(autopilot=saw(named)).summary


def test_other_trouble_fails_with_its_advice() -> None:
    check = serve(trouble=[("registrations are switched off", "switch them on")])
    assert (check.word, check.advice) == ("failed", "switch them on")


def test_servers_that_a_weak_token_cannot_see() -> None:
    check = serve(members=DENIED, autopilot=DENIED)
    assert check.word == "could not tell"  # one of the three may be dead
    assert serve(members=DENIED).word == "passed"  # autopilot has seen them
    assert serve(peers=DENIED).word == "could not tell"
    assert serve(Look("unreachable", problem="refused")).word == "could not tell"


# Nodes and drivers.


def test_nodes_that_take_work() -> None:
    assert nodes.judge("n", saw([READY])).word == "passed"


@pytest.mark.parametrize(
    ("change", "word", "said"),
    [
        ({"status": "down"}, "failed", "down: node-2"),
        ({"status": "disconnected"}, "failed", "disconnected: node-2"),
        ({"eligible": False}, "passed", "ineligible: node-2"),
        ({"eligible": False, "draining": True}, "passed", "draining: node-2"),
        ({"status": "initializing"}, "passed", "starting: node-2"),
    ],
)
def test_one_of_two_nodes(change: dict[str, Any], word: str, said: str) -> None:
    other = replace(READY, id="n2", name="node-2", **change)
    check = nodes.judge("n", saw([READY, other]))
    assert check.word == word
    assert "1 of 2 takes work" in check.summary
    assert said in seen(check)


@pytest.mark.parametrize("change", [{"eligible": False}, {"status": "down"}])
def test_no_node_takes_work(change: dict[str, Any]) -> None:
    check = nodes.judge("n", saw([replace(READY, **change)]))
    assert check.word == "failed"
    assert "nothing can be placed" in check.summary


def test_no_node_at_all_and_none_to_be_seen() -> None:
    assert nodes.judge("n", saw([])).word == "failed"
    assert nodes.judge("n", DENIED).word == "could not tell"


@pytest.mark.parametrize(
    ("pool", "datacenters", "word"),
    [
        ("default", ("*",), "passed"),
        ("all", ("dc1", "dc2"), "passed"),
        ("default", ("d*",), "passed"),
        ("gpu", ("*",), "failed"),
        ("default", ("eu-*",), "failed"),
    ],
)
def test_nodes_where_our_jobs_go(pool: str, datacenters: tuple[str, ...], word: str) -> None:
    check = nodes.judge("n", saw([READY]), nodes.Place(pool, datacenters))
    assert check.word == word
    assert (word == "passed") or "there are nodes of default in dc1" in check.evidence


def test_many_nodes_are_not_all_named() -> None:
    many = [replace(READY, id=str(n), name=f"node-{n}", status="down") for n in range(500)]
    assert "and 495 more" in seen(nodes.judge("n", saw([READY, *many])))


def test_drivers() -> None:
    def judge(found: Sequence[Node], needed: Look[Any]) -> Check:
        return nodes.judge_drivers("d", saw(found), needed)

    none: Look[Any] = saw({})
    absent = Driver("podman", False, False, "")
    sick = Driver("docker", True, False, "Failed to connect to docker daemon")
    assert judge([READY], saw({"docker": ["web"]})).word == "passed"
    assert judge([replace(READY, drivers=(absent,))], none).word == "passed"
    check = judge([replace(READY, drivers=(sick,))], none)
    assert check.word == "failed"
    assert "node-1: docker: Failed to connect" in seen(check)
    check = judge([replace(READY, drivers=(sick,))], saw({"docker": ["web", "api"]}))
    assert check.word == "failed"
    assert "docker is needed by web, api; Failed to connect" in seen(check)
    assert judge([READY], saw({"exec": ["web"]})).word == "failed"
    assert judge([READY], DENIED).word == "could not tell"
    assert judge([replace(READY, status="down")], none).word == "could not tell"
    assert nodes.judge_drivers("d", DENIED, none).word == "could not tell"


# Nomad's view of Consul.


def ours(**changes: Any) -> Ours:
    """The Consul that we ask."""
    return replace(Ours(saw(CONSUL), saw(["node-1"]), saw(["10.0.0.9:4646"])), **changes)


def see_consul(sight: Any = None, blind_nodes: Any = (), **changes: Any) -> Check:
    """The check of the bridge, well where nothing else is said."""
    one = replace(Sight("node-1", "node-1", "dc1", "10.0.0.9:4646"), **(sight or {}))
    other = replace(READY, id="n2", name="node-2")
    return bridge.judge(
        "nc", saw([READY, other]), saw(blind_nodes), saw([one]), ours(**changes), ["web"]
    )


def test_nodes_that_see_our_consul() -> None:
    check = see_consul()
    assert (check.word, check.notes) == ("passed", ())


@pytest.mark.parametrize(
    ("sight", "changes", "said"),
    [
        ({"datacenter": "dc2"}, {}, "datacenter dc2"),
        ({"consul_name": "stranger"}, {}, "agent stranger"),
        ({"address": "10.9.9.9:4646"}, {}, "not among our Consul's Nomad clients"),
    ],
)
def test_nodes_that_see_another_consul(
    sight: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    check = see_consul(sight, **changes)
    assert check.word == "failed"
    assert said in seen(check)


def test_nodes_that_see_no_consul() -> None:
    check = see_consul(blind_nodes=["n1", "n2"])
    assert check.word == "failed"
    assert "web cannot be placed" in check.summary
    assert "node-2" in seen(see_consul(blind_nodes=["n2"]))
    assert see_consul(blind_nodes=["n2"]).word == "passed"


@pytest.mark.parametrize("hidden", ["agent", "nomad_clients"])
def test_a_consul_that_shows_too_little(hidden: str) -> None:
    assert see_consul(**{hidden: DENIED}).word == "could not tell"


def test_agents_that_do_not_register_themselves_are_said() -> None:
    check = see_consul(nomad_clients=saw([]))
    assert check.word == "passed"
    assert "auto_advertise" in "\n".join(check.notes)


def identify(
    keys: Any = 1, agent: Agent = NOMAD, acl: Any = True, methods: Any = ("nomad-workloads",)
) -> Check:
    """The check of identities."""

    def look(value: Any) -> Look[Any]:
        return value if isinstance(value, Look) else saw(value)

    return bridge.judge_identity("i", look(keys), look(agent), look(acl), look(methods), ["web"])


WITH_IDENTITY = replace(NOMAD, service_identity=True)


def test_identities_that_work() -> None:
    assert identify(agent=WITH_IDENTITY).word == "passed"
    assert identify(acl=False).word == "passed"
    check = identify(agent=replace(NOMAD, consul_token=True))
    assert (check.word, len(check.notes)) == ("passed", 1)


def test_identities_that_do_not() -> None:
    assert identify(keys=0).word == "failed"
    check = identify()
    assert check.word == "failed"
    assert "web cannot register" in check.summary
    assert "nomad setup consul" in (check.advice or "")
    assert identify(agent=WITH_IDENTITY, methods=("other",)).word == "failed"


def test_identities_that_cannot_be_seen() -> None:
    assert identify(keys=DENIED).word == "could not tell"
    assert identify(acl=DENIED).word == "could not tell"
    assert identify(agent=WITH_IDENTITY, methods=DENIED).word == "could not tell"
    assert identify(agent=replace(NOMAD, server=False)).word == "could not tell"
    unseen: Any = DENIED
    assert identify(agent=unseen).word == "could not tell"


# Clocks.


@pytest.mark.parametrize(
    ("date", "word", "said"),
    [
        (1000.0, "passed", "within 1 s"),
        (1003.0, "passed", "within 4 s"),
        (1010.0, "passed", "10 s apart"),
        (990.0, "passed", "9 s apart"),  # a date of 990 may be 990.9
        (1100.0, "failed", "100 s apart"),
        (900.0, "failed", "99 s apart"),
        (None, "could not tell", "no clock"),
    ],
)
def test_a_clock_that_differs(date: float | None, word: str, said: str) -> None:
    span = clocks.interval(date, 999.9, 1000.1)
    check = clocks.judge("c", {"Nomad": saw(replace(VOICE, behind=span))})
    assert check.word == word
    assert said in seen(check)


def test_a_slow_answer_is_no_difference() -> None:
    span = clocks.interval(1000.0, 1000.0, 1060.0)
    check = clocks.judge("c", {"Nomad": saw(replace(VOICE, behind=span))})
    assert check.word == "passed"
    assert "apart" not in seen(check)


def test_two_agents_that_differ_though_neither_differs_much_from_us() -> None:
    ahead = saw(replace(VOICE, behind=(20.0, 21.0)))
    behind = saw(replace(VOICE, behind=(-21.0, -20.0)))
    check = clocks.judge("c", {"Nomad": ahead, "Consul": behind})
    assert check.word == "failed"
    assert "the agents' clocks are 40 s apart" in check.summary


def test_a_clock_that_is_not_told_is_said() -> None:
    check = clocks.judge("c", {"Nomad": saw(VOICE), "Traefik": DENIED})
    assert (check.word, check.notes) == ("passed", ("Traefik did not tell its clock",))


# The edge.

GATE = Gatekeeper("http://t:8082", "3.7.15", ("ConsulCatalog",), ("public", "traefik"), 3,
                  watches=True)  # fmt: skip
ROUTED: Look[Any] = saw({"web": ("public",)})
NONE: Look[Any] = saw({})


@pytest.mark.parametrize(
    ("edges", "routed", "word"),
    [
        (saw([GATE]), ROUTED, "passed"),
        (saw([]), NONE, "passed"),
        (saw([]), ROUTED, "failed"),
        (saw([]), DENIED, "could not tell"),
        (DENIED, ROUTED, "could not tell"),
        (saw([replace(GATE, problem="refused")]), NONE, "failed"),
        (saw([replace(GATE, providers=("Nomad", "File"))]), NONE, "failed"),
        (saw([replace(GATE, errors=2)]), NONE, "failed"),
    ],
)
def test_the_edge(edges: Any, routed: Any, word: str) -> None:
    assert edge.judge("e", edges, routed).word == word


def test_an_edge_that_asks_now_and_then_is_said() -> None:
    check = edge.judge("e", saw([replace(GATE, watches=False, warnings=1)]), ROUTED)
    assert check.word == "passed"
    assert "shutdown_delay" in "\n".join(check.notes)
    assert "1 warning" in "\n".join(check.notes)


@pytest.mark.parametrize(
    ("edges", "routed", "entrances", "word"),
    [
        (saw([GATE]), ROUTED, saw([Entrance("public", "http://e", 404)]), "passed"),
        (saw([GATE]), ROUTED, saw([Entrance("public", "http://e", None, "refused")]), "failed"),
        (saw([GATE]), saw({"web": ("websecure",)}), saw([]), "failed"),
        (saw([]), NONE, saw([Entrance("public", "http://e", None, "refused")]), "passed"),
        (saw([]), ROUTED, saw([Entrance("public", "http://e", None, "refused")]), "failed"),
        (saw([replace(GATE, problem="x")]), ROUTED, saw([]), "could not tell"),
        (DENIED, ROUTED, saw([]), "could not tell"),
        (saw([GATE]), ROUTED, LATE, "could not tell"),
        (DENIED, NONE, saw([Entrance("public", "http://e", None, "refused")]), "could not tell"),
        (DENIED, ROUTED, saw([Entrance("public", "http://e", None, "refused")]), "failed"),
    ],
)
def test_the_entrances(edges: Any, routed: Any, entrances: Any, word: str) -> None:
    assert edge.judge_entrances("e", edges, routed, entrances).word == word


# Instances.


def instance(service: str, allocation: str | None, port: int, address: str = "h") -> ConsulInstance:
    """One instance."""
    return ConsulInstance(service, f"id-{allocation}-{port}", allocation, address, port, "node-1")


def census(*found: ConsulInstance, **how: Any) -> Census:
    """What was looked at; allocations a and b run, `old` is over."""
    statuses = {"a": "running", "b": "running", "old": "complete"}
    return Census(found, statuses, **how)


@pytest.mark.parametrize(
    ("found", "word", "said"),
    [
        (census(instance("web", "a", 1), instance("web", "b", 2)), "passed", "none stale"),
        (census(instance("web", "old", 1)), "failed", "its allocation is complete"),
        (census(instance("web", "gone", 1)), "failed", "Nomad has no such allocation"),
        (census(instance("web", "gone", 1), unsure="?"), "could not tell", "does not show us"),
        (census(instance("web", "old", 1), unsure="?"), "failed", "is complete"),
        (census(instance("web", "a", 1), instance("web", "b", 1)), "failed", "1 twice"),
        (census(instance("web", "a", 1), instance("api", "a", 1)), "passed", ""),
        (census(instance("web", "a", 1), instance("web", "b", 1, "i")), "passed", ""),
        (census(instance("db", None, 1)), "passed", ""),
        (census(hidden=("web",)), "could not tell", "may not see all of web"),
        (census(wide=False), "could not tell", "may hide some"),
        (census(), "passed", "no job's service"),
    ],
)
def test_instances(found: Census, word: str, said: str) -> None:
    check = instances.judge("i", saw(found))
    assert check.word == word
    assert said in seen(check)


def test_what_was_left_out_is_said() -> None:
    check = instances.judge("i", saw(census(instance("web", "a", 1), left_out=7, wide=False)))
    assert check.word == "passed"
    assert "7 more services" in check.notes[0]
    assert "may not read" in check.notes[1]


def test_many_stale_instances_are_not_all_listed() -> None:
    many = census(*(instance("web", f"gone-{n}", n) for n in range(1, 200)))
    check = instances.judge("i", saw(many))
    assert check.summary.startswith("199 stale")
    assert check.evidence[-1] == "and 189 more"


def test_instances_that_could_not_be_read() -> None:
    assert instances.judge("i", LATE).word == "could not tell"


# Connections.

HTTPS = Line("Nomad", "https://n:4646", "checked", ends_at=100 * tls.DAY)


@pytest.mark.parametrize(
    ("line", "word", "said"),
    [
        (HTTPS, "passed", "ends in 100 days"),
        (replace(HTTPS, ends_at=13 * tls.DAY), "failed", "ends in 13 days"),
        (replace(HTTPS, ends_at=-1.0), "failed", "ends in 0 hours"),
        (replace(HTTPS, state="untrusted", problem="shows a certificate for another name"),
         "failed", "another name"),
        (replace(HTTPS, state="unchecked", problem="not checked"), "could not tell", ""),
        (replace(HTTPS, state="unseen", problem="refused"), "could not tell", ""),
        (Line("Nomad", "http://127.0.0.1:4646", "plain"), "passed", "stays on this machine"),
        (Line("Nomad", "http://[::1]:4646", "plain"), "passed", "stays on this machine"),
        (Line("Nomad", "http://nomad:4646", "plain"), "passed", "can be read on the way"),
    ],
)  # fmt: skip
def test_connections(line: Line, word: str, said: str) -> None:
    check = tls.judge("t", saw([line]), 0.0)
    assert check.word == word
    assert said in seen(check)


# The local agents.


def test_local_agents() -> None:
    alive = LocalAgent("nomad", True, "http://a", 7)
    assert local.judge("l", False, LATE).word == "passed"
    assert local.judge("l", True, saw([alive])).word == "passed"
    assert local.judge("l", True, saw([])).word == "failed"
    check = local.judge("l", True, saw([replace(alive, alive=False, last_lines=("panic",))]))
    assert check.word == "failed"
    assert "nomad: panic" in check.evidence
