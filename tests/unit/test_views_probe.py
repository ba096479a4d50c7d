"""A probe below the verdict, as people read it."""

from __future__ import annotations

from dataclasses import replace

from toolkit.spec.probe import ProbeReport, ProbeSettings
from toolkit.views import probe

REPORT = ProbeReport(
    ProbeSettings(), "http://127.0.0.1:8080", "backend.localhost", began=100.0, ended=120.0,
    requests=412, failed=0, longest_gap=0.024, latency=0.0123,
    first_new=103.2, last_old=104.6, last_new=119.9,
)  # fmt: skip


def test_figures_and_who_answered_when() -> None:
    assert probe.lines(REPORT) == [
        "  probe   0 of 412 requests failed · longest gap 24 ms · 99% within 12 ms",
        "          new release from 3.2 s on, old one until 4.6 s, both for 1.4 s",
    ]


def test_a_release_that_was_taken_back_was_mixed_while_it_was_there() -> None:
    back = replace(REPORT, last_new=103.9, last_old=119.8)
    assert back.mixed is not None
    assert round(back.mixed, 3) == 0.7
    assert replace(REPORT, first_new=106.0).mixed == 0.0


def test_what_cannot_be_told_is_left_out() -> None:
    bare = replace(REPORT, first_new=None, last_old=None, last_new=None, latency=None, failed=412)
    noted = replace(bare, notes=("it ended after 412 requests, the most that it may make",))
    assert probe.lines(noted) == [
        "  probe   412 of 412 requests failed · longest gap 24 ms",
        "          it ended after 412 requests, the most that it may make",
    ]
    assert noted.mixed is None
