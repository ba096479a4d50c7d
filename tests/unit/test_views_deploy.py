"""The final block of a rollout, and a plan, as people read them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from toolkit.errors import ExitCode
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Extra, InstanceChain, Link, Verification
from toolkit.spec.events import Event
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.plan import DiffLine, GroupPlan, LintFinding, LiveJob, Plan
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.report import DeployReport, Timings
from toolkit.views import deploy, event, plan, verify

REPORT = DeployReport(
    verdict="reverted",
    sentence="backend 1.2.0 did not take; 1.1.0 serves, 2 of 2 verified",
    job="backend",
    environment="dev",
    address="http://127.0.0.1:4646",
    namespace="default",
    release="1.2.0",
    previous_release="1.1.0",
    serving="1.1.0",
    version=5,
    deployment=None,
    evaluation=None,
    timings=Timings(7.1),
)
CRASH = Cause(
    "crash",
    "task app exited 1 twice within 3 s of its start",
    allocation="5b2c90aa-0000-4000",
    node="node-1",
    evidence=("stderr: FATAL config key 'db_url' missing",),
)
LIVE = LiveJob(3, 7, "service", "1.0.0", False, True, {"web": 2}, {})
PLAN = Plan(
    rendered=RenderedJob(JobSpec("backend", "service", "j", "t"), "", (), {}),
    job={"ID": "backend", "Meta": {"release": "1.1.0"}},
    live=LIVE,
    groups=(GroupPlan("web", canary=2, ignore=2),),
)


def test_the_final_block_says_verdict_cause_evidence_and_what_to_type() -> None:
    report = replace(REPORT, causes=(CRASH,), next="toolkit logs backend --stderr")
    assert "\n".join(deploy.lines(report)) == (
        "reverted  backend 1.2.0 did not take; 1.1.0 serves, 2 of 2 verified\n"
        "  cause   task app exited 1 twice within 3 s of its start\n"
        "          allocation 5b2c90aa on node-1\n"
        "          stderr: FATAL config key 'db_url' missing\n"
        "  next    toolkit logs backend --stderr"
    )


def test_a_later_cause_does_not_look_like_the_first() -> None:
    second = Cause("check", "the check never passed", advice="look at /health")
    lines = deploy.lines(replace(REPORT, causes=(CRASH, second)))
    assert lines[4:] == ["  then    the check never passed", "  advice  look at /health"]


def test_evidence_of_several_lines_stays_in_its_column() -> None:
    cause = Cause("crash", "it died", evidence=("stderr: one\ntwo",))
    assert deploy.lines(replace(REPORT, causes=(cause,)))[2:] == [
        "          stderr: one",
        "          two",
    ]


@pytest.mark.parametrize("verdict", ["unchanged", "unverified", "superseded"])
def test_a_word_longer_than_its_column_stays_apart(verdict: str) -> None:
    report = replace(REPORT, verdict=verdict, sentence="backend")  # type: ignore[arg-type]
    assert deploy.lines(report) == [f"{verdict}  backend"]


def test_verify_says_the_first_broken_link_first() -> None:
    verification = Verification(
        links=(
            Link("nomad", "holds", "2 of 2 running"),
            Link("consul", "broken", "1 of 2 passing"),
            Link("traefik", "unseen", "the token may not read services"),
            Link("edge", "absent", "no route in the job"),
        ),
        instances=(
            InstanceChain("0a1f3c52-1", "node-1", "web", "running", "passing", "up", "1.1.0"),
            InstanceChain("9c3e77d0-1", "node-2", "web", "running", "critical", "-", "unseen"),
        ),
        extras=(Extra("consul", "stale", "web-1", "its allocation is gone"),),
        expected=2,
    )
    report = replace(REPORT, verdict="unverified", sentence="backend", verification=verification)
    assert "\n".join(verify.lines(report)) == (
        "link      consul BROKEN: 1 of 2 passing\n"
        "  nomad    holds       2 of 2 running\n"
        "  consul   BROKEN      1 of 2 passing\n"
        "  traefik  cannot see  the token may not read services\n"
        "  edge     none        no route in the job\n"
        "  0a1f3c52  node-1  running  Consul passing   Traefik up  serves 1.1.0\n"
        "  9c3e77d0  node-2  running  Consul critical              release unseen\n"
        "  extra   stale in consul: web-1 (its allocation is gone)\n"
        "unverified  backend"
    )


def test_verify_of_a_rollout_says_so_first_and_calls_nothing_broken() -> None:
    verification = Verification(
        links=(
            Link("nomad", "broken", "1 of 2 running"),
            Link("release", "absent", "not asked before all are there"),
        ),
        instances=(
            InstanceChain("0a1f3c52-1", "node-1", "web", "running", "passing", "-", "not asked"),
        ),
        expected=2,
        rolling=True,
    )
    report = replace(
        REPORT,
        verdict="unknown",
        sentence="backend 1.1.0: version 5 is still rolling",
        verification=verification,
        next="toolkit attach backend",
    )
    assert "\n".join(verify.lines(report)) == (
        "unknown   backend 1.1.0: version 5 is still rolling\n"
        "  nomad    not yet  1 of 2 running\n"
        "  release  none     not asked before all are there\n"
        "  0a1f3c52  node-1  running  Consul passing    release not asked\n"
        "  next    toolkit attach backend"
    )


def test_a_verification_that_was_not_reached_shows_the_verdict_alone() -> None:
    assert verify.lines(replace(REPORT, sentence="backend")) == ["reverted  backend"]


@pytest.mark.parametrize(
    ("stage", "text", "lines"),
    [
        ("plan", "1.0.0 → 1.1.0 · fits", ["plan      1.0.0 → 1.1.0 · fits"]),
        ("target", "dev · 127.0.0.1:4646", ["dev · 127.0.0.1:4646"]),
        ("fail", "one\ntwo", ["fail      one", "          two"]),
        ("gate", "", ["gate"]),
    ],
)
def test_a_transition_is_one_aligned_line(stage: str, text: str, lines: list[str]) -> None:
    assert event.lines(Event(stage, text, 0.0)) == lines  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"changed": False}, ExitCode.OK),
        ({}, ExitCode.CHANGES),
        ({"unplaced": (Cause("unplaced", "no memory"),)}, ExitCode.UNPLACED),
        (
            {
                "lint": (LintFinding("edge-restart", "refused", "m", "r"),),
                "unplaced": (Cause("unplaced", "no memory"),),
            },
            ExitCode.REFUSED,
        ),
        ({"lint": (LintFinding("edge-restart", "refused", "m", "r", True),)}, ExitCode.CHANGES),
        ({"lint": (LintFinding("count-one", "warning", "m", "r"),)}, ExitCode.CHANGES),
    ],
)
def test_the_exit_code_of_a_plan(change: dict[str, object], code: ExitCode) -> None:
    assert plan.code(replace(PLAN, **change)) is code  # type: ignore[arg-type]


def test_a_plan_in_words() -> None:
    made = replace(
        PLAN,
        diff=(
            DiffLine("Meta[release]", "Edited", "1.0.0", "1.1.0"),
            DiffLine("web.app.Env[KEY]", "Added", "", "(secret)"),
            DiffLine("web.app.Env[OLD]", "Deleted", "x", ""),
        ),
        lint=(LintFinding("count-one", "warning", "group web has count 1", "it stops first"),),
        warnings=("a warning of Nomad's",),
        notes=("the live count 2 stays",),
        question="release 1.0.0 is live",
    )
    assert "\n".join(plan.lines(made)) == (
        "plan      backend: 1.0.0 → 1.1.0 · 2 canaries, then 2 stopped · fits\n"
        "group     web: 2 canaries, then 2 stopped\n"
        "note      the live count 2 stays\n"
        "asks      release 1.0.0 is live\n"
        "          ~ Meta[release]: 1.0.0 → 1.1.0\n"
        "          + web.app.Env[KEY] = (secret)\n"
        "          - web.app.Env[OLD] = x\n"
        "warning   a warning of Nomad's\n"
        "lint      count-one (warning): group web has count 1\n"
        "          it stops first\n"
        '          allow it with [lint] allow = ["count-one"]'
    )


def test_of_a_new_job_the_fields_are_counted_not_listed() -> None:
    fields = (DiffLine("Name", "Added", "", "web"), DiffLine("Type", "Added", "", "service"))
    made = replace(PLAN, live=None, diff=fields)
    assert plan.lines(made)[-1] == "          + 2 fields of a new job"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"live": None}, "first deploy of 1.1.0"),
        ({"live": replace(LIVE, stopped=True)}, "stopped now, starts again, 1.1.0"),
        ({"live": replace(LIVE, release="1.1.0")}, "1.1.0"),
        ({"live": replace(LIVE, release=None)}, "version 3 → 1.1.0"),
        ({"live": None, "job": {"ID": "backend"}}, "first deploy"),
    ],
)
def test_the_releases_of_a_plan(change: dict[str, object], words: str) -> None:
    assert plan.releases(replace(PLAN, **change)) == words  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (GroupPlan("web"), "nothing"),
        (GroupPlan("web", canary=1, ignore=1), "1 canary, then 1 stopped"),
        (GroupPlan("web", canary=2, place=1), "2 canaries, 1 placed"),
        (GroupPlan("web", replace=3, ignore=1), "3 replaced, 1 left as they are"),
        (GroupPlan("web", in_place=2, stop=1), "2 updated in place, 1 stopped"),
        (GroupPlan("web", migrate=1, preempt=2), "1 migrated, 2 preempted elsewhere"),
    ],
)
def test_what_happens_to_a_group_in_words(group: GroupPlan, words: str) -> None:
    assert plan.actions(group) == words


def test_an_unplaced_plan_says_why_at_the_end() -> None:
    made = replace(PLAN, unplaced=(Cause("unplaced", "no node has 64 GB", group="web"),))
    assert plan.lines(made)[-2:] == ["unplaced", "  cause   no node has 64 GB"]
    assert "does not fit" in plan.lines(made)[0]
