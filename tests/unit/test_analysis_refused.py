"""Canaries that could not be had or compared as asked are refused before anything is changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.job_files import load
from tests.unit.machinery import job, live
from toolkit.errors import RefusedError
from toolkit.rollout.canaries import number_of, with_canaries
from toolkit.spec.analysis import AnalysisSettings
from toolkit.spec.plan import GroupPlan, Plan
from toolkit.spec.rendered import RenderedJob
from toolkit.workflows.analysing import (
    Canaries,
    canaries_of,
    fitting,
    not_compared,
    refuse_canaries,
)

SETTINGS = AnalysisSettings()
RENDERED = RenderedJob(load(), "", (), {})


def planned(raw: dict[str, Any] | None = None, *, canary: int = 1, **how: Any) -> Plan:
    """A job of which every instance offers a port, and so many canaries."""
    raw = raw or job(count=3)
    for group in raw["TaskGroups"]:
        if group["Update"] is not None:
            group["Update"] = {**group["Update"], "Canary": canary}
        for service in group["Services"] or []:
            service["PortLabel"] = "http"
    how = {"live": live(3, 50), "groups": (GroupPlan("web", canary=canary),), **how}
    return Plan(RENDERED, raw, **how)


@pytest.mark.parametrize(
    ("plan", "canaries", "timeout", "says"),
    [
        (planned(job("batch")), Canaries((1,)), 600.0, "is a batch job, which has no canaries"),
        (planned(job("system")), Canaries((), SETTINGS), 600.0, "is a system job"),
        (planned(), Canaries((1, 4)), 600.0, "4 canaries are more than its count of 3"),
        (planned(), Canaries((2, 1)), 600.0, "more canaries than the one before"),
        (planned(canary=0), Canaries((), SETTINGS), 600.0, "deployed without canaries"),
        (planned(), Canaries((), SETTINGS), 120.0, "may take 120 s, and the rollout has 120 s"),
        (planned(), Canaries((1, 2, 3), SETTINGS), 360.0, "may take 360 s"),
    ],
)
def test_what_is_refused(plan: Plan, canaries: Canaries, timeout: float, says: str) -> None:
    with pytest.raises(RefusedError, match="nothing was changed") as caught:
        refuse_canaries(plan, canaries, timeout)
    assert says in caught.value.message
    assert caught.value.hint


def test_a_job_that_nobody_can_ask_is_refused() -> None:
    raw = job(count=2)
    raw["TaskGroups"][0]["Services"] = []
    with pytest.raises(RefusedError, match="no Consul service with a port"):
        refuse_canaries(planned(raw), Canaries((), SETTINGS), 600.0)


@pytest.mark.parametrize(
    ("canaries", "timeout"),
    [(Canaries((1, 3), SETTINGS), 241.0), (Canaries((), SETTINGS), 121.0), (Canaries((3,)), 1.0)],
)
def test_what_is_not(canaries: Canaries, timeout: float) -> None:
    refuse_canaries(planned(), canaries, timeout)


def test_a_job_that_asks_for_nothing_is_never_refused() -> None:
    refuse_canaries(planned(job("system")), Canaries(), 0.0)


@pytest.mark.parametrize(
    ("plan", "detached", "says"),
    [
        (planned(live=None), False, "there is no version beside which they could be"),
        (planned(live=live(3, 50, stopped=True)), False, "there is no version"),
        (planned(groups=(GroupPlan("web", in_place=3),)), False, "this change needs none"),
        (planned(), True, "nobody watches a detached rollout"),
        (planned(), False, None),
    ],
)
def test_what_does_not_take_place_is_said(plan: Plan, detached: bool, says: str | None) -> None:
    notes = not_compared(plan, Canaries((), SETTINGS), detached=detached)
    assert len(notes) == (says is not None)
    assert says is None or says in notes[0]
    assert not_compared(plan, Canaries(), detached=detached) == []


def test_steps_without_anybody_to_take_them_are_said() -> None:
    [note] = not_compared(planned(), Canaries((1, 3)), detached=True)
    assert "no steps: nobody watches a detached rollout; 3 canaries" in note


@pytest.mark.parametrize(
    ("text", "analyse", "compared"),
    [
        ("", None, False),
        ("", True, True),
        ("", False, False),
        ("[canary]", None, True),
        ("[canary]", False, False),
        ("[canary]\nrate = 5", True, True),
    ],
)
def test_the_table_or_the_option_decides(text: str, analyse: bool | None, compared: bool) -> None:
    found = canaries_of(load(text), (), analyse).compared
    assert (found is not None) == compared
    assert found is None or found.rate == (5.0 if "rate" in text else 20.0)


def test_steps_fit_a_job_that_was_scaled_below_them() -> None:
    found = fitting(Canaries((1, 3, 5), SETTINGS), planned(job(count=2)))
    assert found == Canaries((1, 2), SETTINGS)


def test_a_job_that_was_scaled_to_nothing_is_not_refused() -> None:
    plan = planned(job(count=0), canary=0)
    found = fitting(Canaries((1, 3), SETTINGS), plan)
    assert found == Canaries()
    refuse_canaries(plan, found, 600.0)


# The number in the job.


def test_each_group_gets_as_many_as_it_has_instances_for() -> None:
    raw = job(count=4, groups=("web", "side"))
    raw["TaskGroups"][1]["Count"] = 1
    changed = with_canaries(raw, 3)
    assert [g["Update"]["Canary"] for g in changed["TaskGroups"]] == [3, 1]
    assert number_of(changed) == 3
    # The job that was given is as it was, and everything else is in the new one.
    assert number_of(raw) == 0
    assert changed["TaskGroups"][0]["Update"]["MaxParallel"] == 1


def test_a_group_without_an_update_block_gets_one() -> None:
    raw = job(count=2)
    raw["TaskGroups"][0]["Update"] = None
    assert with_canaries(raw, 1)["TaskGroups"][0]["Update"] == {"Canary": 1}
