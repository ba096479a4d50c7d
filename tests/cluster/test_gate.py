"""The gate: no stale, lying or missing answer lets a server go; and servers that are well pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cluster.fresh import fresh_agents
from tests.faults.proxy import FaultProxy, Rule
from toolkit.cluster.gate import gate
from toolkit.cluster.gathering import look_at_consul, look_at_nomad
from toolkit.spec.raft import PeerView, ServerView, SystemView

A, B, C, D = (f"{letter * 8}-0000-0000-0000-000000000000" for letter in "abcd")
LEADER = "10.40.32.12:8300"


def server(number: int, identity: str, **changes: object) -> ServerView:
    return replace(ServerView(f"server-{number}", identity, LEADER, well=True), **changes)  # type: ignore[arg-type]


def peer(identity: str, number: int, **changes: object) -> PeerView:
    return replace(PeerView(identity, True, name=f"server-{number}"), **changes)  # type: ignore[arg-type]


WELL = SystemView(
    "Consul",
    (server(1, A), server(2, B), server(3, C)),
    healthy=True,
    autopilot=(peer(A, 1), peer(B, 2), peer(C, 3)),
    raft=(peer(A, 1), peer(B, 2), peer(C, 3)),
)


def peers(*found: PeerView) -> dict[str, tuple[PeerView, ...]]:
    return {"autopilot": found, "raft": found}


def servers(*found: ServerView) -> dict[str, tuple[ServerView, ...]]:
    return {"servers": found}


GONE = ServerView("server-3")

TABLE = {
    "killed, and autopilot still says that all is well": (
        servers(server(1, A), server(2, B), GONE),
        ["server-3 does not answer for itself", "still has server-3 (cccccccc), which answers"],
    ),
    "replaced with fresh data, and autopilot still has the old one": (
        servers(server(1, A), server(2, B), server(3, D)),
        ["still has server-3 (cccccccc), which answers at no slot", "does not have server-3"],
    ),
    "replaced, and both the old and the new are listed": (
        {
            **servers(server(1, A), server(2, B), server(3, D)),
            **peers(peer(A, 1), peer(B, 2), peer(C, 3), peer(D, 3)),
        },
        ["Consul's raft still has server-3 (cccccccc)"],
    ),
    "alive, and removed from raft after a partition": (
        peers(peer(A, 1), peer(B, 2)),
        ["Consul's raft does not have server-3", "Consul's autopilot does not have server-3"],
    ),
    "back, and without a vote until it was stable": (
        peers(peer(A, 1), peer(B, 2), peer(C, 3, voter=False)),
        ["Consul's raft has server-3 without a vote"],
    ),
    "in raft's list, and not yet in autopilot's": (
        {"autopilot": (peer(A, 1), peer(B, 2))},
        ["Consul's autopilot does not have server-3"],
    ),
    "in autopilot's list, and no more in raft's": (
        {"raft": (peer(A, 1), peer(B, 2))},
        ["Consul's raft does not have server-3"],
    ),
    "a server that autopilot finds slow": (
        {"healthy": False, "autopilot": (peer(A, 1), peer(B, 2), peer(C, 3, healthy=False))},
        ["its autopilot says that the servers are not healthy", "has server-3 as not healthy"],
    ),
    "well as a whole, and one of them is not": (
        {"autopilot": (peer(A, 1), peer(B, 2), peer(C, 3, healthy=False))},
        ["Consul's autopilot has server-3 as not healthy"],
    ),
    "429, of which only the word is known": (
        {"healthy": False, "autopilot": None},
        ["are not healthy", "its autopilot names no servers"],
    ),
    "no list for seconds after an election": (
        {"autopilot": None},
        ["its autopilot names no servers"],
    ),
    "an empty list": ({"autopilot": (), "raft": ()}, ["Consul's raft does not have server-1"]),
    "no leader, so that nobody answers for all": (
        {
            **servers(*(server(n, i, leader="") for n, i in ((1, A), (2, B), (3, C)))),
            "healthy": None, "autopilot": None, "raft": None,
        },
        ["server-1 follows no leader", "its autopilot cannot be asked", "raft configuration"],
    ),
    "one that lost its leader, while the others vouch for it": (
        servers(server(1, A), server(2, B), server(3, C, leader="")),
        ["Consul: server-3 follows no leader"],
    ),
    "two leaders": (
        servers(server(1, A), server(2, B), server(3, C, leader="10.40.64.13:8300")),
        ["follow different leaders: 10.40.32.12:8300, 10.40.64.13:8300"],
    ),
    "one that says itself that it is not well": (
        servers(server(1, A), server(2, B), server(3, C, well=False)),
        ["Consul: server-3 says that it is not well"],
    ),
    "two names for one machine": (
        servers(server(1, A), server(2, B), server(3, B)),
        ["server-3 and server-2 answer as the same server"],
    ),
    "a fourth that votes": (
        peers(peer(A, 1), peer(B, 2), peer(C, 3), peer(D, 4)),
        ["Consul's raft still has server-4 (dddddddd), which answers at no slot"],
    ),
    "a fourth slot": (
        {
            **servers(server(1, A), server(2, B), server(3, C), server(4, D)),
            **peers(peer(A, 1), peer(B, 2), peer(C, 3), peer(D, 4)),
        },
        ["4 server slots were looked at, not 3"],
    ),
    "only two slots, which agree": (
        {**servers(server(1, A), server(2, B)), **peers(peer(A, 1), peer(B, 2))},
        ["2 server slots were looked at, not 3"],
    ),
    "a peer twice, and one not at all": (
        peers(peer(A, 1), peer(B, 2), peer(B, 2)),
        ["Consul's raft names a server twice", "does not have server-3"],
    ),
    "a peer without an ID": (
        peers(peer(A, 1), peer(B, 2), peer("", 3)),
        ["still has server-3 (without ID)"],
    ),
    "nobody answers": (
        {
            **servers(*(ServerView(f"server-{n}") for n in (1, 2, 3))),
            "healthy": None, "autopilot": None, "raft": None,
        },
        ["server-1 does not answer for itself", "server-2", "server-3"],
    ),
}  # fmt: skip


def test_servers_that_are_well_pass() -> None:
    verdict = gate([WELL, replace(WELL, system="Nomad")])
    assert verdict.passes and verdict.reasons == ()


@pytest.mark.parametrize("case", TABLE)
@pytest.mark.parametrize("where", [0, 1])
def test_stale_lying_and_missing_answers_do_not(case: str, where: int) -> None:
    changes, said = TABLE[case]
    views = [WELL, replace(WELL, system="Nomad")]
    views[where] = replace(WELL, **changes)  # type: ignore[arg-type]
    verdict = gate(views)
    assert not verdict.passes
    together = "\n".join(verdict.reasons)
    assert all(words in together for words in said), together


def test_nothing_looked_at_is_no_reason_to_pass() -> None:
    assert not gate([]).passes


IDS = st.sampled_from([A, B, C, D, ""])
SERVERS = st.builds(ServerView, st.sampled_from(["server-1", "server-2", "server-3"]), IDS,
                    st.sampled_from(["", LEADER, "other"]), st.booleans())  # fmt: skip
PEERS = st.none() | st.lists(st.builds(PeerView, IDS, st.booleans(), st.booleans()), max_size=4)


@given(
    st.lists(SERVERS, max_size=4), st.none() | st.booleans(), PEERS, PEERS,
)  # fmt: skip
def test_whatever_passes_is_three_voters_that_answer_for_themselves(
    found: list[ServerView],
    healthy: bool | None,
    autopilot: list[PeerView] | None,
    raft: list[PeerView] | None,
) -> None:
    view = SystemView(
        "Nomad", tuple(found), healthy,
        None if autopilot is None else tuple(autopilot), None if raft is None else tuple(raft),
    )  # fmt: skip
    ids = sorted(each.id for each in found)
    lists = [autopilot or [], raft or []]
    truth = (
        healthy is True
        and len(set(ids)) == len(ids) == 3
        and all(each.id and each.leader and each.well for each in found)
        and len({each.leader for each in found}) == 1
        and all(sorted(p.id for p in each if p.voter and p.healthy) == ids for each in lists)
        and all(len(each) == 3 for each in lists)
    )
    assert gate([view]).passes is truth


# Real servers, one of each, in front of which answers are changed.


def without_servers(_body: bytes) -> bytes:
    """As Nomad answers in the first seconds after an election."""
    return b'{"FailureTolerance":0,"Healthy":true,"Servers":null}'


SICK = '{"server":{"message":"no leader","ok":false}}'
LIES = (
    (Rule("status", path="agent/self", status=500, text="rpc error"), "does not answer"),
    (Rule("drop", path="autopilot"), "cannot be asked"),
    (Rule("garbage", path="raft/configuration", text="{"), "cannot be"),
    (Rule("status", path="autopilot", status=500, text="No cluster leader"), "cannot be asked"),
    (Rule("status", path="status/leader", status=500, text="No cluster leader"), "no leader"),
    (Rule("rewrite", path="autopilot/health", rewrite=without_servers), "names no servers"),
    (Rule("status", path="agent/health", status=500, text=SICK), "is not well"),
)


@pytest.mark.agents
def test_what_real_servers_say_is_seen(tmp_path: Path) -> None:
    with fresh_agents(tmp_path) as fresh:
        token = "5d6fa0dc-1d1a-4f4e-9a0b-4a4b7c4d7e11"
        with fresh.consul() as consul, fresh.nomad() as nomad:
            consul.bootstrap_acl(token)
            nomad.bootstrap_acl(token)
        with (
            FaultProxy(fresh.consul_address) as consul_door,
            FaultProxy(fresh.nomad_address) as nomad_door,
            fresh.consul(token, consul_door.address) as consul,
            fresh.nomad(token, nomad_door.address) as nomad,
        ):
            views = [look_at_consul({"server-1": consul}), look_at_nomad({"server-1": nomad})]
            for view in views:
                (own,) = view.servers
                assert own.id and own.leader and own.well
                assert view.raft == (PeerView(own.id, True, name=view.raft[0].name),)  # type: ignore[index]
                assert view.autopilot is None or view.autopilot[0].id == own.id
            nomad_view = views[1]
            assert gate([nomad_view], expected=1).passes, nomad_view

            # Nothing of this is taken for well, and nothing is raised.
            for rule, said in LIES:
                nomad_door.clear()
                nomad_door.add(rule)
                verdict = gate([look_at_nomad({"server-1": nomad})], expected=1)
                assert said in "\n".join(verdict.reasons), (rule, verdict)
            consul_door.add(Rule("status", path="status/leader", status=200, text='""'))
            verdict = gate([look_at_consul({"server-1": consul})], expected=1)
            assert "Consul: its raft configuration cannot be read" in verdict.reasons
