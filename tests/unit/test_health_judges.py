"""Every check on values: what fails it, what leaves it open, what is only worth a note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.healthy import CONSUL, DENIED, LATE, NOMAD, READY, THREE, VOICE, seen
from toolkit.errors import DeniedError, ServerError, UnreachableError
from toolkit.rollout.health import (
    bridge,
    nodes,
    servers,
)
from toolkit.rollout.health.bridge import Ours, Sight
from toolkit.rollout.health.facts import Agent, Driver, Node, Server, Voice
from toolkit.rollout.health.look import Look, failed, saw
from toolkit.spec.doctor import Check


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
