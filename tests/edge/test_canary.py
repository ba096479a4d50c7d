"""Canaries that are compared with stable instances before they are promoted, or given up.

All rollouts at the same time: most of each is waiting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.agents.shop import Said
from tests.edge.canaries import CANARY, deployed
from tests.edge.front import Front

pytestmark = [pytest.mark.agents, pytest.mark.edge]

HANGS = CANARY.replace("/orders", "/hangs").replace('"40s"', '"3s"')
NEXT = ("--release", "1.1.0")


def mode(word: str) -> tuple[str, ...]:
    """The next release, which answers like that."""
    return (*NEXT, "--var", f"environment.MODE={word}")


CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "good": ({}, NEXT),
    "errors": ({}, mode("errors")),
    "stays": ({"revert": False}, mode("errors")),
    "slow": ({"more": CANARY.replace('"10s"', '"500ms"')}, mode("slow")),
    "steps": ({}, (*NEXT, "--canary", "1,2")),
    "second": ({}, (*mode("fine"), "--canary", "1,2", "--no-analyse")),
    "few": ({"more": HANGS}, NEXT),
    "alike": ({"mode": "broken"}, mode("broken")),
    "mended": ({"mode": "broken"}, mode("fine")),
    "person": ({}, (*NEXT, "--no-promote")),
    "person-bad": ({}, (*mode("errors"), "--no-promote")),
    "attached": ({}, (*mode("errors"), "--detach")),
}
"""What is deployed first, and how its next release is."""


@pytest.fixture(scope="module")
def names(front: Front) -> dict[str, str]:
    def begun(word: str) -> str:
        how = dict(CASES[word][0])
        if how.pop("revert", True) is False:
            how["change"] = {"min_healthy_time": "auto_revert = false\nmin_healthy_time"}
        return deployed(front, word, **how)

    with ThreadPoolExecutor() as pool:
        return dict(zip(CASES, pool.map(begun, CASES), strict=True))


@pytest.fixture(scope="module")
def before(front: Front, names: Mapping[str, str]) -> dict[str, set[str]]:
    """Allocations of the first version."""
    return {word: {a["ID"] for a in front.running(name)} for word, name in names.items()}


@pytest.fixture(scope="module")
def ends(front: Front, names: Mapping[str, str], before: Mapping[str, set[str]]) -> dict[str, Said]:
    assert all(len(found) == 2 for found in before.values())

    def rolled(word: str) -> Said:
        said = front.deploy(names[word], *CASES[word][1])
        if "--detach" not in CASES[word][1]:
            return said
        assert said.report["verdict"] == "submitted"
        assert any("not compared: nobody watches" in line for line in said.told("note"))
        return front.toolkit("attach", names[word], "--json")

    # Not all at once: what they ask with is this machine too.
    with ThreadPoolExecutor(6) as pool:
        return dict(zip(CASES, pool.map(rolled, CASES), strict=True))


def analysis(said: Said) -> dict[str, Any]:
    """The only step of the analysis."""
    [step] = said.report["analysis"]["steps"]
    assert isinstance(step, dict)
    return step


def assert_given_up(front: Front, name: str, said: Said, kind: str, old: set[str]) -> None:
    """Exit 8; the canary is gone from Nomad, Consul and Traefik, the old ones serve, verified."""
    report = said.report
    assert (said.code, report["verdict"]) == (8, "reverted"), said.out + said.err
    assert (report["serving"], report["release"]) == ("1.0.0", "1.1.0")
    [cause] = report["causes"]
    assert cause["kind"] == kind
    assert cause["allocation"] not in old
    canary = front.nomad(f"/v1/allocation/{cause['allocation']}")
    assert canary["DesiredStatus"] == "stop"
    assert {a["ID"] for a in front.running(name)} == old == front.instance_of(name)
    assert set(front.servers(name)) == set(front.passing(name).values())
    assert front.serves(name) == ["1.0.0", "1.0.0"]
    assert report["verification"]["holds"]
    assert report["verification"]["verified"] == 2
    statuses = {d["JobVersion"]: d["Status"] for d in front.deployments(name)}
    assert statuses[report["version"]] == "failed"


def test_a_good_canary_is_promoted(
    front: Front, names: Mapping[str, str], ends: Mapping[str, Said]
) -> None:
    said = ends["good"]
    report = said.report
    assert (said.code, report["verdict"]) == (0, "deployed"), said.out + said.err
    step = analysis(said)
    assert (report["analysis"]["word"], step["word"]) == ("passed", "passed")
    assert step["reason"].startswith("no worse: canary 0/")
    assert (step["canaries"], step["canary"]["instances"], step["stable"]["instances"]) == (1, 1, 2)
    for side in ("canary", "stable"):
        assert step[side]["requests"] >= 40
        assert step[side]["failed"] == 0
        assert (
            sum(second[f"{side}_requests"] for second in step["seconds"])
            == (step[side]["requests"])
        )
    # Asked in turns: neither side is ahead by more than what is on its way.
    assert abs(step["canary"]["requests"] - step["stable"]["requests"]) <= 8
    told = said.told("analyse")
    assert told[0].startswith("1 canary beside 2 stable instances · /orders · 15 requests/s")
    assert told[-1] == step["reason"]
    assert said.told("gate")[-1].endswith("promoted")
    assert said.stages().index("analyse") < said.stages().index("old")
    assert front.serves(names["good"]) == ["1.1.0", "1.1.0"]


@pytest.mark.parametrize("word", ["errors", "stays"])
def test_a_canary_that_fails_where_no_check_looks(
    front: Front,
    names: Mapping[str, str],
    before: Mapping[str, set[str]],
    ends: Mapping[str, Said],
    word: str,
) -> None:
    said, name = ends[word], names[word]
    assert_given_up(front, name, said, "analysis", before[word])
    step = analysis(said)
    assert step["word"] == "failed"
    assert step["canary"]["failed"] >= 10
    assert step["stable"]["failed"] == 0
    [cause] = said.report["causes"]
    assert "requests to the canaries failed, 0 of" in cause["summary"]
    assert any("/orders" in line and "HTTP 500" in line for line in cause["evidence"]), cause
    assert {f["side"] for f in step["failures"]} == {"canary"}
    live = front.job(name)
    if word == "errors":
        assert live["Meta"]["release"] == "1.0.0"
    else:
        # Nothing is taken back without auto_revert, and the canary is gone all the same.
        assert (live["Version"], live["Meta"]["release"]) == (said.report["version"], "1.1.0")
        assert "stays registered" in said.report["sentence"]


def test_a_canary_that_answers_late(
    front: Front, names: Mapping[str, str], before: Mapping[str, set[str]], ends: Mapping[str, Said]
) -> None:
    said = ends["slow"]
    assert_given_up(front, names["slow"], said, "analysis", before["slow"])
    step = analysis(said)
    assert step["canary"]["failed"] == 0
    assert step["canary"]["latency"] >= 1.5
    assert "at the 95th percentile" in said.report["causes"][0]["summary"]


def test_too_few_answers_are_not_a_pass(
    front: Front, names: Mapping[str, str], before: Mapping[str, set[str]], ends: Mapping[str, Said]
) -> None:
    said = ends["few"]
    assert_given_up(front, names["few"], said, "inconclusive", before["few"])
    step = analysis(said)
    assert step["word"] == "inconclusive"
    assert step["canary"]["requests"] < 40
    assert "too few requests to judge the canaries" in said.report["causes"][0]["summary"]
    assert "canary.deadline" in said.report["causes"][0]["advice"]


def test_steps_are_each_compared_and_the_last_is_promoted(
    front: Front, names: Mapping[str, str], before: Mapping[str, set[str]], ends: Mapping[str, Said]
) -> None:
    said, name = ends["steps"], names["steps"]
    report = said.report
    assert (said.code, report["verdict"]) == (0, "deployed"), said.out + said.err
    first, second = report["analysis"]["steps"]
    assert [(step["canaries"], step["word"]) for step in (first, second)] == [
        (1, "passed"), (2, "passed"),
    ]  # fmt: skip
    assert said.told("step") == ["step 1 of 2: 1 canary", "step 2 of 2: 2 canaries"]
    assert first["ended"] <= second["began"]
    # Each step is a version of its own; what was stable before is what the second goes back to.
    assert (report["version"], report["previous_release"]) == (2, "1.0.0")
    statuses = {d["JobVersion"]: d["Status"] for d in front.deployments(name)}
    assert statuses == {0: "successful", 1: "cancelled", 2: "successful"}
    assert front.job(name)["TaskGroups"][0]["Update"]["Canary"] == 2
    running = {a["ID"] for a in front.running(name)}
    assert len(running) == 2
    assert running.isdisjoint(before["steps"])
    assert front.serves(name) == ["1.1.0", "1.1.0"]
    bars = report["timeline"]["bars"]
    assert Counter((bar["role"], bar["version"], bar["release"]) for bar in bars) == {
        ("old", 0, "1.0.0"): 2, ("canary", 1, "1.1.0"): 1, ("canary", 2, "1.1.0"): 2,
    }  # fmt: skip
    again = front.deploy(name, *CASES["steps"][1])
    assert (again.code, again.report["verdict"]) == (0, "unchanged"), again.out


def test_steps_without_a_comparison(
    front: Front, names: Mapping[str, str], ends: Mapping[str, Said]
) -> None:
    said = ends["second"]
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out + said.err
    assert said.report["analysis"] is None
    assert said.report["version"] == 2
    assert "analyse" not in said.stages()
    assert [line for line in said.told("gate") if "more canaries follow" in line]


def test_what_fails_as_much_in_both_is_not_the_canarys_fault(ends: Mapping[str, Said]) -> None:
    said = ends["alike"]
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out + said.err
    step = analysis(said)
    assert step["word"] == "passed"
    assert step["canary"]["failed"] == step["canary"]["requests"]
    [note] = step["notes"]
    assert "little could be told of the canaries: look at canary.paths" in note


def test_a_release_that_mends_what_is_broken_is_promoted(ends: Mapping[str, Said]) -> None:
    said = ends["mended"]
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out + said.err
    step = analysis(said)
    assert step["canary"]["failed"] == 0
    assert step["stable"]["failed"] == step["stable"]["requests"]


@pytest.mark.parametrize(
    ("word", "found", "says"),
    [
        ("person", "passed", "wait for promotion; no worse: canary 0/"),
        ("person-bad", "failed", "the canaries are not good: "),
    ],
)
def test_promotion_left_to_a_person_comes_with_the_result(
    front: Front,
    names: Mapping[str, str],
    ends: Mapping[str, Said],
    word: str,
    found: str,
    says: str,
) -> None:
    said = ends[word]
    assert (said.code, said.report["verdict"]) == (9, "held"), said.out + said.err
    assert analysis(said)["word"] == found
    assert says in said.report["sentence"]
    command = "promote" if word == "person" else "abort"
    assert said.report["next"] == f"toolkit {command} {names[word]}"
    # Nothing was decided for the person: the canary runs beside the stable ones.
    assert front.deployments(names[word])[-1]["Status"] == "running"
    assert front.serves(names[word]) == ["1.0.0", "1.0.0", "1.1.0"]


def test_a_rollout_that_is_attached_to_is_compared_as_its_file_says(
    ends: Mapping[str, Said],
) -> None:
    said = ends["attached"]
    assert (said.code, said.report["verdict"]) == (8, "reverted"), said.out + said.err
    step = analysis(said)
    assert step["word"] == "failed"
    assert step["edge"]["unseen"] == "its canaries took part before anybody looked"
