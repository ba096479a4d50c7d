"""What is judged of clocks, the edge, instances, connections and local agents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.healthy import DENIED, LATE, VOICE, seen
from toolkit.rollout.health import (
    clocks,
    edge,
    instances,
    local,
    tls,
)
from toolkit.rollout.health.edge import Entrance, Gatekeeper
from toolkit.rollout.health.instances import Census
from toolkit.rollout.health.local import LocalAgent
from toolkit.rollout.health.look import Look, saw
from toolkit.rollout.health.tls import Line
from toolkit.spec.observed import ConsulInstance

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
