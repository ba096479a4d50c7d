"""Plan, submission and verdict in one line each."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from toolkit.rollout import sentences
from toolkit.rollout.verdict import Judged
from toolkit.spec.cause import Cause
from toolkit.spec.chain import InstanceChain, Link, LinkName, Verification
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.observed import AllocationView
from toolkit.spec.outcome import End, Outcome
from toolkit.spec.plan import GroupPlan, LiveJob, Plan, Submission
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.report import VERDICT_CODES, Timings, Verdict

LIVE = LiveJob(3, 7, "service", "1.0.0", False, True, {"web": 2}, {})
PLAN = Plan(
    rendered=RenderedJob(JobSpec("shop", "service", "j", "t"), "", (), {}),
    job={"ID": "shop", "Meta": {"release": "1.1.0"}},
    live=LIVE,
    groups=(GroupPlan("web", canary=2, ignore=2),),
)
CHAIN = Verification(
    links=tuple(Link(name, "holds", "") for name in get_args(LinkName)),
    instances=(),
    expected=0,
    release="1.0.0",
)
TIMES = Timings(7.12, nomad=6.66)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "1.0.0 → 1.1.0 · 2 canaries, then 2 stopped · fits"),
        ({"live": None}, "1.1.0 · 2 canaries, then 2 stopped · fits"),
        ({"live": replace(LIVE, stopped=True)}, "1.1.0 · 2 canaries, then 2 stopped · fits"),
        ({"live": replace(LIVE, release="1.1.0"), "changed": False}, "1.1.0 · nothing changed"),
        ({"job": {"ID": "shop"}}, "2 canaries, then 2 stopped · fits"),
        ({"unplaced": (Cause("unplaced", "no room"),)},
         "1.0.0 → 1.1.0 · 2 canaries, then 2 stopped · does not fit"),
        ({"groups": (GroupPlan("web", replace=1), GroupPlan("api"), GroupPlan("job", stop=1))},
         "1.0.0 → 1.1.0 · web: 1 replaced · job: 1 stopped · fits"),
    ],
)  # fmt: skip
def test_a_plan(change: dict[str, object], said: str) -> None:
    assert sentences.plan(replace(PLAN, **change)) == said  # type: ignore[arg-type]


def test_a_submission() -> None:
    made = Submission("shop", 4, 9, None, 118, 0.0, None, None)
    assert sentences.submission(made) == "version 4, check index 118"
    assert "reply was lost" in sentences.submission(replace(made, resolved=True))


def say(verdict: Verdict, why: str = "because", verification: Verification | None = CHAIN) -> str:
    return sentences.verdict(
        Judged(verdict, why), job="shop", release="1.1.0", version=4, verification=verification,
        timings=TIMES,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("deployed", "shop 1.1.0, 0 of 0 verified, in 7.1 s (Nomad's own clock 6.7 s)"),
        ("unchanged", "shop 1.1.0, 0 of 0 verified"),
        ("completed", "shop 1.1.0, in 7.1 s"),
        ("submitted", "shop 1.1.0, version 4; nobody watches it"),
        ("reverted", "shop 1.1.0 did not take; 1.0.0 serves, 0 of 0 verified, in 7.1 s"),
        ("failed", "shop 1.1.0 did not take, and nothing is verified to serve: because"),
        ("unverified", "shop 1.1.0 is healthy in Nomad, but the chain is broken at because"),
        ("unplaced", "shop 1.1.0: because"),
        ("unknown", "shop 1.1.0: because"),
        ("superseded", "shop 1.1.0: because"),
        ("held", "shop 1.1.0: because"),
        ("refused", "shop 1.1.0: because"),
    ],
)
def test_every_verdict_has_its_sentence(verdict: Verdict, said: str) -> None:
    assert say(verdict) == said
    assert set(VERDICT_CODES) == set(get_args(Verdict))


def test_what_found_no_room_says_what_serves_instead() -> None:
    row = InstanceChain("a" * 36, "node-1", "web", "healthy", "passing", "up", "1.0.0")
    serving = replace(CHAIN, instances=(row,), expected=1)
    assert (
        say("unplaced", verification=serving)
        == "shop 1.1.0: because; 1.0.0 serves, 1 of 1 verified"
    )
    assert say("unplaced", verification=None) == "shop 1.1.0: because"
    broken = replace(serving, links=(Link("nomad", "broken", ""),))
    assert say("unplaced", verification=broken) == "shop 1.1.0: because"


def test_what_runs_is_called_healthy_only_where_nomad_does() -> None:
    row = InstanceChain("a" * 36, "node-1", "web", "healthy", "critical", "-", "-")
    ill, gone = replace(row, nomad="running"), replace(row, nomad="complete", leaving=True)

    def broken(*rows: InstanceChain) -> str:
        return say("unverified", "consul: x", replace(CHAIN, instances=rows))

    assert "is healthy in Nomad" in broken(row, gone)
    assert broken(row, ill) == "shop 1.1.0 runs in Nomad, but the chain is broken at consul: x"


def test_without_a_release_the_version_is_named() -> None:
    said = sentences.verdict(
        Judged("held", "paused"), job="shop", release=None, version=4, verification=None,
        timings=TIMES,
    )  # fmt: skip
    assert said == "shop version 4: paused"
    assert "the old version serves" in say("reverted", verification=replace(CHAIN, release=None))


def outcome(end: End, detail: str = "", causes: tuple[Cause, ...] = ()) -> Outcome:
    return Outcome(end, detail, 4, causes=causes)


COSTLY = Cause("probe", "the probe's budget is spent")
CRASH = Cause("crash", "it died", allocation="5b2c90aa" + "0" * 28)


@pytest.mark.parametrize(
    ("verdict", "ended", "command"),
    [
        ("failed", outcome("failed", causes=(CRASH,)), "toolkit explain 5b2c90aa"),
        ("reverted", outcome("reverted", causes=(CRASH,)), "toolkit explain 5b2c90aa"),
        ("reverted", outcome("reverted"), "toolkit explain shop"),
        ("reverted", outcome("reverted", causes=(COSTLY,)), "toolkit report shop"),
        ("unplaced", None, "toolkit why-not shop"),
        ("unknown", outcome("undecided"), "toolkit attach shop"),
        ("unknown", outcome("lost"), "toolkit attach shop"),
        ("unknown", outcome("successful"), "toolkit verify shop"),
        ("unverified", outcome("successful"), "toolkit explain shop"),
        ("superseded", outcome("superseded"), "toolkit status shop"),
        ("submitted", None, "toolkit attach shop"),
        ("held", outcome("held", "the canaries wait for promotion"), "toolkit promote shop"),
        ("held", outcome("held", "the deployment is paused"), "toolkit resume shop"),
        ("held", outcome("stopped", "job is stopped"), "toolkit status shop"),
        ("deployed", outcome("successful"), None),
        ("unchanged", outcome("successful"), None),
        ("completed", outcome("completed"), None),
    ],
)
def test_the_next_command_to_type(
    verdict: Verdict, ended: Outcome | None, command: str | None
) -> None:
    assert sentences.next_command(verdict, "shop", ended) == command


def old(version: int, status: str = "running") -> AllocationView:
    return AllocationView(
        id="a", name="shop.web[0]", group="web", job_version=version, node="n", node_id="n",
        client_status=status, desired_status="stop",
    )  # fmt: skip


def test_what_became_of_the_instances_before() -> None:
    ended = replace(outcome("successful"), allocations=(old(3), old(3), old(3, "complete"), old(4)))
    assert sentences.departed(ended, CHAIN, 3) == ["2 left Consul, left Traefik, stopping"]
    assert sentences.departed(ended, CHAIN, None) == []
    assert sentences.departed(ended, CHAIN, 2) == []
    links = tuple(
        replace(link, state="absent") if link.name == "traefik" else link for link in CHAIN.links
    )
    assert sentences.departed(ended, replace(CHAIN, links=links), 3) == ["2 left Consul, stopping"]
