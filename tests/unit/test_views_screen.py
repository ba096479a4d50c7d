"""What people read fits on 80 columns, with its text in one column; events stay one line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.test_views_deploy import PLAN, REPORT
from toolkit.spec.chain import Extra, Link, Verification
from toolkit.spec.doctor import Check, DoctorReport
from toolkit.spec.events import Event
from toolkit.spec.fit import FitReport, GroupFit
from toolkit.spec.plan import LintFinding
from toolkit.views import deploy, doctor, event, plan, text, verify, why_not

LONG = " ".join(f"word{number}" for number in range(40))
CHAIN = Verification(
    links=(Link("nomad", "holds", LONG), Link("consul", "broken", LONG)),
    instances=(),
    extras=(Extra("consul", "stale", "web-1", LONG),),
    expected=2,
)
SAID = replace(REPORT, verdict="unverified", sentence=LONG)
CHECK = Check("consul-servers", "could not tell", LONG, (LONG,), (LONG,), LONG)
FINDING = LintFinding("some-rule", "warning", LONG, LONG)
GROUP = GroupFit("web", "unknown", 1, 0, 0, 0, 0, (), (), LONG, advice=LONG)
FIT = FitReport("web", "service", (GROUP,), "unknown", 1, notes=(LONG,))
SCREENS = {
    "deploy": deploy.lines(SAID),
    "verify": verify.lines(replace(SAID, verification=CHAIN)),
    "rolling": verify.lines(replace(SAID, verification=replace(CHAIN, rolling=True))),
    "plan": plan.lines(replace(PLAN, lint=(FINDING,), warnings=(LONG,), notes=(LONG,))),
    "doctor": doctor.lines(DoctorReport("dev", "http://a", "http://b", "default", (CHECK,))),
    "why-not": why_not.lines(FIT),
}


@pytest.mark.parametrize("name", SCREENS)
def test_no_line_is_wider_than_the_screen(name: str) -> None:
    assert max(map(len, SCREENS[name])) <= text.SCREEN
    # Nothing is left out, and no word is cut.
    assert LONG in " ".join(" ".join(SCREENS[name]).split())


def test_what_goes_on_starts_below_its_text() -> None:
    assert text.told("note", "one " * 20) == [
        "note      " + " ".join(["one"] * 17),
        "          " + " ".join(["one"] * 3),
    ]
    first, second = text.told("unverified", "x" * 30 + " " + "y" * 40)
    assert (first, second) == ("unverified  " + "x" * 30, " " * 10 + "y" * 40)
    rows = text.hung([["a", "b " * 50], ["long", "c"]])
    assert [row[0][:6] for row in rows] == ["a     ", "long  "]
    assert rows[0][1].startswith("      b")
    assert text.hung([["a", ""], ["b", "c"]]) == [["a"], ["b  c"]]


def test_a_last_cell_of_several_lines_keeps_them() -> None:
    rows = text.hung([["hello", "wrong\n  line 29: " + "x " * 40 + "\n\x1b[2J\rend"], ["b", "c"]])
    assert rows[0][0] == "hello  wrong"
    assert rows[0][1].startswith("         line 29: x") and len(rows[0][1]) <= text.SCREEN
    assert rows[0][-1] == "       \\x1b[2J\\x0dend"
    assert rows[1] == ["b      c"]
    assert all(line.startswith("       ") for line in rows[0][1:])


def test_an_event_is_one_line_for_whoever_searches_it() -> None:
    assert event.lines(Event("fail", LONG, 0.0)) == [f"fail      {LONG}"]
